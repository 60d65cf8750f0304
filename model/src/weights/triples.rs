//! Copies of ternary matrices in triples: whether decoding reads them, which depends on the machine.
//!
//! Not here: the copies ([`Matrix::with_triples`]).

use crate::description::Projection;
use crate::description::schema;
use crate::network::Transformer;
use crate::warning::NoTriples;
use std::time::{Duration, Instant};
use trine_kernels::Matrix;
use trine_kernels::activations::ActivationRows;
use trine_ops::Cpu;
use trine_shapes::{Blocks, Idx, Model};

/// Whether decoding reads the copies that can be made. Results are the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeepTriples {
    /// Where that is faster on the machine: loading measures how long a token takes either way, and keeps copies or
    /// removes them.
    IfFaster,
    /// Always.
    Always,
}

/// Measurements, of which the shortest counts.
const ROUNDS: usize = 3;

/// Removes the copies where they are not to stay, and says why there are none.
pub(super) fn settle<M: Model>(
    transformer: Transformer<M>,
    cpu: &Cpu,
    keep: KeepTriples,
) -> (Transformer<M>, Option<NoTriples>) {
    if !transformer.matrices().any(Matrix::has_triples) {
        return (transformer, Some(why_none(cpu)));
    }
    if keep == KeepTriples::Always {
        return (transformer, None);
    }
    let copies = groups(&transformer);
    let matrices: Vec<Vec<Matrix>> =
        copies.iter().map(|group| group.iter().cloned().map(Matrix::without_triples).collect()).collect();
    let rounds = (0..ROUNDS).map(|_| (time(cpu, &copies), time(cpu, &matrices)));
    let (with, without) = rounds.reduce(|a, b| (a.0.min(b.0), a.1.min(b.1))).expect("at least one measurement");
    if with < without {
        return (transformer, None);
    }
    drop(copies);
    let transformer = transformer.map_matrices(Matrix::without_triples);
    (transformer, Some(NoTriples::Slower { with, without }))
}

fn why_none(cpu: &Cpu) -> NoTriples {
    if cpu.isa().reads_triples() { NoTriples::NoMatrix } else { NoTriples::NoLookups(cpu.isa()) }
}

/// The matrices of all blocks that multiply the same activations; they share the weights.
fn groups<M: Model>(transformer: &Transformer<M>) -> Vec<Vec<Matrix>> {
    let groups = schema::shared_inputs();
    let of_block = |block, group: &[Projection]| {
        group.iter().filter_map(|&projection| transformer.matrix(block, projection).cloned()).collect::<Vec<_>>()
    };
    let blocks = Idx::all(Blocks::of(transformer.model));
    let all = blocks.flat_map(|block| groups.iter().map(move |group| of_block(block, group)));
    all.filter(|group| !group.is_empty()).collect()
}

/// How long the products of one token take.
fn time(cpu: &Cpu, groups: &[Vec<Matrix>]) -> Duration {
    let start = Instant::now();
    for (index, group) in groups.iter().enumerate() {
        // Other numbers for each group, since what is made of activations is kept for products that meet them again.
        let number = |column: usize| ((column + index + 1) as u32).wrapping_mul(0x9e37_79b9) as i32 as f32;
        let activations = ActivationRows::new(group[0].cols(), (0..group[0].cols()).map(number).collect::<Vec<_>>());
        for matrix in group {
            std::hint::black_box(cpu.products(&activations, matrix));
        }
    }
    start.elapsed()
}
