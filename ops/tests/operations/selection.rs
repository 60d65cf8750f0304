//! Indices of the largest, and sums by index.

use crate::fixture::{assert_near, cpu, indices, tensor};
use trine_shapes::{Axis, Fixed, Idx, Tensor};

fn plain<A>(found: &[Idx<A>]) -> Vec<usize>
where
    A: Axis,
{
    found.iter().map(|index| index.get()).collect()
}

#[test]
fn the_largest_are_those_of_numpy() {
    let shape = (Fixed::<2>, Fixed::<3>, Fixed::<7>);
    let x = tensor("select.x", shape);
    assert_eq!(cpu().argmax(x.view()).data(), indices("select.argmax", shape.2));
    let (found, values) = cpu().top_k(x.view(), Fixed::<4>);
    assert_eq!(plain(found.data()), plain(&indices("select.top", shape.2)));
    assert_near(values.data(), "select.top_values", 0);
}

#[test]
fn probabilities_are_ranked_as_their_logits() {
    let shape = (Fixed::<2>, Fixed::<3>, Fixed::<7>);
    let x = || tensor("select.x", shape);
    let expected = indices("select.argmax", shape.2);
    assert_eq!(cpu().argmax(cpu().softmax(x()).view()).data(), expected);
    assert_eq!(cpu().argmax(cpu().log_softmax(x()).view()).data(), expected);
}

#[test]
fn nan_is_the_largest_and_ties_go_to_the_lower_index() {
    let x = Tensor::from_data((Fixed::<5>,), [3.0, f32::NAN, 9.0, 9.0, f32::NAN]);
    assert_eq!(cpu().argmax_of_row(x.view()).get(), 1);
    let (found, _) = cpu().top_k(x.view(), Fixed::<4>);
    assert_eq!(plain(found.data()), [1, 4, 2, 3]);
    let (found, values) = cpu().top_k(x.view(), Fixed::<9>);
    assert_eq!((plain(found.data()), values.data().len()), (vec![1, 4, 2, 3, 0], 5));
}

#[test]
#[should_panic(expected = "axis `Fixed` has length 0")]
fn rows_without_elements_have_no_largest() {
    cpu().argmax(Tensor::zeros((Fixed::<2>, Fixed::<0>)).view());
}

#[test]
fn rows_are_added_at_their_indices_and_gathered_from_there() {
    let (shape, axis) = ((Fixed::<4>, Fixed::<3>), Fixed::<4>);
    let x = tensor("scatter.x", shape);
    let at = Tensor::from_data((Fixed::<5>,), indices("scatter.indices", axis));
    assert_near(x.view().gather(at.view()).data(), "gather.y", 0);
    let rows = tensor("scatter.rows", (Fixed::<5>, Fixed::<3>));
    assert_near(cpu().scatter_add(x, at.view(), rows.view()).data(), "scatter.y", 0);
}
