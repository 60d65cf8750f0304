//! `trine bench`, run as people and programs run it. How fast anything is, is no matter of tests: what is shown is that
//! the counts are those of the model's dimensions and that the times add up.

use serde_json::Value;
use std::process::{Command, Output, Stdio};

/// Weights of a block of the tiny model: queries and output, keys and values, gate, up and down.
const BLOCK: u64 = 2 * 512 * 768 + 2 * 512 * 384 + 3 * 512 * 768;
/// Bytes of its norms: before attention and the feed-forward network, and of their results.
const GAINS: u64 = 4 * (512 + 768 + 512 + 768);
const TABLE: u64 = 1000 * 512;

fn bench(arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trine"));
    command.arg("bench").args(arguments.split_whitespace()).stdin(Stdio::null()).output().unwrap()
}

/// Standard output of a run that succeeded.
#[track_caller]
fn text(arguments: &str) -> String {
    let output = bench(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn json(arguments: &str) -> Value {
    serde_json::from_str(&text(&format!("{arguments} --json"))).unwrap()
}

fn positive(value: &Value) -> f64 {
    value.as_f64().filter(|number| number.is_finite() && *number > 0.0).unwrap_or_else(|| panic!("{value}"))
}

/// The parts of a test take the time of a token together.
fn assert_parts_add_up(test: &Value) {
    let sum: f64 = test["parts_us"].as_object().unwrap().values().map(|part| part.as_f64().unwrap()).sum();
    let token = 1e6 / positive(&test["tokens_per_s"]);
    assert!((sum / token - 1.0).abs() < 1e-6, "{sum} of {token}: {test}");
}

#[test]
fn counts_are_those_of_the_dimensions() {
    let report = json("--like tiny --prompt 5,12 --decode 3 --depth 4 -r 1 --threads 2 --isa portable");
    assert_eq!((&report["threads"], &report["isa"], &report["kv"]), (&2.into(), &"portable".into(), &"f16".into()));
    assert_eq!(positive(&report["gop_per_token"]), (2 * 2 * BLOCK) as f64 / 1e9);
    // Two bits a weight, a scale in 32 bytes for each matrix, all gains, the F16 head, and a row of it for the token.
    let bytes = 2 * (BLOCK / 4 + 7 * 32 + GAINS) + 4 * 512 + 2 * TABLE + 2 * 512;
    assert_eq!(report["bytes_per_token"], bytes);
    for limit in ["int8_gops", "read_gb_per_s", "fork_join_us"] {
        positive(&report["limits"][limit]);
    }
    let prompt = report["prompt"].as_array().unwrap();
    assert_eq!(prompt.iter().map(|test| test["tokens"].as_u64().unwrap()).collect::<Vec<_>>(), [5, 12]);
    prompt.iter().for_each(assert_parts_add_up);
    let decode = &report["decode"];
    assert_eq!((&decode["tokens"], &decode["depth"]), (&3.into(), &4.into()));
    assert_parts_add_up(decode);
    assert_eq!(report["decode_tokens_per_s"], decode["tokens_per_s"]);
    let fraction =
        positive(&decode["tokens_per_s"]) * bytes as f64 / 1e9 / positive(&report["limits"]["read_gb_per_s"]);
    assert!((positive(&decode["of_limit"]) / fraction - 1.0).abs() < 1e-9);
}

#[test]
fn types_and_blocks_are_those_asked_for() {
    let report = json("--like tiny --blocks 3 --weights tq1_0 --table q8_0 --prompt 2 --decode 0 -r 2 --kv f32");
    let matrices = report["matrices"].as_array().unwrap();
    let names: Vec<_> = matrices.iter().map(|matrix| matrix["part"].as_str().unwrap()).collect();
    assert_eq!(names, ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down", "head"]);
    let down = &matrices[6];
    assert_eq!((&down["rows"], &down["cols"], &down["type"]), (&512.into(), &768.into(), &"tq1_0".into()));
    assert_eq!(down["bytes"], 3 * 512 * 768 / 256 * 54);
    assert_eq!((&matrices[7]["type"], &matrices[7]["bytes"]), (&"q8_0".into(), &(TABLE / 32 * 34).into()));
    assert_eq!((&report["decode"], &report["decode_tokens_per_s"]), (&Value::Null, &Value::Null));
    assert_eq!(report["kv"], "f32");
}

#[test]
fn people_get_a_line_for_each_test_and_part() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/stories-i2_s.gguf");
    let text = text(&format!("{file} --prompt 3,9 --decode 2 -r 1"));
    for line in ["  prompt 3 ", "  prompt 9 ", "  decode 2 ", "prompt 9, each token:", "decode 2, each token:"] {
        assert_eq!(text.lines().filter(|found| found.starts_with(line)).count(), 1, "{line}: {text}");
    }
    for part in ["attn_q ", "ffn_down ", "head ", "attention ", "norms ", "rest "] {
        assert_eq!(text.lines().filter(|line| line.trim_start().starts_with(part)).count(), 2, "{part}: {text}");
    }
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/stories-i2_s.gguf");
    let refused = [
        (format!("{file} --like tiny"), "--like"),
        (format!("{file} --prompt 257 -r 1"), "257 positions, and the model has 256"),
        ("--like tiny --prompt 1 --decode 25 --depth 1000".to_owned(), "1025 positions, and the model has 1024"),
        ("--like tiny --repetitions 0".to_owned(), "--repetitions"),
    ];
    for (arguments, expected) in refused {
        let output = bench(&arguments);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments}: {message}");
        assert!(message.contains(expected), "{arguments}: {message}");
    }
}
