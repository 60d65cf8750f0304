//! Each head of values has a decay.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn gates<T: Step, M: Model>(
    cpu: &Cpu,
    alpha: Tensor<f32, (T, DeltaHeads<M>)>,
    beta: Tensor<f32, (T, Gate<DeltaHeads<M>>)>,
    rates: &DeltaRates<M>,
) -> DeltaGates<T, M> {
    cpu.delta_gates(alpha, beta, rates)
}

fn main() {}
