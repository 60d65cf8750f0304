//! A visit returns the elements of the tensor that a program keeps.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

environment! { struct Net { width } }
axis! { struct Width<E: Environment<Net>> = |net| net.width; }

struct Gain;
impl Kind<Net> for Gain {
    type In<E: Environment<Net>> = Tensor<f32, (Width<E>,)>;
}

struct Take;
impl Enter<Net, Gain> for Take {
    type Out = Vec<f32>;
    fn enter<E: Environment<Net>>(self, _: E, gain: &mut Tensor<f32, (Width<E>,)>) -> Self::Out {
        gain.data().to_vec()
    }
}

fn main() {}
