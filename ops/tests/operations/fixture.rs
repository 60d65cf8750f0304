//! The golden numbers, and how near to them a result is.

use serde_json::{Map, Value};
use std::num::NonZeroUsize;
use std::sync::OnceLock;
use trine_kernels::{CpuOptions, Isa};
use trine_ops::Cpu;
use trine_shapes::{Axis, Idx, PlainShape, Tensor};

fn golden() -> &'static Map<String, Value> {
    static GOLDEN: OnceLock<Map<String, Value>> = OnceLock::new();
    GOLDEN.get_or_init(|| serde_json::from_str(include_str!("../data/ops.json")).unwrap())
}

/// The golden numbers of this name.
pub fn numbers(name: &str) -> Vec<f32> {
    let values = golden()[name].as_array().unwrap();
    values.iter().map(|value| value.as_f64().unwrap() as f32).collect()
}

/// The golden numbers of this name, with the axes that they have.
pub fn tensor<S: PlainShape>(name: &str, shape: S) -> Tensor<f32, S> {
    Tensor::from_data(shape, numbers(name))
}

/// The golden indices of this name.
pub fn indices<A: Axis>(name: &str, axis: A) -> Vec<Idx<A>> {
    let values = golden()[name].as_array().unwrap();
    values.iter().map(|value| Idx::new(axis, value.as_u64().unwrap() as u32).unwrap()).collect()
}

/// Asserts that results differ from the golden numbers by `ulps` or fewer steps of f32, and by nothing where both are
/// beyond the normal numbers.
#[track_caller]
pub fn assert_near(found: &[f32], name: &str, ulps: u32) {
    let expected = numbers(name);
    assert_eq!(found.len(), expected.len(), "{name}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let steps = found.to_bits().abs_diff(expected.to_bits());
        assert!(*found == expected || steps <= ulps, "{name}[{i}]: {found} is {steps} steps from {expected}");
    }
}

/// A machine with this instruction set and number of threads.
pub fn machine(isa: Isa, threads: usize) -> Cpu {
    Cpu::new(CpuOptions { threads: NonZeroUsize::new(threads), isa: Some(isa) }).unwrap()
}

/// The machine of most tests.
pub fn cpu() -> Cpu {
    machine(Isa::detect(), 2)
}
