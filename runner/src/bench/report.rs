//! What follows from the times: medians, rates, and fractions of the limits.

use super::measure::{Limits, Run, Test};
use crate::inspect::describe;
use std::time::Duration;
use trine::kernels::{CacheType, Isa, Matrix};
use trine::model::{Part, Projection, Transformer};
use trine::ops::Cpu;
use trine::shapes::{Blocks, Idx, Model};

/// Everything that is shown.
pub struct Report {
    /// The model in a line.
    pub model: String,
    /// Seconds from the opened file to the loaded model.
    pub load_seconds: f64,
    /// The instruction set.
    pub isa: Isa,
    /// Threads.
    pub threads: usize,
    /// Type of the cache.
    pub kv: CacheType,
    /// Operations of the matrices of all blocks for a token.
    pub operations_per_token: u64,
    /// Bytes of weights that a decoded token reads.
    pub bytes_per_token: u64,
    /// Bytes of the keys and values of a position.
    pub position_bytes: usize,
    /// Operations of attention for a token and each position that it sees: two products with all query heads.
    pub attention_operations: u64,
    /// What the machine can do at most.
    pub limits: MachineLimits,
    /// The tests, in order.
    pub tests: Vec<Measured>,
    /// The matrices of a block and the head.
    pub matrices: Vec<MatrixRow>,
}

/// Medians of the limits.
pub struct MachineLimits {
    /// Operations of products of single precision in a second, a multiply and an add counted as two.
    pub f32_ops: f64,
    /// Operations of integer dot products in a second, a multiply and an add counted as two.
    pub int8_ops: f64,
    /// Bytes read from memory in a second.
    pub read_bytes: f64,
    /// Seconds of a fork-join of work to all threads.
    pub fork_join: f64,
}

/// A test and its medians.
pub struct Measured {
    /// The test.
    pub test: Test,
    /// Tokens in a second.
    pub tokens_per_second: f64,
    /// Seconds for a token.
    pub seconds: f64,
    /// Seconds for a token in each row of the parts, in the order of [`Row::all`].
    pub parts: Vec<f64>,
    /// Hand-overs for a token.
    pub fork_joins: f64,
}

/// A matrix of each block, or the head.
pub struct MatrixRow {
    /// Its row in the table of parts.
    pub row: Row,
    /// Rows and columns.
    pub shape: (usize, usize),
    /// Packing, or that of the copy that decoding reads.
    pub kind: &'static str,
    /// Bytes that a decoded token reads in all blocks.
    pub bytes: u64,
    /// Weights in all blocks.
    pub weights: u64,
}

/// A row of the table of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// A matrix product, the quantization of its activations included.
    Matrix(Projection),
    /// The product with the head.
    Head,
    /// Attention, with the cache that keys and values are stored in.
    Attention,
    /// All norms.
    Norms,
    /// Rotation of queries and keys.
    Rope,
    /// The gate of the feed-forward network.
    Gate,
    /// The convolution before the delta rule.
    Convolution,
    /// The delta rule.
    DeltaRule,
    /// Sending tokens to experts, and adding up what these make.
    Routing,
    /// Additions to the residual stream.
    Residual,
    /// The row of the embedding.
    Embedding,
    /// What is in no part: taking results apart, memory.
    Rest,
}

impl Row {
    /// Every row, in the order in which rows are shown.
    pub fn all() -> impl Iterator<Item = Row> {
        let others = [
            Row::Head,
            Row::Attention,
            Row::Convolution,
            Row::DeltaRule,
            Row::Norms,
            Row::Rope,
            Row::Gate,
            Row::Routing,
            Row::Residual,
        ];
        let others = others.into_iter().chain([Row::Embedding, Row::Rest]);
        Projection::all().map(Row::Matrix).chain(others)
    }

    /// The row that a part belongs to.
    fn of(part: Part) -> Row {
        match part {
            Part::Matrix(projection) => Row::Matrix(projection),
            Part::Logits => Row::Head,
            Part::Attention => Row::Attention,
            Part::Norm(_) | Part::OutputNorm => Row::Norms,
            Part::QueryRope | Part::KeyRope => Row::Rope,
            Part::Gated | Part::AttentionGated => Row::Gate,
            Part::Convolution => Row::Convolution,
            Part::DeltaRule => Row::DeltaRule,
            Part::Routing | Part::Routed | Part::Experts => Row::Routing,
            Part::Residual | Part::Output => Row::Residual,
            Part::Embedding => Row::Embedding,
        }
    }

    /// Its name.
    pub fn name(self) -> String {
        match self {
            Row::Matrix(projection) => Part::Matrix(projection).to_string(),
            Row::Head => "head".to_owned(),
            Row::Attention => "attention".to_owned(),
            Row::Convolution => "convolution".to_owned(),
            Row::DeltaRule => "delta rule".to_owned(),
            Row::Norms => "norms".to_owned(),
            Row::Rope => "rope".to_owned(),
            Row::Gate => "gate".to_owned(),
            Row::Routing => "routing".to_owned(),
            Row::Residual => "residual".to_owned(),
            Row::Embedding => "embedding".to_owned(),
            Row::Rest => "rest".to_owned(),
        }
    }
}

impl Report {
    /// Medians of all runs.
    pub fn new<M: Model>(
        model: &Transformer<M>,
        (cpu, kv, position_bytes): (&Cpu, CacheType, usize),
        load_time: Duration,
        limits: &Limits,
        tests: Vec<(Test, Vec<Run>)>,
    ) -> Report {
        let limits = MachineLimits {
            f32_ops: median(limits.f32_ops.clone()),
            int8_ops: median(limits.int8_ops.clone()),
            read_bytes: median(limits.read_bytes.clone()),
            fork_join: median(limits.fork_join.clone()),
        };
        let dims = model.config.dims;
        Report {
            model: describe(&model.config),
            load_seconds: load_time.as_secs_f64(),
            isa: cpu.isa(),
            threads: cpu.threads(),
            kv,
            operations_per_token: model.operations_per_token(),
            bytes_per_token: model.bytes_per_token(),
            position_bytes,
            attention_operations: 4 * (dims.heads() * dims.head_dim * dims.attention_layers) as u64,
            limits,
            tests: tests.into_iter().map(|(test, runs)| Measured::new(test, &runs)).collect(),
            matrices: matrices(model),
        }
    }

    /// Operations in a second of the matrices of blocks.
    pub fn operations(&self, test: &Measured) -> f64 {
        test.tokens_per_second * self.operations_per_token as f64
    }

    /// Bytes of weights, keys and values read in a second by a decode.
    pub fn bytes(&self, test: &Measured) -> f64 {
        test.tokens_per_second * (self.bytes_per_token as f64 + self.state_bytes(test))
    }

    /// Bytes of the keys and values that a token of a sequence reads, in the mean of a test.
    pub fn state_bytes(&self, test: &Measured) -> f64 {
        self.position_bytes as f64 * test.positions_of_a_token()
    }

    /// Operations of attention in a second, where it takes up time.
    pub fn attention_rate(&self, test: &Measured) -> Option<f64> {
        let seconds = test.part(Row::Attention);
        (seconds > 0.0).then(|| self.attention_operations as f64 * test.positions_of_a_token() / seconds)
    }

    /// Tokens in a second of a test of several sequences, if a step took no longer than the limits ask for:
    /// `b / (max(W / B, b O / P) + max(H / B, 2 b Q / P) + b K / B)`. `W` are the bytes of the weights but the head and
    /// `O` their operations for a token, `H` and `Q` those of the head, whose activations have 16 bits, `K` the bytes
    /// of the keys and values of a sequence; `B` and `P` are the limits.
    pub fn ideal(&self, test: &Measured) -> f64 {
        let (read, compute) = (self.limits.read_bytes, self.limits.int8_ops);
        let head = self.matrices.iter().find(|matrix| matrix.row == Row::Head);
        let (head_bytes, head_weights) = head.map_or((0, 0), |head| (head.bytes, head.weights));
        let sequences = test.test.sequences() as f64;
        let blocks = ((self.bytes_per_token - head_bytes) as f64 / read)
            .max(sequences * self.operations_per_token as f64 / compute);
        let head = (head_bytes as f64 / read).max(2.0 * sequences * 2.0 * head_weights as f64 / compute);
        sequences / (blocks + head + sequences * self.state_bytes(test) / read)
    }
}

impl Measured {
    fn new(test: Test, runs: &[Run]) -> Measured {
        let tokens = test.tokens() as f64;
        let of_token = |time: Duration| time.as_secs_f64() / tokens;
        let seconds = median(runs.iter().map(|run| of_token(run.time)).collect());
        let part = |run: &Run, row: Row| -> Duration {
            let of_row = run.parts.iter().filter(|(part, _)| Row::of(**part) == row);
            match row {
                Row::Rest => run.time.saturating_sub(run.parts.values().sum()),
                _ => of_row.map(|(_, time)| *time).sum(),
            }
        };
        let parts = Row::all().map(|row| median(runs.iter().map(|run| of_token(part(run, row))).collect()));
        let fork_joins = median(runs.iter().map(|run| run.fork_joins as f64 / tokens).collect());
        Measured { test, tokens_per_second: 1.0 / seconds, seconds, parts: parts.collect(), fork_joins }
    }

    /// Positions that a token sees, its own among them, in the mean.
    pub fn positions_of_a_token(&self) -> f64 {
        // Each token has one position more than the one before.
        let tokens = (self.test.tokens() / self.test.sequences()) as f64;
        self.test.positions() as f64 - (tokens - 1.0) / 2.0
    }

    /// Products with the head for a token: a prompt needs it for its last one.
    pub fn heads_per_token(&self) -> f64 {
        match self.test {
            Test::Prompt { tokens } => 1.0 / tokens as f64,
            Test::Decode { .. } | Test::Batch { .. } => 1.0,
        }
    }

    /// Seconds for a token in a row of the parts.
    pub fn part(&self, row: Row) -> f64 {
        let index = Row::all().position(|other| other == row).expect("every row is listed");
        self.parts[index]
    }
}

fn matrices<M: Model>(model: &Transformer<M>) -> Vec<MatrixRow> {
    let row = |row: Row, all: Vec<&Matrix>| {
        let bytes = all.iter().map(|matrix| matrix.bytes_read() as u64).sum();
        let weights = all.iter().map(|matrix| (matrix.rows() * matrix.cols()) as u64).sum();
        all.first().map(|first| MatrixRow {
            row,
            shape: (first.rows(), first.cols()),
            kind: if first.has_triples() { "triples" } else { first.kind().name() },
            bytes,
            weights,
        })
    };
    let of_blocks = Projection::all().map(|projection| {
        let blocks = Idx::all(Blocks::of(model.model));
        row(Row::Matrix(projection), blocks.flat_map(|block| model.matrices_of_a_token(block, projection)).collect())
    });
    let head =
        row(Row::Head, vec![model.head_matrix()]).map(|head| MatrixRow { bytes: model.head_bytes() as u64, ..head });
    of_blocks.chain([head]).flatten().collect()
}

/// The middle value, or the mean of the two in the middle.
///
/// # Panics
/// If there is no value.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { (values[middle - 1] + values[middle]) / 2.0 } else { values[middle] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(vec![9.0, 1.0, 4.0]), 4.0);
        assert_eq!(median(vec![9.0, 1.0, 4.0, 2.0]), 3.0);
    }

    #[test]
    fn times_are_of_a_token_and_parts_add_up() {
        let millis = Duration::from_millis;
        let run = |time| Run {
            time: millis(time),
            parts: HashMap::from([
                (Part::Logits, millis(20)),
                (Part::QueryRope, millis(4)),
                (Part::KeyRope, millis(6)),
            ]),
            fork_joins: 50,
        };
        let test = Test::Decode { tokens: 10, depth: 3 };
        let measured = Measured::new(test, &[run(200), run(50), run(40)]);
        assert!((measured.tokens_per_second - 200.0).abs() < 1e-9 && (measured.seconds - 0.005).abs() < 1e-12);
        let micros = |row| (measured.part(row) * 1e6).round();
        assert_eq!((micros(Row::Head), micros(Row::Rope), micros(Row::Rest)), (2000.0, 1000.0, 2000.0));
        assert_eq!((micros(Row::Norms), measured.fork_joins), (0.0, 5.0));
    }
}
