//! Relabellings keep elements in place; the checked conversion refuses everything else.

use super::*;
use crate::axis::{Fixed, Plus};
use crate::step::{Ragged, Span};

type T<S> = Tensor<usize, S>;

#[test]
fn split_and_merge_keep_every_element() {
    let x: T<_> = Tensor::from_fn((Fixed::<6>, Flat(Fixed::<4>, Fixed::<5>)), |i| i);
    let split = x.clone().split();
    assert_eq!(split.shape().lens(), [6, 4, 5]);
    let merged: T<(_, Flat<_, _>)> = split.merge();
    assert_eq!((merged.shape().lens(), merged.data()), ([6, 20], x.data()));
}

#[test]
fn a_batch_becomes_rows_or_a_step_and_back() {
    let x: T<_> = Tensor::from_fn((Fixed::<2>, Fixed::<3>, Fixed::<5>), |i| i);
    let rows = x.clone().rows();
    assert_eq!((rows.shape().lens(), rows.data()), ([6, 5], x.data()));
    assert_eq!(rows.unrows().shape().lens(), [2, 3, 5]);
    let step = x.clone().behind(Fixed::<7>);
    assert_eq!((step.shape().lens(), step.shape().0.span(1)), ([6, 5], Span { past: 7, tokens: 3 }));
    assert_eq!((step.clone().batched().shape().lens(), step.data()), ([2, 3, 5], x.data()));
}

#[test]
fn last_takes_the_last_position_of_each_sequence() {
    let x: T<_> = Tensor::from_fn((Fixed::<2>, Fixed::<3>, Fixed::<4>), |i| i);
    let last = x.behind(Fixed::<9>).view().last();
    assert_eq!((last.shape().lens(), last.data()), ([2, 4], &[8, 9, 10, 11, 20, 21, 22, 23][..]));
    assert_eq!(last.batched().shape().lens(), [2, 4]);
    let spans = [Span { past: 5, tokens: 1 }, Span { past: 0, tokens: 2 }];
    Ragged::scope(&spans, |step| {
        let x: T<_> = Tensor::from_fn((step, Fixed::<2>), |i| i);
        assert_eq!(x.view().last().data(), [0, 1, 4, 5]);
    });
}

#[test]
fn a_relabelled_tensor_needs_evidence() {
    let x: T<_> = Tensor::zeros((Fixed::<2>, Fixed::<7>));
    let seven = Plus(Fixed::<3>, Fixed::<4>);
    let same = Same::check(Fixed::<7>, seven).unwrap();
    assert_eq!(x.relabel(seven, same).shape().lens(), [2, 7]);
}

#[test]
fn the_checked_conversion_names_axes_and_sees_a_transposed_matrix() {
    let data = [0.0f32; 6];
    assert!(View::check("w", &data, &[2, 3], (Fixed::<2>, Fixed::<3>)).is_ok());
    let message = |dims: &[usize]| View::check("w", &data, dims, (Fixed::<2>, Fixed::<3>)).unwrap_err().to_string();
    assert_eq!(message(&[3, 2]), "`w` should be [Fixed = 2, Fixed = 3] but is [3, 2] (it looks transposed)");
    assert_eq!(message(&[6]), "`w` should be [Fixed = 2, Fixed = 3] but is [6]");
    let short = View::check("w", &data[..5], &[2, 3], (Fixed::<2>, Fixed::<3>)).unwrap_err();
    assert_eq!(short.to_string(), "`w` should hold 6 elements but holds 5");
    assert!(Tensor::check("w", data, &[6], (Fixed::<6>,)).is_ok());
}
