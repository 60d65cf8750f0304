//! Every kernel on the least sizes that reach its ways of memory: tails, one row and several, one thread and two. What
//! belongs here: sizes that an interpreter of Rust gets through (`tools/miri.sh`), which looks for undefined behaviour.
//! Whether the numbers are right at sizes of models is asked elsewhere; here they need only be near.

use bytes::Bytes;
use half::f16;
use std::num::NonZeroUsize;
use trine_kernels::attention::pages::{PagePool, Pages, attention_over_pages};
use trine_kernels::slices::{AttentionShape, RopePairing, RopeTable, Span, add_assign, embed, gated, rms_norm, rope};
use trine_kernels::{
    ActivationMode, ActivationRows, CacheType, CpuOptions, GateActivation, Machine, Matrix, PAGE, PackingKind,
    Shortlist,
};

const ROWS: usize = 5;

/// A machine of two threads.
fn machine() -> Machine {
    let options = CpuOptions { threads: NonZeroUsize::new(2), ..CpuOptions::default() };
    Machine::new(options).expect("the threads of the machine")
}

/// The least columns of a packing, and no fewer than a vector has lanes.
fn columns(kind: PackingKind) -> usize {
    kind.block().max(32)
}

fn values(seed: usize, count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + seed * 104_729) % 4001) as f32 / 1000.0 - 2.0).collect()
}

/// Bytes of codes of two bits, all of them sound.
fn codes(count: usize) -> impl Iterator<Item = u8> {
    (0..count).map(|i| [0x00, 0x55, 0xaa, 0x16, 0x92, 0x61][i % 6])
}

/// A block: its bytes before the scale, and a half.
fn scaled(bytes: impl Iterator<Item = u8>) -> Vec<u8> {
    bytes.chain(f16::from_f32(0.5).to_le_bytes()).collect()
}

const DENSE: [PackingKind; 11] = [
    PackingKind::F32,
    PackingKind::F16,
    PackingKind::BF16,
    PackingKind::Q8_0,
    PackingKind::Q4_0,
    PackingKind::Q4_1,
    PackingKind::Q5_0,
    PackingKind::Q5_1,
    PackingKind::Q4K,
    PackingKind::Q5K,
    PackingKind::Q6K,
];

/// A matrix of this packing: rounded floats where rounding is quick, else made-up bytes.
fn matrix(cpu: &Machine, kind: PackingKind) -> Matrix {
    use PackingKind::*;
    let cols = columns(kind);
    let under = |scales: &[u8], bytes| scales.iter().copied().chain(codes(bytes)).collect::<Vec<u8>>();
    // Halves: 0.5, and -0.5 or 0.125.
    let block = match kind {
        F32 | F16 | BF16 | Q8_0 => {
            return Matrix::from_f32(cpu, kind, ROWS, cols, &values(3, ROWS * cols)).expect("floats");
        }
        I2S => {
            let bytes: Vec<u8> = codes(ROWS * cols / 4).chain(0.5f32.to_le_bytes()).chain([0; 28]).collect();
            return Matrix::new(kind, ROWS, cols, Bytes::from(bytes)).expect("sound codes");
        }
        Tq2_0 => scaled(codes(64)),
        Tq1_0 => scaled((0..52).map(|i| [0, 128, 77][i % 3])),
        Ptq1_0 => scaled((0..26).map(|i| [0, 128, 77][i % 3])),
        Q2_0 | Q1_0 => under(&[0, 0x38], 16),
        Pq2_0 => under(&[0, 0x38], 32),
        Q6K => scaled(codes(208)),
        Q4_0 => under(&[0, 0x38], 16),
        Q4_1 => under(&[0, 0x38, 0, 0xb8], 16),
        Q5_0 => under(&[0, 0x38], 20),
        Q5_1 => under(&[0, 0x38, 0, 0xb8], 20),
        Q4K => under(&[0, 0x38, 0, 0x30], 140),
        Q5K => under(&[0, 0x38, 0, 0x30], 172),
    };
    Matrix::new(kind, ROWS, cols, Bytes::from(block.repeat(ROWS))).expect("sound bytes")
}

/// The products are near those of the weights and activations as they are.
fn check(cpu: &Machine, matrix: &Matrix, tokens: usize) {
    let x = values(tokens, tokens * matrix.cols());
    let products = cpu.products(&ActivationRows::new(matrix.cols(), x.clone()), matrix);
    let mut weights = vec![0.0; matrix.cols()];
    for row in 0..matrix.rows() {
        matrix.decode_row(row, &mut weights);
        for (token, x) in x.chunks_exact(matrix.cols()).enumerate() {
            let terms = || weights.iter().zip(x).map(|(w, x)| f64::from(w * x));
            let (exact, size) = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
            let found = f64::from(products[token * matrix.rows() + row]);
            let error = (found - exact).abs();
            assert!(error <= 0.02 * size, "{}, row {row}: {found}, not {exact}", matrix.kind().name());
        }
    }
}

#[test]
fn products_of_every_packing() {
    let cpu = machine();
    for kind in DENSE {
        check(&cpu, &matrix(&cpu, kind), 2);
    }
    for &kind in PackingKind::CODED {
        for tokens in [1, 3] {
            check(&cpu, &matrix(&cpu, kind), tokens);
        }
    }
}

#[test]
fn products_in_every_mode_of_activations() {
    let cpu = machine();
    for (kind, mode) in [
        (PackingKind::I2S, ActivationMode::F32),
        (PackingKind::Tq1_0, ActivationMode::Q8K),
        (PackingKind::Q8_0, ActivationMode::Int16),
        (PackingKind::Pq2_0, ActivationMode::Q8_0),
        (PackingKind::Q4_0, ActivationMode::F32),
    ] {
        check(&cpu, &matrix(&cpu, kind).with_activation_mode(mode).expect("a mode of this packing"), 1);
    }
    check(&cpu, &matrix(&cpu, PackingKind::I2S).with_triples(&cpu), 1);
}

#[test]
fn the_largest_products() {
    let cpu = machine();
    let matrix = matrix(&cpu, PackingKind::F16);
    let shortlist = Shortlist::new(&cpu, &matrix, |_| ()).expect("finite weights");
    let x = ActivationRows::new(matrix.cols(), values(8, matrix.cols()));
    let all = cpu.products(&x, &matrix);
    let largest = cpu.largest_products(&x, &matrix, &shortlist, 2).remove(0);
    let best = (0..ROWS).max_by(|a, b| all[*a].total_cmp(&all[*b])).expect("rows");
    assert!(largest.rows.contains(&(best as u32)), "{best} is not in {:?}", largest.rows);
}

#[test]
fn operations_on_slices() {
    let (cpu, table) = (machine(), RopeTable::with_factors(10_000.0, &[1.0; 9], 8));
    let (mut x, y) = (values(1, 3 * 36), values(2, 3 * 36));
    add_assign(&cpu, &mut x, &y);
    let mut normed = rms_norm(&cpu, &x, &values(3, 36), 1e-5).into_vec();
    gated(&cpu, GateActivation::Silu, &mut normed, &y);
    for pairing in [RopePairing::NeoX, RopePairing::Adjacent] {
        rope(&cpu, &mut normed, (36, 18), pairing, &table, 4..7);
    }
    let matrix = matrix(&cpu, PackingKind::F16);
    let mut rows = vec![f32::NAN; 2 * matrix.cols()];
    embed(&cpu, [4, 3].into_iter(), &matrix, &mut rows);
    assert!(normed.iter().chain(&rows).all(|value| value.is_finite()));
}

#[test]
fn attention_over_pages_of_every_type() {
    let (cpu, head_dim, tokens) = (machine(), 2, PAGE + 1);
    for kind in [CacheType::F32, CacheType::F16, CacheType::Q8] {
        let pool = PagePool::new(kind, 1, 1, head_dim, 4).expect("memory");
        let mut pages = Pages::new(&pool);
        let missing = pages.missing(0, tokens);
        pages.fill(0, tokens, &mut pool.take(missing).expect("pages").into_iter());
        let (keys, contents) = (values(1, tokens * head_dim), values(2, tokens * head_dim));
        pages.write(0, 0, &keys, &contents, head_dim);
        // The page that two sequences share is copied when one of them goes on.
        let mut other = pages.share();
        let copied = other.missing(tokens, 1);
        other.fill(tokens, 1, &mut pool.take(copied).expect("pages").into_iter());
        other.write(0, tokens, &keys[..head_dim], &contents[..head_dim], head_dim);
        let spans = [Span { past: 7, tokens: 1 }, Span { past: tokens, tokens: 1 }];
        let shape = AttentionShape { spans: &spans, kv_heads: 1, group: 1, head_dim, window: usize::MAX };
        let mut outputs = vec![f32::NAN; 2 * head_dim];
        attention_over_pages(&cpu, shape, &values(3, 2 * head_dim), (&[&pages, &other], 0), &mut outputs);
        // A mean of values lies between the least and the largest of them.
        assert!(outputs.iter().all(|value| value.abs() <= 2.1), "{outputs:?}");
    }
}
