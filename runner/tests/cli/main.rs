//! The real `trine` binary, run as people and programs run it: what it prints, where, and its exit codes.
//!
//! That the numbers are right is shown by the tests of the library.

#[cfg(feature = "serve")]
mod batch;
mod commands;
mod conversation;
mod documents;
mod editing;
mod ends;
mod files;
mod kinds;
mod manners;
mod output;
mod pseudo_terminal;
mod rig;
mod sampling;
#[cfg(feature = "serve")]
mod serving;
mod terminal;
mod thoughts;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;
use trine::loader::{Gguf, GgufWriter, Value};
use trine::model::{Tokenizer, TokenizerOptions};

const STORIES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/stories-i2_s.gguf");

/// Starts the binary with an empty standard input.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trine"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn trine(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// Runs the binary with this text on its standard input.
fn trine_reading(input: &[u8], arguments: &[&str]) -> Output {
    let mut child = command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// Standard output of a run that succeeded.
#[track_caller]
fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", errors(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The one line of a run that failed with this code and printed nothing else.
#[track_caller]
fn failure(output: &Output, code: i32) -> String {
    let errors = errors(output);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    assert_eq!(output.stdout, b"", "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.starts_with("error: "), "{errors}");
    errors
}

/// A copy of the story model with other metadata.
fn with_metadata(folder: &TempDir, changes: &[(&str, Value)]) -> PathBuf {
    let file = Gguf::open(STORIES).unwrap();
    let mut writer = GgufWriter::new();
    for (key, value) in file.metadata().iter().filter(|(key, _)| changes.iter().all(|(other, _)| other != key)) {
        writer.set(key, value.clone()).unwrap();
    }
    for (key, value) in changes {
        writer.set(*key, value.clone()).unwrap();
    }
    for tensor in file.tensors() {
        writer.tensor(&tensor.name, &tensor.ne.row_major(), tensor.kind, file.bytes(tensor)).unwrap();
    }
    let path = folder.path().join("changed.gguf");
    writer.write_file(&path).unwrap();
    path
}

fn with_chat_template(folder: &TempDir) -> PathBuf {
    let template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}\
                    {% if add_generation_prompt %}assistant:{% endif %}";
    with_metadata(folder, &[("tokenizer.chat_template", Value::from(template))])
}

fn path_text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn no_arguments_are_a_story() {
    let output = trine(&[]);
    let story = text(&output);
    assert!(story.starts_with("Once upon a time") && story.len() > 100 && story.ends_with('\n'), "{story}");
    let errors = errors(&output);
    let last = errors.lines().last().unwrap();
    assert!(last.starts_with("prompt ") && last.contains("decode ") && last.matches("tokens/s").count() == 2, "{last}");
}

#[test]
fn a_seed_repeats_a_story_and_another_tells_another() {
    let story = |seed| text(&trine(&["run", "-p", "The king", "-n", "40", "--seed", seed]));
    assert_eq!(story("7"), story("7"));
    assert_ne!(story("7"), story("8"));
}

#[test]
fn a_greedy_story_is_the_same_on_every_machine() {
    let story = |more: &[&str]| text(&trine(&[&["run", "-p", "Once", "-n", "48", "--greedy"], more].concat()));
    let first = story(&[]);
    assert_eq!(story(&["--threads", "1", "--isa", "portable"]), first);
    assert_eq!(story(&["--threads", "3"]), first);
}

#[test]
fn prompts_come_from_arguments_files_and_pipes() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("prompt.txt");
    std::fs::write(&file, "The little fox\n").unwrap();
    let options = ["run", "-n", "12", "--greedy"];
    let story = text(&trine(&[&options[..], &["-p", "The little fox"]].concat()));
    assert!(story.starts_with("The little fox"), "{story}");
    assert_eq!(text(&trine(&[&options[..], &["-f", path_text(&file)]].concat())), story);
    assert_eq!(text(&trine_reading(b"The little fox\n", &options)), story);
    assert_eq!(text(&trine_reading(b"The little fox", &[&options[..], &["-p", "-"]].concat())), story);
}

#[test]
fn a_stop_text_ends_a_story_and_is_not_printed() {
    let options = ["run", "-p", "Once upon a time", "-n", "60", "--greedy"];
    let story = text(&trine(&options));
    let generated = story.strip_prefix("Once upon a time").unwrap();
    let stop = &generated[generated.len() / 2..generated.len() / 2 + 5];
    let stopped = text(&trine(&[&options[..], &["--stop", stop]].concat()));
    let kept = &generated[..generated.find(stop).unwrap()];
    assert_eq!(stopped.strip_prefix("Once upon a time").unwrap().trim_end_matches('\n'), kept.trim_end_matches('\n'));
}

#[test]
fn a_template_makes_an_answer_of_a_continuation() {
    let folder = TempDir::new().unwrap();
    let model = with_chat_template(&folder);
    let story = |more: &[&str]| text(&trine(&[&["run", path_text(&model), "-n", "16", "--greedy"], more].concat()));
    let answer = story(&["-p", "Tell me"]);
    assert!(!answer.contains("Tell me"), "an answer does not repeat the question: {answer}");
    let by_hand = story(&["--complete", "-p", "user: Tell me\nassistant:"]);
    assert_eq!(by_hand, format!("user: Tell me\nassistant:{answer}"));
}

#[test]
fn logits_are_a_row_of_floats_for_each_id() {
    let logits = |more: &[&str]| {
        let output = trine(&[&["logits", STORIES], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
        output.stdout
    };
    let bytes = logits(&["--ids", "1,5,900"]);
    assert_eq!(bytes.len(), 3 * 2048 * 4);
    let floats: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    assert!(floats.iter().all(|logit| logit.is_finite()));
    assert_ne!(floats[..2048], floats[2048..4096]);
    assert_ne!(logits(&["--ids", "1,5,901"])[2 * 2048 * 4..], bytes[2 * 2048 * 4..], "the last row knows the last id");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("logits.bin");
    assert_eq!(logits(&["--ids", "1,5,900", "--out", path_text(&file)]), b"");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn logits_refuse_ids_that_do_not_exist_and_leave_no_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("logits.bin");
    let error = failure(&trine(&["logits", STORIES, "--ids", "1,2048", "--out", path_text(&file)]), 1);
    assert!(error.contains("2048"), "{error}");
    let ids = vec!["3"; 257].join(",");
    let error = failure(&trine(&["logits", STORIES, "--ids", &ids, "--out", path_text(&file)]), 1);
    assert!(error.contains("257") && error.contains("256"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn ids_of_a_text_give_the_text_again() {
    let story = "Once upon a time,\nthere was a  fox.\n\n<|endoftext|>";
    let ids = |options: &[&str]| -> Vec<u32> {
        let line = text(&trine_reading(story.as_bytes(), &[&["tokenize", STORIES], options].concat()));
        assert_eq!(line.lines().count(), 1);
        line.split_whitespace().map(|id| id.parse().unwrap()).collect()
    };
    let tokenizer = Tokenizer::from_gguf(&Gguf::open(STORIES).unwrap(), &TokenizerOptions::default()).unwrap();
    let plain = ids(&["--no-special"]);
    assert_eq!(tokenizer.decode(&plain, true).unwrap(), story);
    let special = ids(&[]);
    assert_eq!(tokenizer.decode(special.strip_prefix(&[0][..]).unwrap_or(&special), true).unwrap(), story);
    assert!(special.ends_with(&[0]) && !plain.contains(&0), "<|endoftext|> is token 0, or plain text");
}

#[test]
fn text_that_is_not_utf8_is_refused_where_it_breaks() {
    let error = failure(&trine_reading(b"abc\xff", &["tokenize", STORIES]), 1);
    assert!(error.contains("standard input") && error.contains("offset 3"), "{error}");
}

#[test]
fn a_perplexity_is_a_number_that_prose_makes_small() {
    let folder = TempDir::new().unwrap();
    let measure = |words: &str| -> f64 {
        let file = folder.path().join("text.txt");
        std::fs::write(&file, words).unwrap();
        let line = text(&trine(&["perplexity", STORIES, path_text(&file), "--window", "48", "--stride", "20"]));
        line.strip_prefix("perplexity ").unwrap().split(' ').next().unwrap().parse().unwrap()
    };
    let prose = "Once upon a time there was a little girl who lived in a house near the forest with her mother. ";
    let noise = "zq vex 9 jolt # under ]] the Xi wram 0 lurk, pon gre 77 thwack % qu ";
    let (prose, noise) = (measure(&prose.repeat(2)), measure(&noise.repeat(2)));
    assert!(1.0 < prose && prose < noise && noise.is_finite(), "{prose} {noise}");
}

#[test]
fn an_inspection_is_a_document() {
    let document: serde_json::Value = serde_json::from_str(&text(&trine(&["inspect", STORIES, "--json"]))).unwrap();
    let model = &document["model"];
    assert_eq!((model["architecture"].as_str(), model["vocab"].as_u64()), (Some("bitnet-b1.58"), Some(2048)));
    assert_eq!((model["heads"].as_u64(), model["kv_heads"].as_u64()), (Some(4), Some(2)));
    assert_eq!(model["rms_epsilon"].to_string(), "0.00001");
    let key = &document["metadata"]["bitnet-b1.58.block_count"];
    assert_eq!((key["type"].as_str(), key["value"].as_u64()), (Some("u32"), Some(4)));
    let file = Gguf::open(STORIES).unwrap();
    assert_eq!(document["tensors"].as_array().unwrap().len(), file.tensors().len());
    for (shown, tensor) in document["tensors"].as_array().unwrap().iter().zip(file.tensors()) {
        assert_eq!(shown["name"].as_str(), Some(tensor.name.as_str()));
        assert_eq!((shown["bytes"].as_u64(), shown["offset"].as_u64()), (Some(tensor.len), Some(tensor.offset)));
        assert!(shown["role"].is_string(), "{shown}");
        assert_eq!(shown["gain_rms"].is_number(), tensor.name.contains("norm"), "{shown}");
    }
}

#[test]
fn an_inspection_is_a_text() {
    let shown = text(&trine(&["inspect"]));
    for part in
        ["bitnet-b1.58.block_count", "blk.3.ffn_down.weight", "down projection of block 3", "I2_S", "RMS of gains"]
    {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert!(!text(&trine(&["inspect", "--metadata-only"])).contains("blk.3.ffn_down.weight"));
}

#[test]
fn a_sound_file_passes_the_check() {
    let line = text(&trine(&["check", STORIES]));
    assert!(line.contains("loads") && line.contains("bitnet-b1.58") && line.lines().count() == 1, "{line}");
}

#[test]
fn a_damaged_file_fails_the_check_with_one_line() {
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("damaged.gguf");
    let sound = std::fs::read(STORIES).unwrap();
    let file = Gguf::open(STORIES).unwrap();
    let check = |bytes: &[u8]| {
        std::fs::write(&copy, bytes).unwrap();
        let error = failure(&trine(&["check", path_text(&copy)]), 1);
        assert!(error.contains("damaged.gguf"), "{error}");
        error
    };
    check(&sound[..sound.len() / 2]);
    check(&sound[..100]);
    check(b"not a model");
    let codes = file.tensor("blk.2.attn_k.weight").unwrap();
    let mut with_code_3 = sound.clone();
    with_code_3[codes.offset as usize + 77] = 0xff;
    assert!(check(&with_code_3).contains("blk.2.attn_k.weight"));
    let gains = file.tensor("blk.1.ffn_norm.weight").unwrap();
    let mut with_nan = sound.clone();
    with_nan[gains.offset as usize..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(check(&with_nan).contains("blk.1.ffn_norm.weight"));
}

#[test]
fn a_file_with_two_problems_has_a_line_for_each() {
    let folder = TempDir::new().unwrap();
    let changes =
        [("tokenizer.ggml.pre", Value::from("no-such-splitter")), ("bitnet-b1.58.block_count", Value::from(5u32))];
    let output = trine(&["check", path_text(&with_metadata(&folder, &changes))]);
    let errors = errors(&output);
    assert_eq!((output.status.code(), errors.lines().count()), (Some(1), 2), "{errors}");
    assert!(errors.contains("blk.4.") && errors.contains("no-such-splitter"), "{errors}");
}

#[test]
fn a_file_that_does_not_exist_is_named() {
    for command in ["run", "inspect", "check"] {
        let error = failure(&trine(&[command, "no/such/model.gguf"]), 1);
        assert!(error.contains("no/such/model.gguf"), "{error}");
    }
}

#[test]
fn wrong_arguments_have_their_own_exit_code() {
    for line in [&["no-such-command"][..], &["run", "--no-such-option"], &["run", "--kv", "f64"]] {
        assert_eq!(trine(line).status.code(), Some(2), "{line:?}");
    }
    let error = failure(&trine(&["run", "--context", "257"]), 2);
    assert!(error.contains("257") && error.contains("256"), "{error}");
    failure(&trine(&["run", "--top-p", "7"]), 2);
}

#[test]
fn help_and_version_succeed() {
    assert!(text(&trine(&["--help"])).contains("perplexity"));
    assert!(text(&trine(&["run", "--help"])).contains("--repetition-penalty"));
    assert!(text(&trine(&["--version"])).contains(env!("CARGO_PKG_VERSION")));
}

/// Starts a story that takes a while, and waits until its first words were generated.
fn long_story(folder: &TempDir) -> (Child, [u8; 16]) {
    long_story_by(command(&[]), folder)
}

/// The same by a command that takes the arguments of the binary.
fn long_story_by(mut command: Command, folder: &TempDir) -> (Child, [u8; 16]) {
    let model = with_metadata(folder, &[("bitnet-b1.58.context_length", Value::from(8192u32))]);
    let options = ["-p", "Once", "-n", "8000", "--ignore-eos", "--greedy", "--threads", "1", "--isa", "portable"];
    let mut child = command.arg("run").arg(model).args(options).stdout(Stdio::piped()).spawn().unwrap();
    let mut begin = [0; 16];
    child.stdout.as_mut().unwrap().read_exact(&mut begin).unwrap();
    (child, begin)
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = TempDir::new().unwrap();
    let (mut child, begin) = long_story(&folder);
    assert_eq!(&begin[..4], b"Once");
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), errors(&output).as_str()), (Some(0), ""));
}

const CHECKPOINT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/checkpoints/bitnet-packed");

#[test]
fn a_directory_of_transformers_runs_as_a_file_does() {
    let checked = text(&trine(&["check", CHECKPOINT]));
    assert!(checked.contains("bitnet-packed loads: bitnet-b1.58, 2 blocks, hidden 60"), "{checked}");
    let continued = trine(&["run", CHECKPOINT, "-p", "Hello", "-n", "5", "--greedy"]);
    assert!(errors(&continued).contains("decode"), "{}", errors(&continued));
    text(&continued);
    // The ids of HF tokenizers for the first words of the text in tests/fixtures/checkpoints/tokenizers.json.
    let ids = text(&trine_reading(b"Hello", &["tokenize", CHECKPOINT]));
    assert_eq!(ids.split_whitespace().collect::<Vec<_>>(), ["1", "43", "72", "293", "82"]);
}

#[test]
fn inspecting_a_directory_shows_its_configuration_and_roles() {
    let shown = text(&trine(&["inspect", CHECKPOINT]));
    for part in ["format  safetensors", "quantization_config.linear_class", "query projection of block 1", "U8"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let json: serde_json::Value = serde_json::from_str(&text(&trine(&["inspect", CHECKPOINT, "--json"]))).unwrap();
    assert_eq!(json["version"], serde_json::Value::Null);
    assert_eq!(json["model"]["ffn"], 92);
    let tensors = json["tensors"].as_array().unwrap();
    let packed = tensors.iter().find(|tensor| tensor["name"] == "model.layers.0.mlp.gate_proj.weight").unwrap();
    assert_eq!((&packed["dims"], &packed["type"]), (&serde_json::json!([92, 60]), &serde_json::json!("U8")));
}

#[test]
fn a_directory_without_a_model_is_refused() {
    let folder = TempDir::new().unwrap();
    let error = failure(&trine(&["check", path_text(folder.path())]), 1);
    assert!(error.contains("model.safetensors") && error.contains("save_pretrained"), "{error}");
}
