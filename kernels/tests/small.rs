//! Every kernel on the least sizes that reach its ways of memory: tails, one row and several, one thread and two. What
//! belongs here: sizes that an interpreter of Rust gets through (`tools/miri.sh`), which looks for undefined behaviour.
//! Whether the numbers are right at sizes of models is asked elsewhere; here they need only be near.

use bytes::Bytes;
use half::f16;
use std::num::NonZeroUsize;
use trine_kernels::pages::{PagePool, Pages, attention_over_pages};
use trine_kernels::slices::{AttentionShape, RopePairing, RopeTable, Span, add_assign, embed, gated, rms_norm, rope};
use trine_kernels::{
    ActivationMode, ActivationRows, CacheType, CpuOptions, GateActivation, Machine, Matrix, PackingKind, Shortlist,
};

const ROWS: usize = 5;
const COLS: usize = 256;

fn machines() -> [Machine; 2] {
    [1, 2].map(|threads| {
        let options = CpuOptions { threads: NonZeroUsize::new(threads), ..CpuOptions::default() };
        Machine::new(options).expect("the threads of the machine")
    })
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

const TERNARY: [PackingKind; 3] = [PackingKind::I2S, PackingKind::Tq1_0, PackingKind::Tq2_0];

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
    let of_32 = |head: &[u8], bytes| head.iter().copied().chain(codes(bytes)).collect::<Vec<u8>>().repeat(8);
    let of_256 = |head: &[u8], bytes| head.iter().copied().chain(codes(bytes)).collect::<Vec<u8>>();
    // Halves: 0.5, and -0.5 or 0.125.
    let block = match kind {
        F32 | F16 | BF16 | Q8_0 => {
            return Matrix::from_f32(cpu, kind, ROWS, COLS, &values(3, ROWS * COLS)).expect("floats");
        }
        I2S => {
            let bytes: Vec<u8> = codes(ROWS * COLS / 4).chain(0.5f32.to_le_bytes()).chain([0; 28]).collect();
            return Matrix::new(kind, ROWS, COLS, Bytes::from(bytes)).expect("sound codes");
        }
        Tq2_0 => scaled(codes(64)),
        Tq1_0 => scaled((0..52).map(|i| [0, 128, 77][i % 3])),
        Q6K => scaled(codes(208)),
        Q4_0 => of_32(&[0, 0x38], 16),
        Q4_1 => of_32(&[0, 0x38, 0, 0xb8], 16),
        Q5_0 => of_32(&[0, 0x38], 20),
        Q5_1 => of_32(&[0, 0x38, 0, 0xb8], 20),
        Q4K => of_256(&[0, 0x38, 0, 0x30], 140),
        Q5K => of_256(&[0, 0x38, 0, 0x30], 172),
    };
    Matrix::new(kind, ROWS, COLS, Bytes::from(block.repeat(ROWS))).expect("sound bytes")
}

/// The products near those of the weights and activations as they are, and equal bits on both machines.
fn check(machines: &[Machine; 2], matrix: &Matrix, tokens: usize) {
    let x = values(tokens, tokens * matrix.cols());
    let of = |cpu: &Machine| cpu.products(&ActivationRows::new(matrix.cols(), x.clone()), matrix).into_vec();
    let [one, two] = [of(&machines[0]), of(&machines[1])];
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&one), bits(&two), "{}, {} tokens", matrix.kind().name(), tokens);
    let mut weights = vec![0.0; matrix.cols()];
    for row in 0..matrix.rows() {
        matrix.decode_row(row, &mut weights);
        for (token, x) in x.chunks_exact(matrix.cols()).enumerate() {
            let terms = || weights.iter().zip(x).map(|(w, x)| f64::from(w * x));
            let (exact, size) = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
            let found = f64::from(one[token * matrix.rows() + row]);
            let error = (found - exact).abs();
            assert!(error <= 0.02 * size, "{}, row {row}: {found}, not {exact}", matrix.kind().name());
        }
    }
}

#[test]
fn products_of_every_packing() {
    let machines = machines();
    for kind in DENSE {
        check(&machines, &matrix(&machines[0], kind), 2);
    }
    for kind in TERNARY {
        for tokens in [1, 5] {
            check(&machines, &matrix(&machines[0], kind), tokens);
        }
    }
}

#[test]
fn products_in_every_mode_of_activations() {
    let machines = machines();
    for (kind, mode) in [
        (PackingKind::I2S, ActivationMode::F32),
        (PackingKind::Tq1_0, ActivationMode::Q8K),
        (PackingKind::Tq2_0, ActivationMode::Q8K),
        (PackingKind::Q8_0, ActivationMode::Int16),
        (PackingKind::Q4_0, ActivationMode::F32),
    ] {
        let matrix = matrix(&machines[0], kind).with_activation_mode(mode).expect("a mode of this packing");
        check(&machines, &matrix, 2);
    }
    check(&machines, &matrix(&machines[0], PackingKind::I2S).with_triples(&machines[1]), 1);
}

#[test]
fn the_largest_products() {
    let machines = machines();
    let matrix = matrix(&machines[0], PackingKind::F16);
    let shortlist = Shortlist::new(&machines[1], &matrix, |_| ()).expect("finite weights");
    let x = ActivationRows::new(COLS, values(8, COLS));
    let all = machines[0].products(&x, &matrix);
    let largest = machines[1].largest_products(&x, &matrix, &shortlist, 2).remove(0);
    let best = (0..ROWS).max_by(|a, b| all[*a].total_cmp(&all[*b])).expect("rows");
    assert!(largest.rows.contains(&(best as u32)), "{best} is not in {:?}", largest.rows);
}

#[test]
fn operations_on_slices() {
    let table = RopeTable::with_factors(10_000.0, &[1.0; 9], 8);
    let run = |cpu: &Machine| {
        let (mut x, y) = (values(1, 3 * 36), values(2, 3 * 36));
        add_assign(cpu, &mut x, &y);
        let mut normed = rms_norm(cpu, &x, &values(3, 36), 1e-5).into_vec();
        gated(cpu, GateActivation::Silu, &mut normed, &y);
        for pairing in [RopePairing::NeoX, RopePairing::Adjacent] {
            rope(cpu, &mut normed, (36, 18), pairing, &table, 4..7);
        }
        let mut rows = vec![0.0; 2 * COLS];
        embed(cpu, [4, 3].into_iter(), &matrix(cpu, PackingKind::F16), &mut rows);
        normed.extend(rows);
        normed
    };
    let [one, two] = machines().map(|cpu| run(&cpu));
    assert_eq!(one, two);
    assert!(one.iter().all(|value| value.is_finite()));
}

#[test]
fn attention_over_pages_of_every_type() {
    let (heads, group, head_dim, tokens) = (1, 2, 2, 257);
    for kind in [CacheType::F32, CacheType::F16, CacheType::Q8] {
        let pool = PagePool::new(kind, 1, heads, head_dim, 4).expect("memory");
        let mut pages = Pages::new(&pool);
        let missing = pages.missing(0, tokens);
        pages.fill(0, tokens, &mut pool.take(missing).expect("pages").into_iter());
        let (keys, contents) = (values(1, tokens * head_dim), values(2, tokens * head_dim));
        pages.write(0, 0, &keys, &contents, head_dim);
        let mut other = pages.share();
        let copied = other.missing(tokens, 1);
        other.fill(tokens, 1, &mut pool.take(copied).expect("pages").into_iter());
        other.write(0, tokens, &keys[..head_dim], &contents[..head_dim], head_dim);
        let spans = [Span { past: tokens - 2, tokens: 2 }, Span { past: tokens, tokens: 1 }];
        let shape = AttentionShape { spans: &spans, kv_heads: heads, group, head_dim };
        let queries = values(3, 3 * group * head_dim);
        let [one, two] = machines().map(|cpu| {
            let mut outputs = vec![f32::NAN; queries.len()];
            attention_over_pages(&cpu, shape, &queries, (&[&pages, &other], 0), &mut outputs);
            outputs
        });
        assert_eq!(one, two);
        // A mean of values lies between the least and the largest of them.
        assert!(one.iter().all(|value| value.abs() <= 2.1), "{one:?}");
    }
}
