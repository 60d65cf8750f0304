//! Matrices of low rank beside a weight against plain loops.

use crate::{Activations, Bias, Cpu, LowRank, Weight};
use trine_kernels::{Matrix, PackingKind};
use trine_shapes::{Fixed, Tensor};

type Out = Fixed<5>;
type In = Fixed<7>;

fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7 + seed) % 11) as f32 / 8.0 - 0.5).collect()
}

fn matrix(cpu: &Cpu, (rows, cols): (usize, usize), seed: usize) -> Matrix {
    Matrix::from_f32(cpu, PackingKind::F32, rows, cols, &values(rows * cols, seed)).unwrap()
}

fn adapter(cpu: &Cpu, rank: usize, scale: f32) -> LowRank<Out, In> {
    let factors = (matrix(cpu, (rank, 7), 1), matrix(cpu, (5, rank), 2));
    LowRank::check("adapter", factors, scale, (Fixed, Fixed)).unwrap()
}

/// `W x + b + sum of scale B A x`, in f64.
fn expected(x: &[f32], ranks: &[(usize, f32)]) -> Vec<f64> {
    let of = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<_>>();
    let (weight, x) = (of(values(35, 0)), of(x.to_vec()));
    let dot = |row: &[f64], x: &[f64]| row.iter().zip(x).map(|(a, b)| a * b).sum::<f64>();
    let mut y = Vec::new();
    for x in x.chunks(7) {
        for row in 0..5 {
            let beside = ranks.iter().map(|&(rank, scale)| {
                let (down, up) = (of(values(rank * 7, 1)), of(values(5 * rank, 2)));
                let low: Vec<f64> = down.chunks(7).map(|row| dot(row, x)).collect();
                f64::from(scale) * dot(&up[row * rank..][..rank], &low)
            });
            y.push(dot(&weight[row * 7..][..7], x) + row as f64 + beside.sum::<f64>());
        }
    }
    y
}

#[test]
fn products_are_those_of_the_sum_whether_it_is_merged_or_not() {
    let cpu = Cpu::new(Default::default()).unwrap();
    let weight = Weight::check("weight", matrix(&cpu, (5, 7), 0), (Fixed::<5>, Fixed::<7>)).unwrap();
    let weight = weight.with_bias(Bias::from_fn((Fixed, Fixed), |row| row as f32));
    let weight = weight.with_low_rank(adapter(&cpu, 3, 1.5)).with_low_rank(adapter(&cpu, 2, -0.25));
    let x = values(21, 5);
    let expected = expected(&x, &[(3, 1.5), (2, -0.25)]);
    let x = Activations::new(Tensor::from_data((Fixed::<3>, Fixed::<7>), x));
    let merged = weight.clone().merged(&cpu).unwrap();
    assert_eq!((weight.low_rank().len(), merged.low_rank().len()), (2, 0));
    for weight in [weight, merged] {
        let y = cpu.linear(&x, &weight);
        for (found, expected) in y.data().iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
}

#[test]
fn factors_of_another_matrix_or_of_two_ranks_are_refused() {
    let cpu = Cpu::new(Default::default()).unwrap();
    let check = |down: (usize, usize), up: (usize, usize)| {
        let factors = (matrix(&cpu, down, 1), matrix(&cpu, up, 2));
        LowRank::check("a", factors, 1.0, (Fixed::<5>, Fixed::<7>)).unwrap_err().to_string()
    };
    assert_eq!(check((3, 5), (7, 3)), "`a` should be [Fixed = 5, Fixed = 7] but is [7, 5] (it looks transposed)");
    let ranks = "`a` has a first factor of rank 3 and a second one of rank 2: both have one rank, at least 1";
    assert_eq!(check((3, 7), (5, 2)), ranks);
}
