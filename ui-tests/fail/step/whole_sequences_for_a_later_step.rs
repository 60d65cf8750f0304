//! Sequences that go on behind a past are encoded as if they were whole.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Texts = 3; struct Words = 5; }
type Encoded<P> = Tensor<f32, (Uniform<Texts, P, Words>, Fixed<4>)>;

fn enter<P: Axis>(
    x: Tensor<f32, (Texts, Words, Fixed<4>)>,
    step: Uniform<Texts, P, Words>,
) -> Encoded<P> {
    x.in_step(Uniform::whole(Texts, Words))
}

fn main() {}
