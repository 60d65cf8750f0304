//! Dense products on the width of BitNet b1.58 2B4T's output head, for one token and for several, on every instruction
//! set, beside the read bandwidth of the machine.
//!
//! Throughput is bytes of weights, counted for each token: for one token its bound is the bandwidth that `read`
//! measures in the same run. Some rows of each result are compared with plain loops.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use trine_kernels::{ActivationMode, ActivationRows, CpuOptions, Isa, Machine, Matrix, PackingKind, reference};

const COLS: usize = 2560;
/// Several times the last-level cache, so that weights come from memory.
const BYTES: usize = 160 << 20;

/// The packings, their bytes for 256 columns, and where half-precision scales are in each block of so many bytes.
const PACKINGS: [(PackingKind, usize, usize, &[usize]); 11] = [
    (PackingKind::F32, 1024, 4, &[2]),
    (PackingKind::F16, 512, 2, &[0]),
    (PackingKind::BF16, 512, 2, &[0]),
    (PackingKind::Q8_0, 272, 34, &[0]),
    (PackingKind::Q4_0, 144, 18, &[0]),
    (PackingKind::Q4_1, 160, 20, &[0, 2]),
    (PackingKind::Q5_0, 176, 22, &[0]),
    (PackingKind::Q5_1, 192, 24, &[0, 2]),
    (PackingKind::Q4K, 144, 144, &[0, 2]),
    (PackingKind::Q5K, 176, 176, &[0, 2]),
    (PackingKind::Q6K, 210, 210, &[208]),
];

/// Words that look random.
fn words(count: usize) -> impl Iterator<Item = u64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..count).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ state >> 31
    })
}

/// A matrix of random bytes, whose half-precision scales are small positive numbers.
fn matrix(kind: PackingKind, per_256: usize, block_bytes: usize, scales: &[usize]) -> Matrix {
    let rows = BYTES / (COLS / 256 * per_256);
    let mut bytes: Vec<u8> = words(BYTES / 8 + 1).flat_map(u64::to_le_bytes).collect();
    bytes.truncate(rows * COLS / 256 * per_256);
    for block in bytes.chunks_exact_mut(block_bytes) {
        for at in scales {
            block[at + 1] = 0x20 | block[at + 1] & 3;
        }
    }
    Matrix::new(kind, rows, COLS, Bytes::from(bytes)).expect("a valid matrix")
}

/// Reads `memory` in equal shares, and returns the sum of its words.
fn read(memory: &[u64], threads: usize) -> u64 {
    let sum = |share: &[u64]| share.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
    std::thread::scope(|scope| {
        let shares: Vec<_> =
            memory.chunks(memory.len().div_ceil(threads)).map(|share| scope.spawn(move || sum(share))).collect();
        shares.into_iter().fold(0, |all, share| share.join().expect("a sum").wrapping_add(all))
    })
}

fn threads() -> [usize; 2] {
    [1, num_cpus::get_physical()]
}

fn bandwidth(criterion: &mut Criterion) {
    let memory: Vec<u64> = words(BYTES / 8).collect();
    let expected = memory.iter().fold(0_u64, |sum, word| sum.wrapping_add(*word));
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Bytes(BYTES as u64));
    for threads in threads() {
        group.bench_function(BenchmarkId::from_parameter(threads), |bencher| {
            bencher.iter(|| assert_eq!(read(black_box(&memory), threads), expected));
        });
    }
    group.finish();
}

/// Some rows of the product, from plain loops.
fn expected(matrix: &Matrix, rows: &[usize], x: &[f32]) -> Vec<f32> {
    if matrix.activation_mode() == ActivationMode::Int16 {
        let row_bytes = matrix.bytes().len() / matrix.rows();
        let bytes: Vec<u8> =
            rows.iter().flat_map(|row| &matrix.bytes()[row * row_bytes..][..row_bytes]).copied().collect();
        return reference::int16::product(matrix.kind(), &bytes, row_bytes, 1.0, x, COLS);
    }
    let mut weights = vec![0.0; rows.len() * COLS];
    for (row, weights) in rows.iter().zip(weights.chunks_exact_mut(COLS)) {
        matrix.decode_row(*row, weights);
    }
    reference::dense::product(&weights, 1.0, x, COLS)
}

fn products(criterion: &mut Criterion, matrix: &Matrix) {
    let x: Vec<f32> = words(COLS).map(|word| (word >> 40) as f32 / (1 << 23) as f32 - 1.0).collect();
    let rows: Vec<usize> = (0..matrix.rows()).step_by(997).chain([matrix.rows() - 1]).collect();
    let expected = expected(matrix, &rows, &x);
    let what = format!("{}/{}", matrix.kind().name(), matrix.activation_mode());
    for tokens in [1, 16] {
        let mut group = criterion.benchmark_group(format!("{tokens} tokens/{what}"));
        group.throughput(Throughput::Bytes((matrix.bytes().len() * tokens) as u64));
        for isa in Isa::available() {
            for threads in threads() {
                let options = CpuOptions { threads: NonZeroUsize::new(threads), isa: Some(isa) };
                let cpu = Machine::new(options).expect("an available instruction set");
                let mut y = vec![0.0; matrix.rows() * tokens];
                group.bench_function(BenchmarkId::new(isa.name(), threads), |bencher| {
                    bencher.iter(|| {
                        let x = ActivationRows::new(COLS, x.repeat(tokens));
                        cpu.matmul(&x, black_box(matrix), &mut y);
                    });
                    for y in y.chunks_exact(matrix.rows()) {
                        let found: Vec<f32> = rows.iter().map(|&row| y[row]).collect();
                        assert_eq!(found, expected, "{what} on {isa}");
                    }
                });
            }
        }
        group.finish();
    }
}

fn every_packing(criterion: &mut Criterion) {
    for (kind, per_256, block_bytes, scales) in PACKINGS {
        let matrix = matrix(kind, per_256, block_bytes, scales);
        products(criterion, &matrix);
        if matrix.activation_mode() != ActivationMode::F32 {
            products(criterion, &matrix.with_activation_mode(ActivationMode::F32).expect("a mode of every matrix"));
        }
    }
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(50))
        .measurement_time(Duration::from_millis(200))
}

criterion_group! { name = dense; config = short(); targets = bandwidth, every_packing }
criterion_main!(dense);
