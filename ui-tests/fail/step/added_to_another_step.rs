//! What a block has made of the prompt is added to the residual stream of a later step.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Prompt<'s> = Uniform<Fixed<1>, Fixed<0>, Seq<'s>>;
type Decode<'p> = Uniform<Fixed<1>, Past<'p>, Fixed<1>>;

fn residual<'s, 'p, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (Decode<'p>, Hidden<M>)>,
    y: Tensor<f32, (Prompt<'s>, Hidden<M>)>,
) {
    cpu.add(x, y.view());
}

fn main() {}
