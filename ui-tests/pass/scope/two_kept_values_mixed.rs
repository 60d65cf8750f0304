//! A tensor is put in place of one of the same environment.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

environment! { struct Net { width } }
axis! { struct Width<E: Environment<Net>> = |net| net.width; }

struct Gain;
impl Kind<Net> for Gain {
    type In<E: Environment<Net>> = Tensor<f32, (Width<E>,)>;
}

struct Assign<'a, F: Environment<Net>>(&'a Tensor<f32, (Width<F>,)>);
impl<F: Environment<Net>> Enter<Net, Gain> for Assign<'_, F> {
    type Out = ();
    fn enter<E: Environment<Net>>(self, net: E, gain: &mut Tensor<f32, (Width<E>,)>) {
        *gain = Tensor::zeros((Width::of(net),));
    }
}

fn main() {}
