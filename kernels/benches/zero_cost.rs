//! What the types cost: typed operations beside the same work written by hand on slices.
//!
//! `tools/zero_cost/measure.py` runs this program under callgrind, once for each operation, environment and version,
//! and counts the instructions of [`measured`]. Without arguments the program checks that both versions of everything
//! compute the same bits.

use std::hint::black_box;
use std::num::NonZeroUsize;

use trine_kernels::packing::{I2S, PackScales, Packed};
use trine_kernels::slices::{self, AttentionShape};
use trine_kernels::{
    ActivationRows, Activations, CacheBuffer, CacheType, Cpu, CpuOptions, Isa, Matrix, RmsNorm, Rope, RopePairing,
};
use trine_shapes::{
    AttnNorm, Axis, Batch, Dims, Dyn, Fixed, HeadDim, Hidden, KvHeads, Model, Past, Plus, QWidth, Seq, Tensor, Value,
    Weight, pinned_model, static_model,
};

static_model! { struct Static { vocab: 320, hidden: 256, ffn: 768, heads: 6, kv_heads: 2, head_dim: 48 } }
pinned_model! { struct Pinned; }

const DIMS: Dims = Dims { vocab: 320, hidden: 256, ffn: 768, kv_heads: 2, group: 3, head_dim: 48 };
const SEQUENCES: usize = 2;
const POSITIONS: usize = 3;
const PAST: usize = 5;
const CAPACITY: usize = 9;
const EPSILON: f32 = 1e-5;

const ROUNDS: usize = 20;
const OPERATIONS: [&str; 5] = ["rms_norm", "add_assign", "split_merge", "linear", "attention"];
const ENVIRONMENTS: [&str; 3] = ["static", "pinned", "scoped"];

/// What hand-written code knows of the sizes: constants where the model is static, else variables.
trait Sizes: Copy {
    fn dims(self) -> Dims;
}

#[derive(Clone, Copy)]
struct Constants;

impl Sizes for Constants {
    fn dims(self) -> Dims {
        DIMS
    }
}

impl Sizes for Dims {
    fn dims(self) -> Dims {
        self
    }
}

/// The work whose instructions are counted.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// One operation of a model with axes `M`, in two versions.
struct Bench<M, Z> {
    cpu: Cpu,
    model: M,
    sizes: Z,
    typed: bool,
}

fn wave(i: usize) -> f32 {
    (i as f32 * 0.37).sin()
}

impl<M: Model, Z: Sizes> Bench<M, Z> {
    /// Runs an operation [`ROUNDS`] times and returns its last result.
    fn run(&self, operation: &str) -> Vec<f32> {
        let (sequences, positions, past) = black_box((SEQUENCES, POSITIONS, PAST));
        Batch::scope(sequences, |batch| {
            Seq::scope(positions, |seq| match operation {
                "rms_norm" => self.rms_norm(batch, seq),
                "add_assign" => self.add_assign(batch, seq),
                "split_merge" => self.split_merge(batch, seq),
                "linear" => self.linear(batch, seq),
                "attention" => Past::scope(past, |past| self.attention(batch, past, seq)),
                _ => panic!("`{operation}` is none of {OPERATIONS:?}"),
            })
        })
    }

    fn rms_norm<B: Axis, S: Axis>(&self, batch: B, seq: S) -> Vec<f32> {
        let (cpu, hidden) = (&self.cpu, Hidden::of(self.model));
        let x = Tensor::from_fn((batch, seq, hidden), wave);
        let norm = RmsNorm::<AttnNorm, _>::new(Tensor::from_fn((hidden,), wave), EPSILON);
        let mut result = Box::default();
        for _ in 0..ROUNDS {
            result = if self.typed {
                measured(|| cpu.rms_norm(x.view(), &norm)).into_data()
            } else {
                let (x, gain, epsilon) = (x.data(), norm.gain().data(), norm.epsilon());
                measured(|| slices::rms_norm(cpu, x, gain, epsilon).into_boxed_slice())
            };
        }
        result.into_vec()
    }

    fn add_assign<B: Axis, S: Axis>(&self, batch: B, seq: S) -> Vec<f32> {
        let shape = (batch, seq, Hidden::of(self.model));
        let (mut x, y) = (Tensor::from_fn(shape, wave), Tensor::from_fn(shape, |i| wave(i + 1)));
        for _ in 0..ROUNDS {
            if self.typed {
                measured(|| self.cpu.add_assign(&mut x, y.view()));
            } else {
                let (x, y) = (x.data_mut(), y.data());
                measured(|| slices::add_assign(&self.cpu, x, y));
            }
        }
        x.into_data().into_vec()
    }

    fn split_merge<B: Axis, S: Axis>(&self, batch: B, seq: S) -> Vec<f32> {
        let mut x: Tensor<f32, (B, S, QWidth<M>)> = Tensor::from_fn((batch, seq, QWidth::of(self.model)), wave);
        if self.typed {
            for _ in 0..ROUNDS {
                x = measured(|| scale_heads(x));
            }
            return x.into_data().into_vec();
        }
        let mut x = x.into_data();
        for _ in 0..ROUNDS {
            x = measured(|| scale_heads_of_slice(x, self.sizes));
        }
        x.into_vec()
    }

    fn linear<B: Axis, S: Axis>(&self, batch: B, seq: S) -> Vec<f32> {
        let (cpu, hidden, width) = (&self.cpu, Hidden::of(self.model), QWidth::of(self.model));
        let codes: Vec<u8> = (0..width.len() * hidden.len()).map(|i| (i * i % 3) as u8).collect();
        let packed = Packed::<I2S>::pack(width.len(), hidden.len(), &codes, PackScales::One(0.5)).expect("a matrix");
        let weight = Weight::check("w", Matrix::from(packed), (width, hidden)).expect("its own shape");
        let x = Tensor::from_fn((batch, seq, hidden), wave);
        let mut result = Box::default();
        for _ in 0..ROUNDS {
            let x = x.clone();
            result = if self.typed {
                measured(|| cpu.linear(&Activations::new(x), &weight)).into_data()
            } else {
                let (x, matrix) = (x.into_data(), weight.data());
                measured(|| {
                    let x = ActivationRows::new(self.sizes.dims().hidden, x.into_vec());
                    cpu.products(&x, matrix).into_boxed_slice()
                })
            };
        }
        result.into_vec()
    }

    fn attention<B: Axis, P: Axis, S: Axis>(&self, batch: B, past: P, seq: S) -> Vec<f32> {
        let (cpu, kv_heads, head) = (&self.cpu, KvHeads::of(self.model), HeadDim::of(self.model));
        let rope = Rope::new(head, RopePairing::NeoX, 1e4, &[1.0; 24], CAPACITY);
        let q = Tensor::from_fn((batch, seq, QWidth::of(self.model)), wave).split();
        let (old, at) = (Plus(Fixed::<0>, past), Plus(past, seq));
        let q = cpu.rope(q, &rope, at);
        let of_past = Tensor::from_fn((batch, past, kv_heads, Value::of(head)), |i| wave(i + 2));
        let of_step = Tensor::from_fn((batch, seq, kv_heads, Value::of(head)), |i| wave(i + 3));
        let rotated = cpu.rope(Tensor::from_fn((batch, seq, kv_heads, head), |i| wave(i + 4)), &rope, at);
        let mut keys = CacheBuffer::keys(batch, kv_heads, head, CAPACITY, CacheType::F32).expect("memory");
        let mut values = CacheBuffer::values(batch, kv_heads, head, CAPACITY, CacheType::F32).expect("memory");
        let rotated_past = cpu.rope(Tensor::from_fn((batch, past, kv_heads, head), |i| wave(i + 5)), &rope, old);
        keys.append(rotated_past.view(), old);
        values.append(of_past.view(), old);
        let Dims { kv_heads, group, head_dim, .. } = self.sizes.dims();
        let mut cache = slices::KvCache::new(SEQUENCES, kv_heads, CAPACITY, head_dim);
        cache.write(0, PAST, rotated_past.data(), of_past.data());
        cache.write(PAST, POSITIONS, rotated.data(), of_step.data());
        let mut result = Box::default();
        for _ in 0..ROUNDS {
            result = if self.typed {
                let (keys, values) = (keys.append(rotated.view(), at), values.append(of_step.view(), at));
                measured(|| cpu.attention(q.view(), keys, values)).into_data()
            } else {
                let (q, sizes) = (q.data(), black_box((SEQUENCES, POSITIONS, PAST)));
                measured(|| {
                    let (batch, positions, past) = sizes;
                    let shape = AttentionShape { batch, positions, past, kv_heads, group, head_dim };
                    let mut y = vec![0.0; q.len()].into_boxed_slice();
                    slices::attention(cpu, shape, q, &cache, &mut y);
                    y
                })
            };
        }
        result.into_vec()
    }
}

/// Multiplies head `h` by `1 + h / 64`, seen as heads and back.
fn scale_heads<B: Axis, S: Axis, M: Model>(x: Tensor<f32, (B, S, QWidth<M>)>) -> Tensor<f32, (B, S, QWidth<M>)> {
    let mut x = x.split();
    let (_, _, heads, head) = x.shape();
    scale_rows(x.data_mut(), heads.len(), head.len());
    x.merge()
}

/// [`scale_heads`] without types.
fn scale_heads_of_slice(mut x: Box<[f32]>, sizes: impl Sizes) -> Box<[f32]> {
    let dims = sizes.dims();
    scale_rows(&mut x, dims.kv_heads * dims.group, dims.head_dim);
    x
}

#[inline(always)]
fn scale_rows(x: &mut [f32], heads: usize, head_dim: usize) {
    for token in x.chunks_exact_mut(heads * head_dim) {
        for (h, head) in token.chunks_exact_mut(head_dim).enumerate() {
            head.iter_mut().for_each(|value| *value *= 1.0 + h as f32 / 64.0);
        }
    }
}

fn run(operation: &str, environment: &str, typed: bool) -> Vec<f32> {
    // Not the best of the machine: valgrind does not know AVX-512.
    let isa = if Isa::Avx2.is_available() { Isa::Avx2 } else { Isa::Portable };
    let cpu = Cpu::new(CpuOptions { threads: NonZeroUsize::new(1), isa: Some(isa) }).expect("one thread");
    let dims = black_box(DIMS);
    match environment {
        "static" => Bench { cpu, model: Static, sizes: Constants, typed }.run(operation),
        "pinned" => Bench { cpu, model: Pinned::pin(dims).expect("once"), sizes: dims, typed }.run(operation),
        "scoped" => Dyn::scope(dims, |model| Bench { cpu, model, sizes: dims, typed }.run(operation)),
        _ => panic!("`{environment}` is none of {ENVIRONMENTS:?}"),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [operation, environment, version] = &arguments[..] {
        black_box(run(operation, environment, version == "typed"));
        return;
    }
    for operation in OPERATIONS {
        let expected = run(operation, "static", false);
        assert!(expected.iter().any(|value| *value != 0.0), "{operation} computed something");
        for environment in ENVIRONMENTS {
            for typed in [false, true] {
                assert_eq!(run(operation, environment, typed), expected, "{operation}, {environment}, typed: {typed}");
            }
        }
        println!("{operation}: the same bits, typed and by hand, in {ENVIRONMENTS:?}");
    }
    println!("tools/zero_cost/measure.py counts the instructions");
}
