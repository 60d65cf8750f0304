//! A matrix returns as many tokens as it is given: those of the same step.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Prompt<'s> = Uniform<Fixed<1>, Fixed<0>, Seq<'s>>;
type Decode<'p> = Uniform<Fixed<1>, Past<'p>, Fixed<1>>;

fn queries<'s, 'p, M: Model>(
    cpu: &Cpu,
    x: Tensor<f32, (Decode<'p>, Hidden<M>)>,
    norm: &RmsNorm<AttnNorm, Hidden<M>>,
) -> Tensor<f32, (Decode<'p>, Normed<AttnNorm, Hidden<M>>)> {
    cpu.rms_norm(x, norm)
}

fn main() {}
