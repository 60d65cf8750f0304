//! A tensor is given where its transposed one belongs: the elements would be read in the wrong order.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn by_feature<T: Plain, M: Model>(x: View<f32, (Hidden<M>, T)>) {}
fn transposed<T: Plain, M: Model>(
    x: Tensor<f32, (T, Hidden<M>)>,
) {
    by_feature(x.view());
}

fn main() {}
