//! Relabellings keep elements in place; the checked conversion refuses everything else.

use super::*;
use crate::axis::Fixed;
use crate::step::{Ragged, Span};
use crate::{Dims, Dyn, Hidden, Rotated, Sizes};

type T<S> = Tensor<usize, S>;
type Step2x3 = Uniform<Fixed<2>, Fixed<7>, Fixed<3>>;

fn step() -> Step2x3 {
    Uniform::assume(Fixed, Fixed, Fixed, "a test")
}

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
    let step = x.clone().in_step(step());
    assert_eq!((step.shape().lens(), step.shape().0.span(1)), ([6, 5], Span { past: 7, tokens: 3 }));
    assert_eq!((step.clone().batched().shape().lens(), step.data()), ([2, 3, 5], x.data()));
}

#[test]
fn last_takes_the_last_position_of_each_sequence() {
    let x: T<_> = Tensor::from_fn((Fixed::<2>, Fixed::<3>, Fixed::<4>), |i| i);
    let last = x.in_step(step()).view().last();
    assert_eq!((last.shape().lens(), last.data()), ([2, 4], &[8, 9, 10, 11, 20, 21, 22, 23][..]));
    assert_eq!(last.batched().shape().lens(), [2, 4]);
    let spans = [Span { past: 5, tokens: 1 }, Span { past: 0, tokens: 2 }];
    Ragged::assume(&spans, "a test", |step| {
        let x = Tensor::of_sequence_rows("x", step, Fixed::<2>, &[&[0, 1], &[2, 3, 4, 5]]).unwrap();
        assert_eq!(x.view().last().data(), [0, 1, 4, 5]);
    });
}

#[test]
fn a_step_takes_one_slice_a_sequence() {
    let spans = [Span { past: 5, tokens: 1 }, Span { past: 0, tokens: 2 }];
    Ragged::assume(&spans, "a test", |step| {
        let x: T<_> = Tensor::of_sequences("x", step, &[&[7], &[8, 9]]).unwrap();
        assert_eq!(x.data(), [7, 8, 9]);
        let message = |slices: &[&[usize]]| Tensor::of_sequences("x", step, slices).unwrap_err().to_string();
        assert_eq!(message(&[&[7, 8, 9]]), "`x` should have a slice for each of 2 sequences but has 1");
        assert_eq!(message(&[&[7, 8], &[9]]), "`x of sequence 0` should hold 1 elements but holds 2");
        let rows = Tensor::of_sequence_rows("x", step, Fixed::<3>, &[&[1; 3], &[2; 5]]).unwrap_err();
        assert_eq!(rows.to_string(), "`x of sequence 1` should hold 6 elements but holds 5");
    });
}

#[test]
fn a_relabelled_tensor_needs_evidence() {
    let dims =
        Dims::new(Sizes { vocab: 3, hidden: 16, ffn: 24, heads: 2, kv_heads: 1, head_dim: 8, attention_layers: 1 })
            .unwrap();
    Dyn::scope(dims, |left| {
        Dyn::scope(dims, |right| {
            let (of_left, of_right) = (Hidden::of(left), Hidden::of(right));
            let x: T<_> = Tensor::from_fn((Fixed::<2>, of_left), |i| i);
            let same = Same::check(of_left, of_right).unwrap();
            assert_eq!(x.clone().relabel(of_right, same).data(), x.data());
        });
    });
}

#[test]
fn a_role_comes_off() {
    let rotated: T<_> = Tensor::assume((Fixed::<2>, Rotated::<_>::of(Fixed::<3>)), [1; 6], "a test");
    let plain: T<(Fixed<2>, Fixed<3>)> = rotated.plain();
    assert_eq!(plain.data(), [1; 6]);
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
