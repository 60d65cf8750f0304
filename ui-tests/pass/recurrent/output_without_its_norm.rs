//! The output projection is behind the gated norm.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Output<T, M> = Tensor<f32, (T, Branch<Hidden<M>>)>;
fn output<T: Step, M: Model>(
    cpu: &Cpu,
    read: Tensor<f32, (T, Normed<DeltaNorm, DeltaWidth<M>>)>,
    weights: &DeltaNet<M>,
) -> Output<T, M> {
    cpu.linear(&Activations::new(read), &weights.output)
}

fn main() {}
