//! Products of a few rows of activations together, as a server of several sequences has them: how near the time of `b`
//! rows comes to the larger of the time of one row, which reading the weights takes, and of `b` times the dot products.
//!
//! ```sh
//! cargo bench -p trine-kernels --bench batches -- [PACKING...] [ISA...] [threads=COUNT] [repeats=COUNT] [rows=COUNT] \
//!     [megabytes=COUNT]
//! ```
//!
//! Each number of rows has its turn in each repetition, as has the peak of dot products, and the least time of each
//! counts: what a machine shared with others does meanwhile is left out. Some outputs of every product are compared
//! with the plain loops.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use bytes::Bytes;
use trine_kernels::packing::{I2S, PackScales, Packed, Ternary, Tq1_0, Tq2_0};
use trine_kernels::reference::ternary::{WeightScales, product_int8};
use trine_kernels::{ActivationMode, ActivationRows, CpuOptions, Isa, Machine, Matrix, PackingKind, reference};

const BATCHES: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// Columns of all matrices.
const COLS: usize = 2560;
/// Rows of a ternary matrix: one up in the feed-forward part of BitNet b1.58 2B4T.
const TERNARY: usize = 6912;
/// Rows of a head.
const HEAD: usize = 32_064;
/// Megabytes of weights of a packing, used in turns: more than the second cache, as those of a step are.
const MEGABYTES: usize = 128;
const SCALE: f32 = 0.5;
/// Steps of the peak's loop: about a millisecond.
const STEPS: usize = 1 << 17;

/// The dense packings, their bytes for 256 columns, and where half-precision scales are in each block of so many bytes.
const DENSE: [(PackingKind, usize, usize, &[usize]); 8] = [
    (PackingKind::Q6K, 210, 210, &[208]),
    (PackingKind::Q8_0, 272, 34, &[0]),
    (PackingKind::F16, 512, 2, &[0]),
    (PackingKind::BF16, 512, 2, &[0]),
    (PackingKind::Q4_0, 144, 18, &[0]),
    (PackingKind::Q5_0, 176, 22, &[0]),
    (PackingKind::Q4K, 144, 144, &[0, 2]),
    (PackingKind::Q5K, 176, 176, &[0, 2]),
];

/// Words that look random.
fn words(count: usize) -> impl Iterator<Item = u64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..count).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state ^ state >> 31
    })
}

/// What is measured: copies of one matrix, and some rows of its product with `x`.
struct Case {
    name: &'static str,
    matrices: Vec<Matrix>,
    x: Vec<f32>,
    rows: Vec<usize>,
    /// For each row of `x`, the outputs of `rows`.
    expected: Vec<f32>,
}

impl Case {
    fn new(
        name: &'static str,
        matrix: &Matrix,
        megabytes: usize,
        expected: impl Fn(&[usize], &[f32]) -> Vec<f32>,
    ) -> Case {
        let copies = (megabytes << 20).div_ceil(matrix.bytes().len());
        let copy = |_| {
            let bytes = Bytes::from(matrix.bytes().to_vec());
            Matrix::new(matrix.kind(), matrix.rows(), matrix.cols(), bytes).expect("the same matrix")
        };
        let x: Vec<f32> = words(BATCHES[BATCHES.len() - 1] * matrix.cols())
            .map(|word| (word >> 40) as f32 / (1 << 23) as f32 - 1.0)
            .collect();
        let rows: Vec<usize> = (0..matrix.rows()).step_by(997).chain([matrix.rows() - 1]).collect();
        let expected = expected(&rows, &x);
        Case { name, matrices: (0..copies).map(copy).collect(), x, rows, expected }
    }

    fn ternary<P: Ternary>(name: &'static str, rows: usize, megabytes: usize) -> Case
    where
        Matrix: From<Packed<P>>,
    {
        let cols = COLS;
        let codes: Vec<u8> = words(rows * cols).map(|word| ((word >> 33) % 3) as u8).collect();
        let packed = Packed::<P>::pack(rows, cols, &codes, PackScales::One(SCALE)).expect("a valid matrix");
        Case::new(name, &Matrix::from(packed), megabytes, |rows, x| {
            let codes: Vec<u8> = rows.iter().flat_map(|row| &codes[row * cols..][..cols]).copied().collect();
            product_int8(&codes, WeightScales::Tensor(SCALE), 1.0, x, cols)
        })
    }

    /// Random bytes, whose half-precision scales are small positive numbers.
    fn dense(
        (kind, per_256, block_bytes, scales): (PackingKind, usize, usize, &[usize]),
        rows: usize,
        megabytes: usize,
    ) -> Case {
        let cols = COLS;
        let length = rows * cols / 256 * per_256;
        let mut bytes: Vec<u8> = words(length / 8 + 1).flat_map(u64::to_le_bytes).collect();
        bytes.truncate(length);
        for block in bytes.chunks_exact_mut(block_bytes) {
            for at in scales {
                block[at + 1] = 0x20 | block[at + 1] & 3;
            }
        }
        let matrix = Matrix::new(kind, rows, cols, Bytes::from(bytes)).expect("a valid matrix");
        Case::new(kind.name(), &matrix, megabytes, |rows, x| {
            if matrix.activation_mode() == ActivationMode::Int16 {
                let row_bytes = matrix.bytes().len() / matrix.rows();
                let bytes: Vec<u8> =
                    rows.iter().flat_map(|row| &matrix.bytes()[row * row_bytes..][..row_bytes]).copied().collect();
                return reference::int16::product(kind, &bytes, row_bytes, 1.0, x, cols);
            }
            let mut weights = vec![0.0; rows.len() * cols];
            for (row, weights) in rows.iter().zip(weights.chunks_exact_mut(cols)) {
                matrix.decode_row(*row, weights);
            }
            reference::dense::product(&weights, 1.0, x, cols)
        })
    }

    /// Prints the times of all numbers of rows.
    fn measure(&self, cpu: &Machine, repeats: usize) {
        let (rows, cols) = (self.matrices[0].rows(), self.matrices[0].cols());
        let (mut peak, mut least, mut next) = (0.0_f64, [Duration::MAX; BATCHES.len()], 0);
        let mut y = vec![0.0; BATCHES[BATCHES.len() - 1] * rows];
        for _ in 0..repeats {
            let (operations, time) = cpu.time_of_dots(STEPS);
            peak = peak.max(operations as f64 / time.as_secs_f64());
            for (&batch, least) in BATCHES.iter().zip(&mut least) {
                let x = ActivationRows::new(cols, self.x[..batch * cols].to_vec());
                next = (next + 1) % self.matrices.len();
                let y = &mut y[..batch * rows];
                let start = Instant::now();
                cpu.matmul(&x, black_box(&self.matrices[next]), y);
                *least = start.elapsed().min(*least);
                for (y, expected) in y.chunks_exact(rows).zip(self.expected.chunks_exact(self.rows.len())) {
                    let found = self.rows.iter().map(|&row| y[row]);
                    assert!(found.eq(expected.iter().copied()), "{}, {batch} rows on {}", self.name, cpu.isa());
                }
            }
        }
        let bytes = self.matrices[0].bytes().len() as f64;
        let one = least[0].as_secs_f64();
        print!("{:7} {:18} {:4.0} GOPS {:5.1} GB/s", self.name, cpu.isa(), peak / 1e9, bytes / one / 1e9);
        for (&batch, least) in BATCHES.iter().zip(&least) {
            let dots = 2.0 * (batch * rows * cols) as f64 / peak;
            let time = least.as_secs_f64();
            print!(" | {batch:2}: {:7.0} us {:4.2}", time * 1e6, time / one.max(dots));
        }
        println!();
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |name: &str, default: usize| {
        let value = arguments.iter().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='));
        value.map_or(default, |value| value.parse().expect("a number"))
    };
    let (threads, repeats, megabytes) = (number("threads", 1), number("repeats", 20), number("megabytes", MEGABYTES));
    let (ternary, head) = (number("rows", TERNARY), number("rows", HEAD));
    let isas: Vec<Isa> = Isa::ALL.into_iter().filter(|isa| arguments.iter().any(|name| name == isa.name())).collect();
    let isas = if isas.is_empty() { vec![Isa::detect()] } else { isas };
    let cpus = isas.into_iter().map(|isa| {
        Machine::new(CpuOptions { threads: NonZeroUsize::new(threads), isa: Some(isa) }).expect("an instruction set")
    });
    let cpus: Vec<Machine> = cpus.collect();
    let any = !arguments.iter().any(|name| Isa::ALL.iter().all(|isa| isa.name() != name) && !name.contains('='));
    let wanted = |name: &str| any || arguments.iter().any(|argument| argument == name);
    let measure = |case: Case| cpus.iter().for_each(|cpu| case.measure(cpu, repeats));
    if wanted("i2_s") {
        measure(Case::ternary::<I2S>("i2_s", ternary, megabytes));
    }
    if wanted("tq2_0") {
        measure(Case::ternary::<Tq2_0>("tq2_0", ternary, megabytes));
    }
    if wanted("tq1_0") {
        measure(Case::ternary::<Tq1_0>("tq1_0", ternary, megabytes));
    }
    for packing in DENSE {
        if wanted(packing.0.name()) {
            measure(Case::dense(packing, head, megabytes));
        }
    }
}
