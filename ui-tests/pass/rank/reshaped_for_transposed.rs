//! The last two axes change places, and the elements with them.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn by_feature<T: Plain, M: Model>(x: View<f32, (Hidden<M>, T)>) {}
fn transposed<T: Plain, M: Model>(
    x: Tensor<f32, (T, Hidden<M>)>,
) {
    by_feature(x.view().swap_last().view());
}

fn main() {}
