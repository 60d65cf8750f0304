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
    for limit in ["int8_gops", "f32_gflops", "read_gb_per_s", "fork_join_us"] {
        positive(&report["limits"][limit]);
    }
    let prompt = report["prompt"].as_array().unwrap();
    assert_eq!(prompt.iter().map(|test| test["tokens"].as_u64().unwrap()).collect::<Vec<_>>(), [5, 12]);
    prompt.iter().for_each(assert_parts_add_up);
    // Two products of six heads of 128 numbers with 6.5 keys and values in the mean, in two blocks.
    let operations = 2.0 * 2.0 * 768.0 * 6.5 * 2.0;
    let attention = operations / positive(&prompt[1]["parts_us"]["attention"]) * 1e6;
    let share = attention / positive(&report["limits"]["f32_gflops"]) / 1e9;
    assert!((positive(&prompt[1]["attention_of_f32_limit"]) / share - 1.0).abs() < 1e-9);
    let decode = &report["decode"];
    assert_eq!((&decode["tokens"], &decode["depth"]), (&3.into(), &4.into()));
    assert_parts_add_up(decode);
    assert_eq!(report["decode_tokens_per_s"], decode["tokens_per_s"]);
    // Two numbers of two bytes for each of the three heads' 128 dimensions, in two blocks; positions 5, 6 and 7.
    let position = 2 * 2 * 384 * 2;
    assert_eq!(report["bytes_per_position"], position);
    let read = (bytes + 6 * position) as f64 / 1e9 / positive(&report["limits"]["read_gb_per_s"]);
    assert!((positive(&decode["of_limit"]) / (positive(&decode["tokens_per_s"]) * read) - 1.0).abs() < 1e-9);
    assert_eq!(report["batch"].as_array().unwrap().len(), 0);
}

#[test]
fn sequences_together_are_held_against_what_the_limits_allow() {
    let report = json("--like tiny --prompt 0 --decode 2 --depth 300 --batch 1,3 -r 1 --threads 1");
    let limit = |name: &str| positive(&report["limits"][name]);
    let (read, operations) = (limit("read_gb_per_s") * 1e9, limit("int8_gops") * 1e9);
    let head = (2 * TABLE) as f64;
    let weights = positive(&report["bytes_per_token"]) - head;
    // Positions 301 and 302.
    let state = 301.5 * positive(&report["bytes_per_position"]);
    for (test, sequences) in report["batch"].as_array().unwrap().iter().zip([1.0, 3.0]) {
        assert_eq!((&test["steps"], &test["depth"]), (&2.into(), &300.into()));
        assert_eq!(positive(&test["sequences"]), sequences);
        assert_parts_add_up(test);
        let blocks = (weights / read).max(sequences * (2 * 2 * BLOCK) as f64 / operations);
        let logits = (head / read).max(2.0 * sequences * (2 * TABLE) as f64 / operations);
        let ideal = sequences / (blocks + logits + sequences * state / read);
        assert!((positive(&test["limits_allow_tokens_per_s"]) / ideal - 1.0).abs() < 1e-9, "{test} {ideal}");
        assert!((positive(&test["of_limit"]) * ideal / positive(&test["tokens_per_s"]) - 1.0).abs() < 1e-9);
    }
    assert_eq!(report["batch"].as_array().unwrap().len(), 2);
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

/// A token is counted with the two experts of three that it goes to.
#[test]
fn a_token_reads_its_experts_alone() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/maple/ternary.gguf");
    let report = json(&format!("{file} --prompt 9 --decode 2 -r 1"));
    // Queries and output, keys and values, the router, and three matrices of each expert, in two blocks.
    let weights = 2 * (256 * (2 * 256 + 2 * 128) + 256 * 3 + 2 * 3 * 256 * 512);
    assert_eq!(positive(&report["gop_per_token"]), f64::from(2 * weights) / 1e9);
    let matrices = report["matrices"].as_array().unwrap();
    let of = |part: &str| matrices.iter().find(|matrix| matrix["part"] == part).unwrap_or_else(|| panic!("{part}"));
    assert_eq!((&of("ffn_down_exps")["rows"], &of("ffn_down_exps")["cols"]), (&256.into(), &512.into()));
    assert_eq!(of("ffn_gate_inp")["bytes"], 2 * 4 * 256 * 3);
    assert!(matrices.iter().all(|matrix| matrix["part"] != "ffn_gate"));
    for test in [&report["prompt"][0], &report["decode"]] {
        assert_parts_add_up(test);
        positive(&test["parts_us"]["routing"]);
        positive(&test["parts_us"]["ffn_up_exps"]);
    }
}

#[test]
fn people_get_a_line_for_each_test_and_part() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/stories-i2_s.gguf");
    let text = text(&format!("{file} --prompt 3,9 --decode 2 --batch 4 -r 1"));
    let tests = ["  prompt 3 ", "  prompt 9 ", "  decode 2 ", "  4 x 2 "];
    for line in tests.into_iter().chain(["prompt 9, each token:", "decode 2, each token:"]) {
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
        ("--like tiny --batch 2 --decode 0".to_owned(), "--batch takes as many steps as --decode"),
        ("--like tiny --batch 0".to_owned(), "--batch"),
    ];
    for (arguments, expected) in refused {
        let output = bench(&arguments);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments}: {message}");
        assert!(message.contains(expected), "{arguments}: {message}");
    }
}
