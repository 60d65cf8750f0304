//! The convolution is given the values alone; its state is as wide as all channels.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn convolved<T: Step, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (T, DeltaWidth<M>)>,
    taps: View<f32, (DeltaChannels<M>, ConvolutionTaps<M>)>,
    state: ConvolutionState<T, M>,
) {
    cpu.short_convolution(x, taps, state);
}

fn main() {}
