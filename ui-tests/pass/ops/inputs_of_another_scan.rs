//! Decays, inputs and state have the same channels.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Steps = 7; struct Channels = 5; struct Others = 6; }

fn scanned(
    cpu: &Cpu,
    state: Tensor<f32, (Channels,)>,
    decay: Tensor<f32, (Steps, Channels)>,
    input: Tensor<f32, (Steps, Channels)>,
    of_others: Tensor<f32, (Steps, Others)>,
) {
    cpu.scan(state, decay.view(), input);
}

fn main() {}
