//! Models whose tokens go to experts, and most of whose layers have a window: a step has tokens of several requests in
//! one expert, and requests get what they get alone.

use super::determinism::{Run, alone, assert_same, cases, run};
use super::*;

/// A model of random weights with the vocabulary of the embedded one, behind whose windows texts go on.
fn mixture() -> Gguf {
    let mut synthetic = Synthetic { table: TensorType::F16, ..Synthetic::tiny_mixture() };
    let config = &mut synthetic.config;
    config.dims = Dims { vocab: stories().1.len(), kv_heads: 1, group: 2, head_dim: 128, ..config.dims };
    (config.context, config.rope.rotated) = (2048, 64);
    with_vocabulary(&synthetic)
}

#[test]
fn what_a_request_gets_depends_on_nothing_else() {
    let engine_with = |threads: usize| {
        let cpu = Cpu::new(CpuOptions { threads: NonZeroUsize::new(threads), isa: None }).expect("threads");
        engine_of(&mixture(), 4, cpu, 60)
    };
    let engine = engine_with(2);
    let cases = cases(&engine, 15, 8);
    let expected = alone(&engine, &cases);
    for (seed, streams, target, tick) in [(2, 2, 1, 1_000_000), (3, 5, 20, 9_000_000)] {
        let order = Run { streams, target: Duration::from_millis(target), tick, neighbours: seed != 3, seed };
        assert_same(&format!("{streams} streams"), &cases, &run(&engine, &cases, &order), &expected);
    }
    let order = Run { streams: 6, target: Duration::from_millis(20), tick: 5_000_000, neighbours: true, seed: 8 };
    assert_same("one thread", &cases, &run(&engine_with(1), &cases, &order), &expected);
}
