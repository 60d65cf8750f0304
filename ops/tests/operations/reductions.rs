//! Sums, means, extrema and softmax.

use crate::fixture::{assert_near, cpu, tensor};
use trine_shapes::{Fixed, LogProbability, Probability, Ragged, Second, Span, Tensor};

#[test]
fn axes_of_every_place_are_reduced() {
    let (cpu, shape) = (cpu(), (Fixed::<2>, Fixed::<3>, Fixed::<4>, Fixed::<5>));
    let x = tensor("reduce.x", shape);
    macro_rules! over {
        ($place:literal, $axis:expr) => {
            assert_near(cpu.sum(x.view(), $axis).data(), concat!("reduce.sum", $place), 1);
            assert_near(cpu.mean(x.view(), $axis).data(), concat!("reduce.mean", $place), 1);
            assert_near(cpu.max(x.view(), $axis).data(), concat!("reduce.max", $place), 0);
            assert_near(cpu.min(x.view(), $axis).data(), concat!("reduce.min", $place), 0);
        };
    }
    over!(0, shape.0);
    over!(1, shape.1);
    over!(2, shape.2);
    over!(3, shape.3);
}

/// More outputs side by side than one piece has, and an axis that a shape has twice.
#[test]
fn pieces_of_a_wide_row_are_reduced_as_the_row() {
    let x = Tensor::from_fn((Fixed::<2>, Fixed::<3>, Fixed::<700>), |i| i as f32);
    let sum = cpu().sum(x.view(), Fixed::<3>);
    let expected = |i: usize| (0..3).map(|row| (i / 700 * 2100 + row * 700 + i % 700) as f32).sum::<f32>();
    assert!(sum.data().iter().enumerate().all(|(i, sum)| *sum == expected(i)));
    let square = Tensor::from_data((Fixed::<2>, Fixed::<2>), [1.0, 2.0, 10.0, 20.0]);
    assert_eq!(cpu().sum::<_, _, Second>(square.view(), Fixed::<2>).data(), [3.0, 30.0]);
}

#[test]
fn extrema_show_nan_and_totals_are_sums_in_f64() {
    let x = Tensor::from_data((Fixed::<2>, Fixed::<3>), [1.0, f32::NAN, 2.0, 5.0, 7.0, 6.0]);
    let (max, min) = (cpu().max(x.view(), Fixed::<3>), cpu().min(x.view(), Fixed::<3>));
    assert!(max.data()[0].is_nan() && min.data()[0].is_nan());
    assert_eq!((max.data()[1], min.data()[1]), (7.0, 5.0));
    let ones = Tensor::from_data((Fixed::<3>,), [16_777_216.0, 1.0, 1.0]);
    assert_eq!(cpu().total(ones.view()), 16_777_218.0);
}

#[test]
fn sequences_have_a_mean_each() {
    let spans = [Span { past: 4, tokens: 1 }, Span { past: 0, tokens: 3 }];
    Ragged::assume(&spans, "a test", |step| {
        let rows: [&[f32]; 2] = [&[7.0, 8.0], &[1.0, 10.0, 2.0, 20.0, 6.0, 60.0]];
        let x = Tensor::of_sequence_rows("x", step, Fixed::<2>, &rows).unwrap();
        assert_eq!(cpu().mean_of_sequences(x.view()).data(), [7.0, 8.0, 3.0, 30.0]);
    });
}

#[test]
fn softmax_is_that_of_scipy() {
    let shape = (Fixed::<2>, Fixed::<3>, Fixed::<7>);
    let x = || tensor("softmax.x", shape);
    let p: Tensor<f32, (Fixed<2>, Fixed<3>, Probability<Fixed<7>>)> = cpu().softmax(x());
    assert_near(p.data(), "softmax.softmax", 1);
    let l: Tensor<f32, (Fixed<2>, Fixed<3>, LogProbability<Fixed<7>>)> = cpu().log_softmax(x());
    assert_near(l.data(), "softmax.log_softmax", 1);
    assert_near(cpu().log_sum_exp(x().view()).data(), "softmax.log_sum_exp", 1);
}

#[test]
fn rows_that_have_no_distribution_are_nan() {
    let rows = [f32::NAN, 1.0, f32::NEG_INFINITY, f32::NEG_INFINITY, 0.0, f32::NEG_INFINITY];
    let p = cpu().softmax(Tensor::from_data((Fixed::<3>, Fixed::<2>), rows));
    assert!(p.data()[..4].iter().all(|p| p.is_nan()));
    assert_eq!(p.data()[4..], [1.0, 0.0]);
}
