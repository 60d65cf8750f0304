//! Words of texts are taken for texts of words, which are as many.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

axis! { struct Texts = 3; struct Words = 3; }

fn encode(
    by_word: Tensor<f32, (Words, Texts, Fixed<4>)>,
    by_text: Tensor<f32, (Texts, Words, Fixed<4>)>,
) {
    by_word.in_step(Uniform::whole(Texts, Words));
}

fn main() {}
