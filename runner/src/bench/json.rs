//! The report as one JSON document, for programs; docs/cli.md describes it.

use super::measure::Test;
use super::report::{Measured, Report, Row};
use serde_json::{Value, json};

/// The document.
pub fn document(report: &Report) -> Value {
    let limits = &report.limits;
    let of = |wanted: fn(&Test) -> bool| report.tests.iter().filter(move |test| wanted(&test.test));
    let prompt: Vec<_> = of(|test| matches!(test, Test::Prompt { .. })).map(|test| of_prompt(report, test)).collect();
    let decode = of(|test| matches!(test, Test::Decode { .. })).next();
    let batch: Vec<_> = of(|test| matches!(test, Test::Batch { .. })).map(|test| of_batch(report, test)).collect();
    json!({
        "model": report.model,
        "load_s": report.load_seconds,
        "isa": report.isa.name(),
        "threads": report.threads,
        "kv": report.kv.to_string(),
        "gop_per_token": report.operations_per_token as f64 / 1e9,
        "bytes_per_token": report.bytes_per_token,
        "limits": {
            "int8_gops": limits.int8_ops / 1e9,
            "f32_gflops": limits.f32_ops / 1e9,
            "read_gb_per_s": limits.read_bytes / 1e9,
            "fork_join_us": limits.fork_join * 1e6,
        },
        "prompt": prompt,
        "decode_tokens_per_s": decode.map(|test| test.tokens_per_second),
        "decode": decode.map(|test| of_decode(report, test)),
        "batch": batch,
        "bytes_per_position": report.position_bytes,
        "matrices": report.matrices.iter().map(|matrix| json!({
            "part": matrix.row.name(),
            "rows": matrix.shape.0,
            "cols": matrix.shape.1,
            "type": matrix.kind,
            "bytes": matrix.bytes,
        })).collect::<Vec<_>>(),
    })
}

fn of_prompt(report: &Report, test: &Measured) -> Value {
    json!({
        "tokens": test.test.tokens(),
        "tokens_per_s": test.tokens_per_second,
        "of_limit": report.operations(test) / report.limits.int8_ops,
        "attention_of_f32_limit": report.attention_rate(test).map(|rate| rate / report.limits.f32_ops),
        "fork_joins": test.fork_joins,
        "parts_us": parts(test),
    })
}

fn of_decode(report: &Report, test: &Measured) -> Value {
    json!({
        "tokens": test.test.tokens(),
        "depth": test.test.positions() - test.test.tokens(),
        "tokens_per_s": test.tokens_per_second,
        "of_limit": report.bytes(test) / report.limits.read_bytes,
        "fork_joins": test.fork_joins,
        "parts_us": parts(test),
    })
}

fn of_batch(report: &Report, test: &Measured) -> Value {
    let sequences = test.test.sequences();
    let steps = test.test.tokens() / sequences;
    let ideal = report.ideal(test);
    json!({
        "sequences": sequences,
        "steps": steps,
        "depth": test.test.positions() - steps,
        "tokens_per_s": test.tokens_per_second,
        "limits_allow_tokens_per_s": ideal,
        "of_limit": test.tokens_per_second / ideal,
        "fork_joins": test.fork_joins,
        "parts_us": parts(test),
    })
}

/// Microseconds for a token in each part.
fn parts(test: &Measured) -> Value {
    Row::all().map(|row| (row.name(), Value::from(test.part(row) * 1e6))).collect()
}
