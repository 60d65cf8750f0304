//! Queries of a step are made of what the norm has made of the prompt.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Prompt<'s> = Uniform<Fixed<1>, Fixed<0>, Seq<'s>>;
type Decode<'p> = Uniform<Fixed<1>, Past<'p>, Fixed<1>>;

fn queries<'s, 'p, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (Prompt<'s>, Hidden<M>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
) -> Tensor<f32, (Decode<'p>, Normed<AttnNorm, Hidden<M>>)> {
    cpu.rms_norm(x, norm)
}

fn main() {}
