//! A scan goes on from a state of another width.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Steps = 7; struct Channels = 5; struct Others = 6; }
fn scanned(
    cpu: &Cpu,
    of_others: Tensor<f32, (Others,)>,
    state: Tensor<f32, (Channels,)>,
    decay: Tensor<f32, (Steps, Channels)>,
    input: Tensor<f32, (Steps, Channels)>,
) {
    cpu.scan(of_others, decay.view(), input);
}

fn main() {}
