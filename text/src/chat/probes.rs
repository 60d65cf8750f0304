//! What HF transformers makes of templates, byte for byte: `tests/fixtures/chat/probes.json`, which
//! `tools/templates/make_probes.py` writes, and llama.cpp's collection of templates, of which
//! `tools/templates/fetch_collection.py` wrote the digests and fetches those that are not in the repository.

use super::ChatTemplate;
use super::environment::strftime;
use minijinja::value::Value;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Deserialize)]
struct Fixture {
    tools: Value,
    talks: BTreeMap<String, Value>,
    probes: Vec<Probe>,
}

#[derive(Deserialize)]
struct Probe {
    talk: String,
    template: String,
    more: BTreeMap<String, Value>,
    text: Text,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Is(String),
    Refused { error: String },
}

/// A template of the collection.
#[derive(Deserialize)]
struct Collected {
    source: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    talk: String,
    tools: bool,
    text: Text,
}

/// What HF transformers refuses and is written here: tools that are not there are no tools.
const LENIENT: [&str; 2] = ["'NoneType' object is not iterable", "Object of type generator is not JSON serializable"];

/// What stands in a file of the fixtures.
fn fixture<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/chat").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn template(source: &str) -> Result<ChatTemplate, String> {
    let tokens = [("pad_token", "<pad>"), ("unk_token", "<unk>")].map(|(name, text)| (name.into(), text.into()));
    let template = ChatTemplate::new(source, "<s>", "</s>").map_err(|error| error.to_string())?;
    Ok(template.with_tokens(tokens))
}

fn render(fixture: &Fixture, probe: &Probe) -> Result<String, String> {
    let mut variables = probe.more.clone();
    variables.insert("messages".to_owned(), fixture.talks[&probe.talk].clone());
    variables.insert("add_generation_prompt".to_owned(), Value::from(true));
    if probe.talk == "tools" {
        variables.insert("tools".to_owned(), fixture.tools.clone());
    }
    template(&probe.template)?.render_with(&variables).map_err(|error| error.to_string())
}

/// The same on a day that does not pass.
fn render_collected(fixture: &Fixture, source: &str, case: &Case) -> Result<String, String> {
    let mut template = template(source)?;
    let day: jiff::Timestamp = "2024-02-05T00:00:00Z".parse().unwrap();
    template.environment.add_function("strftime_now", move |format: String| strftime(&format, day));
    let mut variables = BTreeMap::from([("messages", fixture.talks[&case.talk].clone())]);
    variables.insert("add_generation_prompt", Value::from(true));
    variables.extend(case.tools.then(|| ("tools", fixture.tools.clone())));
    template.render_with(&variables).map_err(|error| error.to_string())
}

fn digest(data: &[u8]) -> String {
    Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_collection_of_llama_cpp_gives_what_hf_transformers_gives() {
    let probes: Fixture = fixture("probes.json");
    let collection: BTreeMap<String, Collected> = fixture("llama_cpp.json");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = [root.join("tests/fixtures/chat/llama_cpp"), root.join("models/templates")];
    let (mut wrong, mut absent) = (Vec::new(), 0);
    for (name, collected) in &collection {
        let Some(path) = folders.iter().map(|folder| folder.join(name)).find(|path| path.exists()) else {
            absent += 1;
            continue;
        };
        let source = std::fs::read_to_string(path).unwrap();
        assert_eq!(digest(source.as_bytes()), collected.source, "{name} is not the template that the digests are of");
        for case in &collected.cases {
            let found = render_collected(&probes, &source, case);
            let fits = match (&found, &case.text) {
                (Ok(text), Text::Is(expected)) => digest(text.as_bytes()) == *expected,
                (Ok(_), Text::Refused { error }) => LENIENT.iter().any(|lenient| error.contains(lenient)),
                (Err(_), Text::Refused { .. }) => true,
                (Err(_), Text::Is(_)) => false,
            };
            if !fits {
                let found = found.unwrap_or_else(|error| error);
                wrong.push(format!("{name} {} {}: {found}", case.talk, case.tools));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(absent < collection.len(), "not one template is there");
    if absent > 0 {
        eprintln!(
            "SKIPPED {absent} of {} templates: tools/templates/fetch_collection.py fetches them",
            collection.len()
        );
    }
}

#[test]
fn templates_give_what_hf_transformers_gives() {
    let fixture: Fixture = fixture("probes.json");
    assert!(fixture.probes.len() >= 150);
    let mut wrong = Vec::new();
    for probe in &fixture.probes {
        match (render(&fixture, probe), &probe.text) {
            (Ok(text), Text::Is(expected)) if text == *expected => {}
            (Err(_), Text::Refused { .. }) => {}
            (found, Text::Is(expected)) => wrong.push(format!("{}\n  {found:?}\n  {expected:?}", probe.template)),
            (found, Text::Refused { error }) => wrong.push(format!("{}\n  {found:?}\n  {error}", probe.template)),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), fixture.probes.len(), wrong.join("\n"));
}
