//! Decays are given for heads of keys; each head of values has one.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn gates<T: Step, M: Model>(
    cpu: &Cpu,
    alpha: Tensor<f32, (T, DeltaKeyHeads<M>)>,
    beta: Tensor<f32, (T, Gate<DeltaHeads<M>>)>,
    rates: &DeltaRates<M>,
) -> DeltaGates<T, M> {
    cpu.delta_gates(alpha, beta, rates)
}

fn main() {}
