//! The delta rule is behind the convolution.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn mixed<T: Step, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, Convolved<DeltaChannels<M>>)>,
    gates: &DeltaGates<T, M>,
    state: DeltaState<T, M>,
) {
    cpu.delta_rule(x, gates, (HeadOrder::Tiled, 1e-6), state);
}

fn main() {}
