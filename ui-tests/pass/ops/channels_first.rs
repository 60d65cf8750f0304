//! Positions come first, and each has all channels.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Steps = 3; struct Channels = 3; }

fn mixed(
    cpu: &Cpu,
    by_channel: View<f32, (Channels, Steps)>,
    by_step: View<f32, (Steps, Channels)>,
    kernel: View<f32, (Channels, Fixed<4>)>,
) {
    cpu.causal_convolution(by_step, kernel);
}

fn main() {}
