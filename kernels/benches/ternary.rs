//! Ternary products on the shapes of BitNet b1.58 2B4T, for one token and for many, on every instruction set.
//!
//! Throughput is bytes of weights for one token (the bound is memory bandwidth) and operations, two for each weight and
//! token, for many (the bound is the peak of the integer dot product). Each result is compared with the plain loops.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use trine_kernels::packing::{I2S, PackScales, Packed, Ternary, Tq1_0, Tq2_0};
use trine_kernels::reference::ternary::{WeightScales, product_int8};
use trine_kernels::{ActivationRows, CpuOptions, Isa, Machine, Matrix};

/// Rows and columns: attention, feed-forward up and down, keys and values.
const SHAPES: [(usize, usize); 4] = [(2560, 2560), (6912, 2560), (2560, 6912), (640, 2560)];
const MANY: usize = 128;
const SCALE: f32 = 0.5;

/// Codes that look random.
fn codes(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % 3) as u8
    };
    (0..count).map(next).collect()
}

fn activations(count: usize) -> Vec<f32> {
    codes(count).iter().enumerate().map(|(i, &code)| f32::from(code) + (i % 97) as f32 / 50.0 - 1.5).collect()
}

/// As many copies of a matrix as make `bytes` bytes: one token then reads weights from memory, as decoding does.
fn copies<P: Ternary>(rows: usize, cols: usize, codes: &[u8], bytes: usize) -> Vec<Matrix>
where
    Matrix: From<Packed<P>>,
{
    let packed = Packed::<P>::pack(rows, cols, codes, PackScales::One(SCALE)).expect("a valid matrix");
    let count = bytes.div_ceil(packed.bytes().len());
    let copy = |_| {
        let bytes = packed.bytes().to_vec();
        Matrix::from(Packed::<P>::new(rows, cols, bytes.into()).expect("the same matrix"))
    };
    (0..count).map(copy).collect()
}

/// The product of one token with `matrices` in turns. The activations stay the same, so tables of them are made once.
fn one_token(criterion: &mut Criterion, name: &str, cpu: &Machine, matrices: &[Matrix], x: &[f32], expected: &[f32]) {
    let shape = format!("{}x{}", expected.len(), x.len());
    let mut group = criterion.benchmark_group(format!("one token/{name}"));
    group.throughput(Throughput::Bytes(matrices[0].bytes_read() as u64));
    let mut y = vec![0.0; expected.len()];
    let mut next = 0;
    group.bench_function(BenchmarkId::from_parameter(&shape), |bencher| {
        bencher.iter(|| {
            next = (next + 1) % matrices.len();
            let x = ActivationRows::new(x.len(), x.to_vec());
            cpu.matmul(&x, black_box(&matrices[next]), &mut y);
        });
        assert_eq!(y, expected, "{name} {shape}");
    });
    group.finish();
}

fn bench<P: Ternary>(criterion: &mut Criterion)
where
    Matrix: From<Packed<P>>,
{
    for (rows, cols) in SHAPES {
        let codes = codes(rows * cols);
        let one = activations(cols);
        let expected = product_int8(&codes, WeightScales::Tensor(SCALE), 1.0, &one, cols);
        let matrices = copies::<P>(rows, cols, &codes, 256 << 20);
        let many: Vec<f32> = (0..MANY).flat_map(|_| one.iter().copied()).collect();
        for isa in Isa::available() {
            for threads in [1, num_cpus::get_physical()] {
                let options = CpuOptions { threads: NonZeroUsize::new(threads), isa: Some(isa) };
                let cpu = Machine::new(options).expect("an available instruction set");
                let name = format!("{}/{isa}/{threads}", P::NAME);
                let shape = format!("{rows}x{cols}");

                one_token(criterion, &name, &cpu, &matrices, &one, &expected);
                let copies: Vec<_> = matrices.iter().map(|matrix| matrix.clone().with_triples(&cpu)).collect();
                if copies[0].has_triples() {
                    one_token(criterion, &format!("{name}/triples"), &cpu, &copies, &one, &expected);
                }
                let mut group = criterion.benchmark_group(format!("{MANY} tokens/{name}"));
                group.throughput(Throughput::Elements(2 * (rows * cols * MANY) as u64));
                let mut y = vec![0.0; rows * MANY];
                group.bench_function(BenchmarkId::from_parameter(&shape), |bencher| {
                    bencher.iter(|| {
                        let x = ActivationRows::new(cols, many.clone());
                        cpu.matmul(&x, black_box(&matrices[0]), &mut y);
                    });
                    assert!(y.chunks_exact(rows).all(|y| y == expected), "{name} {shape}");
                });
                group.finish();
            }
        }
    }
}

fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300))
}

criterion_group! { name = ternary; config = short(); targets = bench::<I2S>, bench::<Tq1_0>, bench::<Tq2_0> }
criterion_main!(ternary);
