//! LayerNorm, and RMSNorm of heads in any layout.

use crate::fixture::{assert_near, cpu, tensor};
use trine_ops::{LayerNorm, RmsNorm};
use trine_shapes::{AttnNorm, Fixed, KeyNorm, Normed, Tensor};

type Cube = (Fixed<2>, Fixed<3>, Fixed<5>);
const EPSILON: f32 = 1e-5;

fn layer_norm() -> LayerNorm<AttnNorm, Fixed<5>> {
    LayerNorm::new(tensor("norm.gain", (Fixed::<5>,)), tensor("norm.bias", (Fixed::<5>,)), EPSILON)
}

#[test]
fn layer_norm_is_that_of_numpy() {
    let x: Tensor<f32, Cube> = tensor("norm.x", Cube::default());
    let y: Tensor<f32, (Fixed<2>, Fixed<3>, Normed<AttnNorm, Fixed<5>>)> = cpu().layer_norm(x, &layer_norm());
    assert_near(y.data(), "norm.layer", 1);
    let norm = layer_norm();
    assert_eq!((norm.epsilon(), norm.gain().data().len(), norm.bias().data().len()), (EPSILON, 5, 5));
}

#[test]
fn a_stream_waits_for_the_branch_of_its_layer_norm() {
    let x = tensor("norm.x", (Fixed::<6>, Fixed::<5>));
    let (normed, residual) = cpu().pre_layer_norm(x.clone(), &layer_norm());
    assert_near(normed.data(), "norm.layer", 1);
    let shape = (Fixed::<6>, trine_shapes::Branch::of(Fixed::<5>));
    let branch = Tensor::assume(shape, [0.0; 30], "a test");
    assert_eq!(cpu().add_branch(residual, branch).data(), x.data());
}

/// The factor of a row is rounded once, and two products follow.
#[test]
fn heads_are_normalised_at_any_rank() {
    let norm = RmsNorm::<KeyNorm, _>::new(tensor("norm.gain", (Fixed::<5>,)), EPSILON);
    let y = cpu().norm_heads(tensor("norm.x", Cube::default()), &norm);
    assert_near(y.data(), "norm.rms", 2);
    let wide = cpu().norm_heads(tensor("norm.x", (Fixed::<1>, Fixed::<2>, Fixed::<3>, Fixed::<5>)), &norm);
    assert_eq!(wide.data(), y.data());
    assert_eq!(cpu().head_norm(tensor("norm.x", Cube::default()), &norm).data(), y.data());
    let empty = RmsNorm::<KeyNorm, _>::new(Tensor::zeros((Fixed::<0>,)), EPSILON);
    assert!(cpu().norm_heads(Tensor::zeros((Fixed::<2>, Fixed::<0>)), &empty).data().is_empty());
}
