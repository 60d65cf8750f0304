//! How the command is spoken to and answers: short forms, hints, silence, versions, completions, one style of errors.

use super::{Gguf, GgufWriter, TempDir};
use super::{STORIES, command, errors, failure, path_text, text, trine, trine_reading, with_chat_template};

const GREEDY: [&str; 4] = ["-n", "12", "--greedy", "-q"];

#[test]
fn a_prompt_may_follow_the_model() {
    let story = |more: &[&str]| text(&trine(&[&["run", STORIES], more, &GREEDY[..]].concat()));
    let expected = story(&["-p", "The little fox"]);
    assert!(expected.starts_with("The little fox"), "{expected}");
    assert_eq!(story(&["The little fox"]), expected);
    failure(&trine(&["run", STORIES, "The", "-p", "The"]), 2);
}

#[test]
fn without_a_limit_a_text_goes_on_to_the_end_of_the_context() {
    let short = ["run", "-p", "Once", "-n", "-1", "-c", "20", "-s", "7", "--temp", "0.5", "-t", "1", "--ignore-eos"];
    let output = trine(&short);
    text(&output);
    let told = errors(&output);
    assert!(told.contains("all 20 positions of the context are used") && told.contains("seed 7"), "{told}");
    let error = failure(&trine(&["run", "-n", "-2"]), 2);
    assert!(error.contains("at least 0, or -1"), "{error}");
}

#[test]
fn a_system_message_comes_before_the_prompt() {
    let folder = TempDir::new().unwrap();
    let model = with_chat_template(&folder);
    let story = |more: &[&str]| text(&trine(&[&["run", path_text(&model)], more, &GREEDY[..]].concat()));
    let answer = story(&["Tell me", "--system", "Be brief"]);
    let by_hand = story(&["--complete", "-p", "system: Be brief\nuser: Tell me\nassistant:"]);
    assert_eq!(by_hand, format!("system: Be brief\nuser: Tell me\nassistant:{answer}"));
    assert_ne!(answer, story(&["Tell me"]));
    let error = failure(&trine(&["run", STORIES, "Tell me", "--system", "Be brief"]), 2);
    assert!(error.contains("--system") && error.contains("no chat template"), "{error}");
}

#[test]
fn quiet_leaves_the_text_alone() {
    let loud = trine(&["run", "-p", "Once", "-n", "8", "--greedy"]);
    let quiet = trine(&["run", "-p", "Once", "-n", "8", "--greedy", "--quiet"]);
    assert_eq!((text(&quiet), errors(&quiet).as_str()), (text(&loud), ""));
    assert!(errors(&loud).contains("tokens/s"));
    failure(&trine(&["-q", "run", "no/such/model.gguf"]), 1);
}

#[test]
fn the_version_names_the_level_and_the_features() {
    let line = text(&trine(&["--version"]));
    let level = format!("level {}", trine::kernels::Isa::detect().name());
    assert!(line.contains(env!("CARGO_PKG_VERSION")) && line.contains(&level) && line.contains("features "), "{line}");
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn a_name_of_a_hub_is_told_from_a_path() {
    for command in ["run", "check", "tokenize"] {
        let error = failure(&trine(&[command, "some-organisation/some-model"]), 1);
        assert!(error.contains("hf download some-organisation/some-model --local-dir"), "{error}");
    }
    let error = failure(&trine(&["run", "no-such-folder/model.gguf"]), 1);
    assert!(!error.contains("download"), "{error}");
}

#[test]
fn a_model_is_no_text_to_measure() {
    let error = failure(&trine(&["perplexity", STORIES]), 2);
    assert!(error.contains("the text is missing") && error.contains("TEXT"), "{error}");
}

#[test]
fn more_threads_than_processors_are_remarked_on() {
    let processors = std::thread::available_parallelism().unwrap().get();
    let told = |threads: usize| {
        let threads = threads.to_string();
        let output = trine(&["run", "-p", "Once", "-n", "1", "--greedy", "-t", &threads]);
        text(&output);
        errors(&output)
    };
    let warning = format!("warning: --threads {}: this process has {processors} processors", processors + 1);
    assert!(told(processors + 1).contains(&warning), "{warning}");
    assert!(!told(processors).contains("processors"));
}

#[test]
fn wrong_arguments_are_one_line() {
    let lines = [
        (&["runn"][..], "'run'"),
        (&["run", "--tokns", "3"], "'--tokens'"),
        (&["run", "--kv", "f64"], "f16, f32, q8"),
        (&["logits", STORIES], "--ids"),
    ];
    for (line, part) in lines {
        let error = failure(&trine(line), 2);
        assert!(error.contains(part) && error.contains("--help"), "{error}");
    }
}

#[test]
fn shells_and_manuals_know_all_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = text(&trine(&["completions", shell]));
        assert!(script.contains("perplexity") && script.contains("repetition-penalty"), "{shell}: {script}");
    }
    assert!(text(&trine(&["man"])).contains(".TH trine 1"));
    let folder = TempDir::new().unwrap();
    assert_eq!(text(&trine(&["man", "--out", path_text(folder.path())])), "");
    let page = std::fs::read_to_string(folder.path().join("trine-run.1")).unwrap();
    assert!(page.contains("repetition\\-penalty"), "{page}");
    failure(&trine(&["man", "--out", "no/such/folder"]), 1);
}

/// The story model without a tokenizer.
fn without_tokenizer(folder: &TempDir) -> std::path::PathBuf {
    let file = Gguf::open(STORIES).unwrap();
    let mut writer = GgufWriter::new();
    for (key, value) in file.metadata().iter().filter(|(key, _)| !key.starts_with("tokenizer.")) {
        writer.set(key, value.clone()).unwrap();
    }
    for tensor in file.tensors() {
        writer.tensor(&tensor.name, &tensor.ne.row_major(), tensor.kind, file.bytes(tensor)).unwrap();
    }
    let path = folder.path().join("silent.gguf");
    writer.write_file(&path).unwrap();
    path
}

#[test]
fn a_check_goes_on_without_a_tokenizer() {
    let folder = TempDir::new().unwrap();
    let model = without_tokenizer(&folder);
    let output = trine(&["check", path_text(&model)]);
    assert!(text(&output).contains("silent.gguf loads: bitnet-b1.58"), "{}", errors(&output));
    assert!(errors(&output).contains("warning: ") && errors(&output).contains("no tokenizer"), "{}", errors(&output));
    assert_eq!(trine(&["check", "--strict", path_text(&model)]).status.code(), Some(1));
    let logits = command(&["logits", path_text(&model), "--ids", "1"]).output().unwrap();
    assert_eq!(logits.stdout.len(), 2048 * 4);
}

#[test]
fn ids_become_text_again() {
    let story = "Once upon a time,\nthere was a  fox.\n";
    let ids = text(&trine_reading(story.as_bytes(), &["tokenize", "--no-special"]));
    assert_eq!(text(&trine_reading(ids.as_bytes(), &["tokenize", "--decode"])), story);
    let with_commas = ids.trim().replace(' ', ",");
    assert_eq!(text(&trine_reading(with_commas.as_bytes(), &["tokenize", "--decode"])), story);
    let error = failure(&trine_reading(b"1 x", &["tokenize", "--decode"]), 1);
    assert!(error.contains("expected token ids") && error.contains("\"x\""), "{error}");
    let pieces = text(&trine_reading(story.as_bytes(), &["tokenize", "--pieces", "--no-special"]));
    let shown: Vec<(&str, &str)> = pieces.lines().map(|line| line.trim().split_once(' ').unwrap()).collect();
    assert_eq!(shown.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids.split_whitespace().collect::<Vec<_>>());
    let told: String = shown.iter().map(|(_, piece)| serde_json::from_str::<String>(piece.trim()).unwrap()).collect();
    assert_eq!(told, story);
}
