//! Functions of one element, of two, and rows that meet all rows.

use crate::fixture::{assert_near, cpu, tensor};
use trine_ops::Function;
use trine_shapes::{Axis, Branch, Fixed, Tensor};

type Cube = (Fixed<2>, Fixed<3>, Fixed<5>);

#[test]
fn functions_are_those_of_scipy() {
    for (function, name) in [
        (Function::Silu, "silu"),
        (Function::Gelu, "gelu"),
        (Function::GeluTanh, "gelu_tanh"),
        (Function::Sigmoid, "sigmoid"),
        (Function::Tanh, "tanh"),
        (Function::Exp, "exp"),
        (Function::Softplus, "softplus"),
        (Function::Relu, "relu"),
        (Function::ReluSquared, "relu_squared"),
    ] {
        let y = cpu().map(tensor("map.x", (Fixed::<3>, Fixed::<17>)), function);
        assert_near(y.data(), &format!("map.{name}"), 1);
    }
}

#[test]
fn functions_have_their_limits_and_keep_nan() {
    let at = |function: Function| [f32::NEG_INFINITY, f32::INFINITY].map(|x| function.at(x));
    assert_eq!(at(Function::Sigmoid), [0.0, 1.0]);
    assert_eq!(at(Function::Tanh), [-1.0, 1.0]);
    assert_eq!(at(Function::Exp), [0.0, f32::INFINITY]);
    assert_eq!(at(Function::Softplus), [0.0, f32::INFINITY]);
    assert_eq!(at(Function::Relu), [0.0, f32::INFINITY]);
    assert_eq!((Function::Softplus.at(200.0), Function::Exp.at(200.0)), (200.0, f32::INFINITY));
    for function in [
        Function::Silu,
        Function::Gelu,
        Function::GeluTanh,
        Function::Sigmoid,
        Function::Tanh,
        Function::Exp,
        Function::Softplus,
        Function::Relu,
        Function::ReluSquared,
    ] {
        assert!(function.at(f32::NAN).is_nan(), "{function:?}");
        assert!(function.at(-1e30).abs() <= 1.0 && !function.at(1e30).is_nan(), "{function:?}");
    }
}

#[test]
fn pairs_and_rows_are_combined_as_numpy_does() {
    let (cpu, shape) = (cpu(), Cube::default());
    let x = || tensor("broadcast.x", shape);
    let y = tensor("broadcast.y", shape);
    assert_near(cpu.product(x(), y.view()).data(), "broadcast.product", 0);
    assert_near(cpu.difference(x(), y.view()).data(), "broadcast.difference", 0);
    assert_near(cpu.quotient(x(), y.view()).data(), "broadcast.quotient", 0);
    let row = tensor("broadcast.row", (shape.2,));
    assert_near(cpu.add_to_rows(x(), row.view()).data(), "broadcast.add_to_rows", 0);
    assert_near(cpu.multiply_rows(x(), row.view()).data(), "broadcast.multiply_rows", 0);
    let factors = tensor("broadcast.factors", (shape.0, shape.1));
    assert_near(cpu.scale_rows(x(), factors.view()).data(), "broadcast.scale_rows", 0);
}

#[test]
fn a_scaled_branch_is_a_branch() {
    let shape = (Fixed::<2>, Branch::of(Fixed::<3>));
    let branch = Tensor::assume(shape, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "a test");
    let scaled: Tensor<f32, (Fixed<2>, Branch<Fixed<3>>)> = cpu().scale(branch, -0.5);
    assert_eq!(scaled.data(), [-0.5, -1.0, -1.5, -2.0, -2.5, -3.0]);
}

#[test]
fn rows_without_elements_and_no_rows_stay_so() {
    let cpu = cpu();
    let (none, narrow) = ((Fixed::<0>, Fixed::<3>), (Fixed::<3>, Fixed::<0>));
    let row = Tensor::zeros((Fixed::<3>,));
    assert_eq!(cpu.add_to_rows(Tensor::zeros(none), row.view()).shape().0.len(), 0);
    assert!(cpu.scale_rows(Tensor::zeros(narrow), row.view()).data().is_empty());
    assert!(cpu.softmax(Tensor::zeros(narrow)).data().is_empty());
    assert_eq!(cpu.sum(Tensor::zeros(narrow).view(), narrow.1).data(), [0.0; 3]);
    assert_eq!(cpu.max(Tensor::zeros(none).view(), none.0).data(), [f32::NEG_INFINITY; 3]);
    assert!(cpu.argmax(Tensor::zeros(none).view()).data().is_empty());
    assert!(cpu.top_k(Tensor::zeros(narrow).view(), Fixed::<2>).1.data().is_empty());
}
