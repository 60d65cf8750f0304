//! What a head forgets is given as what it takes of a token.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn gates<T: Step, M: Model>(
    cpu: &Cpu,
    alpha: Tensor<f32, (T, DeltaHeads<M>)>,
    beta: Tensor<f32, (T, Gate<DeltaHeads<M>>)>,
    rates: &DeltaRates<M>,
) -> DeltaGates<T, M> {
    cpu.delta_gates(beta, alpha, rates)
}

fn main() {}
