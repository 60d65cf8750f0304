//! The convolution is given the state of the delta rule.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn convolved<T: Step, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, DeltaChannels<M>)>,
    taps: View<f32, (DeltaChannels<M>, ConvolutionTaps<M>)>,
    (inputs, states): (ConvolutionState<T, M>, DeltaState<T, M>),
) {
    cpu.short_convolution(x, taps, states);
}

fn main() {}
