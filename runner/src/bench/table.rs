//! The report as a text for people: a line for each test, then a line for each part.

use super::measure::Test;
use super::report::{MatrixRow, Measured, Report, Row};
use std::io::{self, Write};
use trine::loader::one_line;

/// Prints the report.
///
/// # Errors
/// The output cannot be written.
pub fn print(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let Report { limits, isa, threads, kv, .. } = report;
    writeln!(out, "{}", one_line(&report.model))?;
    writeln!(out, "{isa}, threads {threads}, cache {kv}, loaded in {:.2} s", report.load_seconds)?;
    writeln!(
        out,
        "limits: {:.0} GOPS of int8 dot products, {:.0} GFLOPS of f32, {:.1} GB/s read, {:.1} us to hand work over",
        limits.int8_ops / 1e9,
        limits.f32_ops / 1e9,
        limits.read_bytes / 1e9,
        limits.fork_join * 1e6
    )?;
    writeln!(
        out,
        "a token: {:.3} GOP in the blocks, {:.1} MB of weights\n",
        report.operations_per_token as f64 / 1e9,
        report.bytes_per_token as f64 / 1e6
    )?;
    let heading = ["test", "tokens/s", "GOPS", "of limit", "GB/s", "of limit"].map(str::to_owned);
    let (together, alone): (Vec<_>, Vec<_>) =
        report.tests.iter().partition(|test| matches!(test.test, Test::Batch { .. }));
    let tests = alone.iter().map(|test| test_row(report, test));
    rows(out, &[heading].into_iter().chain(tests).collect::<Vec<_>>())?;
    if !together.is_empty() {
        writeln!(out)?;
        let heading = ["sequences together", "tokens/s", "a step, ms", "limits allow", "of that"].map(str::to_owned);
        let tests = together.iter().map(|test| batch_row(report, test));
        rows(out, &[heading].into_iter().chain(tests).collect::<Vec<_>>())?;
    }
    let prompt = report.tests.iter().rfind(|test| matches!(test.test, Test::Prompt { .. }));
    let decode = report.tests.iter().rfind(|test| matches!(test.test, Test::Decode { .. }));
    if let Some(test) = prompt {
        writeln!(out, "\n{}, each token:", name(test.test))?;
        let operations = |matrix: &MatrixRow| 2 * matrix.weights;
        parts(out, report, test, "GOPS", limits.int8_ops, operations)?;
    }
    if let Some(test) = decode {
        writeln!(out, "\n{}, each token:", name(test.test))?;
        parts(out, report, test, "GB/s", limits.read_bytes, |matrix| matrix.bytes)?;
    }
    Ok(())
}

/// The name of a test.
pub fn name(test: Test) -> String {
    match test {
        Test::Prompt { tokens } => format!("prompt {tokens}"),
        Test::Decode { tokens, depth: 0 } => format!("decode {tokens}"),
        Test::Decode { tokens, depth } => format!("decode {tokens} after {depth}"),
        Test::Batch { sequences, steps, depth: 0 } => format!("{sequences} x {steps}"),
        Test::Batch { sequences, steps, depth } => format!("{sequences} x {steps} after {depth}"),
    }
}

fn percent(part: f64, whole: f64) -> String {
    format!("{:.1} %", 100.0 * part / whole)
}

fn test_row(report: &Report, test: &Measured) -> [String; 6] {
    let mut row: [String; 6] = Default::default();
    (row[0], row[1]) = (name(test.test), format!("{:.2}", test.tokens_per_second));
    let operations = report.operations(test);
    row[2] = format!("{:.1}", operations / 1e9);
    row[3] = percent(operations, report.limits.int8_ops);
    if let Test::Decode { .. } = test.test {
        let bytes = report.bytes(test);
        row[4] = format!("{:.2}", bytes / 1e9);
        row[5] = percent(bytes, report.limits.read_bytes);
    }
    row
}

fn batch_row(report: &Report, test: &Measured) -> [String; 5] {
    let step = test.seconds * test.test.sequences() as f64;
    let ideal = report.ideal(test);
    [
        name(test.test),
        format!("{:.2}", test.tokens_per_second),
        format!("{:.2}", step * 1e3),
        format!("{ideal:.2}"),
        percent(test.tokens_per_second, ideal),
    ]
}

/// A line for each part of a test. `amount` is what a token needs of the limit in a matrix.
fn parts(
    out: &mut impl Write,
    report: &Report,
    test: &Measured,
    unit: &str,
    limit: f64,
    amount: impl Fn(&MatrixRow) -> u64,
) -> io::Result<()> {
    let heading = ["part", "us", "of time", unit, "of limit", "shape", "type"].map(str::to_owned);
    let mut lines = vec![heading];
    for row in Row::all() {
        let seconds = test.part(row);
        let mut line: [String; 7] = Default::default();
        line[0] = row.name();
        line[1] = format!("{:.1}", seconds * 1e6);
        line[2] = percent(seconds, test.seconds);
        if let Some(matrix) = report.matrices.iter().find(|matrix| matrix.row == row) {
            // The head has the last token of a prompt alone.
            let tokens = if row == Row::Head { test.heads_per_token() } else { 1.0 };
            let rate = tokens * amount(matrix) as f64 / seconds;
            line[3] = format!("{:.1}", rate / 1e9);
            line[4] = percent(rate, limit);
            line[5] = format!("{} x {}", matrix.shape.0, matrix.shape.1);
            line[6] = matrix.kind.to_owned();
        } else if row == Row::Attention {
            // A prompt's attention is bound by its products, that of a single token by reading the cache.
            let (rate, limit) = match test.test {
                Test::Prompt { .. } => (report.attention_rate(test).unwrap_or(0.0), report.limits.f32_ops),
                _ => (report.state_bytes(test) / seconds, limit),
            };
            line[3] = format!("{:.1}", rate / 1e9);
            line[4] = percent(rate, limit);
        }
        lines.push(line);
    }
    rows(out, &lines)?;
    let fork_join = test.fork_joins * report.limits.fork_join;
    writeln!(
        out,
        "  fork-joins, which are in the parts: {:.1} times, {:.1} us, {}",
        test.fork_joins,
        fork_join * 1e6,
        percent(fork_join, test.seconds)
    )
}

/// Prints rows with their cells under each other, words on the left of their cells and numbers on the right.
fn rows<const N: usize>(out: &mut impl Write, rows: &[[String; N]]) -> io::Result<()> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let is_text = column == 0 || column >= 5 && N == 7;
            line += &if is_text { format!("  {cell:width$}") } else { format!("  {cell:>width$}") };
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
