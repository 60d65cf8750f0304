//! The convolution is given queries, keys and values.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn convolved<T: Step, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, DeltaChannels<M>)>,
    taps: View<f32, (DeltaChannels<M>, ConvolutionTaps<M>)>,
    state: ConvolutionState<T, M>,
) {
    cpu.short_convolution(x, taps, state);
}

fn main() {}
