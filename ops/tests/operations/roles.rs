//! Sums and multiples of what matrices make, which keep their role.

use crate::fixture::{assert_near, cpu, numbers, tensor};
use trine_ops::{Activations, Bias, Weight};
use trine_shapes::{Branch, Fixed, Gate, Idx, Tensor, role};

role! {
    /// A role of these tests that matrices make.
    struct Kept<A>: Made;
}

type Rows<A> = Tensor<f32, (Fixed<2>, A)>;

/// The identity with a role: rows of the golden ones that a matrix made.
fn made<O: trine_shapes::Made>(out: O, rows: Rows<Fixed<5>>) -> Rows<O> {
    let identity = Weight::from_fn((out, Fixed::<5>), |i| if i % 6 == 0 { 1.0 } else { 0.0 });
    cpu().linear(&Activations::new(rows), &identity)
}

fn rows(name: &str) -> Rows<Fixed<5>> {
    Tensor::from_data((Fixed, Fixed), numbers(name)[..10].to_vec())
}

#[test]
fn multiples_and_sums_are_those_of_axes_without_a_role() {
    let (x, y) = (rows("broadcast.x"), rows("broadcast.y"));
    let factors = tensor("broadcast.factors", (Fixed::<2>, Fixed::<3>));
    let factors = factors.view().take(Idx::new(Fixed::<3>, 1).unwrap());
    let kept: Rows<Kept<_>> = cpu().scale_rows(made(Kept::of(Fixed::<5>), x.clone()), factors.view());
    assert_eq!(Kept::take(kept).data(), cpu().scale_rows(x.clone(), factors.view()).data());
    let gate: Rows<Gate<_>> = cpu().scale(made(Gate::of(Fixed::<5>), x.clone()), 0.375);
    assert_eq!(gate.data(), cpu().scale(x.clone(), 0.375).data());
    let sum: Rows<Branch<_>> =
        cpu().add(made(Branch::of(Fixed::<5>), x.clone()), made(Branch::of(Fixed::<5>), y.clone()).view());
    assert_eq!(sum.data(), cpu().add(x, y.view()).data());
}

/// The golden ones of numpy, with rows that a matrix made.
#[test]
fn branches_are_added_up_where_indices_say() {
    let shape = (Fixed::<2>, Fixed::<5>);
    let one = Idx::new(Fixed::<2>, 1).unwrap();
    let (x, y) = (rows("broadcast.x"), rows("broadcast.y"));
    let indices = Tensor::from_data((Fixed::<2>,), [one, one]);
    let branches = [&x, &y].map(|rows| made(Branch::of(Fixed::<5>), rows.clone()));
    let [x_branch, y_branch] = branches;
    let found: Rows<Branch<_>> = cpu().scatter_add(x_branch, indices.view(), y_branch.view());
    let expected = cpu().scatter_add(x, indices.view(), y.view());
    assert_eq!((found.data(), expected.shape()), (expected.data(), shape));
}

#[test]
fn a_bias_of_a_function_is_added_to_each_row() {
    let axes = (Fixed::<3>, Fixed::<2>);
    let weight = Weight::from_fn(axes, |i| i as f32).with_bias(Bias::from_fn(axes, |i| 100.0 * i as f32));
    let x = Tensor::from_data((Fixed::<2>, Fixed::<2>), [1.0, 10.0, 0.0, 0.0]);
    assert_eq!(cpu().linear(&Activations::new(x), &weight).data(), [10.0, 132.0, 254.0, 0.0, 100.0, 200.0]);
}

/// An expert that no token chose has no rows.
#[test]
fn a_product_of_no_rows_has_none() {
    let weight = Weight::from_fn((Fixed::<3>, Fixed::<2>), |i| i as f32);
    let none = Tensor::zeros((Fixed::<0>, Fixed::<2>));
    let products: Tensor<f32, (Fixed<0>, Fixed<3>)> = cpu().linear(&Activations::new(none), &weight);
    assert!(products.data().is_empty());
}

#[test]
fn repeated_rows_meet_all_rows_of_another_tensor() {
    let x = tensor("broadcast.x", (Fixed::<2>, Fixed::<3>, Fixed::<5>));
    let row = tensor("broadcast.row", (Fixed::<5>,));
    let repeated = row.view().repeat(Fixed::<3>, trine_shapes::First);
    let repeated = repeated.view().repeat(Fixed::<2>, trine_shapes::First);
    assert_eq!(cpu().product(x.clone(), repeated.view()).data(), cpu().multiply_rows(x, row.view()).data());
    assert_near(row.data(), "broadcast.row", 0);
}
