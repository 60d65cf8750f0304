//! The state is that of a declared model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Channels<T, M> = Tensor<f32, (T, Convolved<DeltaChannels<M>>)>;
fn mixed<T: Step, M: Model>(cpu: &Cpu, x: Channels<T, M>, gates: &DeltaGates<T, M>, state: DeltaState<T, Bitnet2B4T>) {
    cpu.delta_rule(x, gates, (HeadOrder::Tiled, 1e-6), state);
}

fn main() {}
