//! Models trained by others, fed with the tokens that llama.cpp chose: the form of `qwen2.py` and `gemma3_270m.py`.
//!
//! What belongs here: the comparison, and reading what it compares with. What does not: which models there are (a file
//! each).

use crate::api::*;
use crate::support::{FeedIds, argmax, assert_close, cpu, fixture, with_model};
use serde_json::Value;
use std::path::Path;

/// How near is near.
pub struct Bounds {
    /// Twice the largest difference between a logit of llama.cpp, which rounds activations to 8 bits, and one of a
    /// model that does not: two that lie closer may change places.
    pub close: f64,
    /// The largest deviation from that model.
    pub tolerance: f64,
    /// What Trine computes with: where it is not said, activations of quantized matrices are rounded to 16 bits.
    pub activations: Option<ActivationMode>,
}

/// What another program computed, from a fixture.
pub fn expected(name: &str) -> Value {
    let text = std::fs::read_to_string(fixture(name)).expect("a fixture");
    serde_json::from_str(&text).expect("JSON")
}

/// The entries of a list.
pub fn items(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// A list of ids.
pub fn ids(value: &Value) -> Vec<u32> {
    items(value).iter().map(|id| id.as_u64().expect("an id") as u32).collect()
}

fn floats(value: &Value) -> Vec<f32> {
    items(value).iter().map(|logit| logit.as_f64().expect("a logit") as f32).collect()
}

/// Feeds each prompt of a fixture with the tokens that llama.cpp chose after it, one by one: the best token is
/// llama.cpp's at every step, and logits are those of `exact_model`, which rounds nothing.
pub fn followed(exact_model: &str, path: &Path, name: &str, bounds: Bounds) {
    let file = Gguf::open(path).unwrap_or_else(|error| panic!("{error}"));
    let expected = expected(name);
    let (cpu, sample) = (cpu(), ids(&expected["sample"]));
    let options = LoadOptions { activations: bounds.activations, ..LoadOptions::default() };
    with_model(&file, &options, |transformer| {
        for run in items(&expected["prompts"]) {
            let (name, prompt) = (run["name"].as_str().expect("a name"), ids(&run["ids"]));
            let mut session = Session::new(transformer, &cpu, 256, CacheType::F32).expect("it fits in memory");
            let (mut found, mut exact) = (Vec::new(), Vec::new());
            let mut logits = session.feed_ids(&prompt[..1]);
            for (given, next) in items(&run["exact"]["prompt"]).iter().zip(&prompt[1..]) {
                let values = floats(&given["sample"]);
                found.extend(sample.iter().take(values.len()).map(|&id| logits[id as usize]));
                exact.extend(values);
                logits = session.feed_ids(&[*next]);
            }
            found.extend(sample.iter().map(|&id| logits[id as usize]));
            exact.extend(floats(&run["exact"]["last"]["sample"]));
            assert_close(&format!("{exact_model}, {name}"), &found, &exact, bounds.tolerance);
            let steps = items(&run["llama_cpp"]["steps"]);
            assert_eq!((steps.len(), items(&run["greedy"]).len()), (64, 64));
            for (step, (given, id)) in steps.iter().zip(ids(&run["greedy"])).enumerate() {
                let (best, found) = (floats(&given["logits"]), argmax(&logits));
                let close = f64::from(best[0] - best[1]) < bounds.close && ids(&given["ids"]).contains(&found);
                assert!(found == id || close, "{name}, step {step}: token {found}, expected {id}");
                logits = session.feed_ids(&[id]);
            }
        }
    });
}
