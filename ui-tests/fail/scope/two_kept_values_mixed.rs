//! A tensor of one kept environment is put in place of that of another.
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
        *gain = self.0.clone();
    }
}

fn main() {}
