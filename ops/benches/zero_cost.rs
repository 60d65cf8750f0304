//! What the types cost: typed operations beside the same work written by hand on slices.
//!
//! `tools/zero_cost/measure.py` runs this program under callgrind, once for each operation, environment and version,
//! and counts the instructions of [`measured`]. Without arguments the program checks that both versions of everything
//! compute the same bits.

use std::hint::black_box;
use std::num::NonZeroUsize;

use trine_kernels::packing::{I2S, PackScales, Packed};
use trine_kernels::slices::{self, AttentionShape};
use trine_kernels::{ActivationRows, CacheType, CpuOptions, Isa, Matrix};
use trine_ops::{Activations, Cpu, KvPool, KvSequence, KvStep, RmsNorm, Rope, Weight};
use trine_shapes::RopePairing;
use trine_shapes::{
    AttentionLayers, AttnNorm, Axis, Batch, Buffer, Dims, Dyn, ExpertCounts, Fixed, Flat, HeadDim, Hidden, Idx,
    KvHeads, Model, Past, Plain, QWidth, Recurrent, Roleless, Seq, Shape, Tensor, Uniform, Value, pinned_model,
    static_model,
};

static_model! {
    struct Static {
        vocab: 320, hidden: 256, ffn: 768, heads: 6, kv_heads: 2, head_dim: 48, attention_layers: 2,
    }
}
pinned_model! { struct Pinned; }

const DIMS: Dims = Dims {
    vocab: 320,
    hidden: 256,
    ffn: 768,
    kv_heads: 2,
    group: 3,
    head_dim: 48,
    attention_layers: 2,
    recurrent: Recurrent::NONE,
    experts: ExpertCounts::NONE,
};
const SEQUENCES: usize = 2;
const POSITIONS: usize = 3;
const PAST: usize = 5;
const EPSILON: f32 = 1e-5;

const ROUNDS: usize = 20;
const OPERATIONS: [&str; 5] = ["rms_norm", "add", "split_merge", "linear", "attention"];
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

/// A tensor of any axes, which no operation made.
fn waves<S: Shape>(shape: S, first: usize) -> Tensor<f32, S> {
    let elements: Buffer<f32> = (first..first + shape.elements()).map(wave).collect();
    Tensor::assume(shape, elements, "a benchmark without a model")
}

fn wave(i: usize) -> f32 {
    (i as f32 * 0.37).sin()
}

impl<M: Model, Z: Sizes> Bench<M, Z> {
    /// Runs an operation [`ROUNDS`] times and returns its last result.
    fn run(&self, operation: &str) -> Vec<f32> {
        let (sequences, positions, past) = black_box((SEQUENCES, POSITIONS, PAST));
        Batch::scope(sequences, |batch| {
            Seq::scope(positions, |seq| {
                Past::scope(past, |past| {
                    let step = Uniform::assume(batch, past, seq, "a benchmark without state");
                    match operation {
                        "rms_norm" => self.rms_norm(step),
                        "add" => self.add(step),
                        "split_merge" => self.split_merge(Flat(batch, seq)),
                        "linear" => self.linear(step),
                        "attention" => self.attention(batch, past, seq),
                        _ => panic!("`{operation}` is none of {OPERATIONS:?}"),
                    }
                })
            })
        })
    }

    fn rms_norm<T: Axis>(&self, step: T) -> Vec<f32> {
        let (cpu, hidden) = (&self.cpu, Hidden::of(self.model));
        let x = waves((step, hidden), 0);
        let norm = RmsNorm::<AttnNorm, _>::new(Tensor::from_fn((hidden,), wave), EPSILON);
        let mut result = Buffer::from([]);
        for _ in 0..ROUNDS {
            // Both take their input.
            let x = x.clone();
            result = if self.typed {
                measured(|| cpu.rms_norm(x, &norm)).into_data()
            } else {
                let (x, gain, epsilon) = (x.into_data(), norm.gain().data(), norm.epsilon());
                measured(move || slices::rms_norm(cpu, &x, gain, epsilon))
            };
        }
        result.into_vec()
    }

    fn add<T: Roleless>(&self, step: T) -> Vec<f32> {
        let shape = (step, Hidden::of(self.model));
        let (mut x, y) = (waves(shape, 0), waves(shape, 1));
        if self.typed {
            for _ in 0..ROUNDS {
                x = measured(|| self.cpu.add(x, y.view()));
            }
            return x.into_data().into_vec();
        }
        // What is passed on by value has its sizes with it, as a tensor has.
        let mut x = (x.into_data(), black_box([SEQUENCES, PAST, POSITIONS, DIMS.hidden]));
        for _ in 0..ROUNDS {
            x = measured(|| {
                slices::add_assign(&self.cpu, &mut x.0, y.data());
                x
            });
        }
        x.0.into_vec()
    }

    fn split_merge<T: Plain>(&self, step: T) -> Vec<f32> {
        let mut x: Tensor<f32, (T, QWidth<M>)> = waves((step, QWidth::of(self.model)), 0);
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

    fn linear<T: Axis>(&self, step: T) -> Vec<f32> {
        let (cpu, hidden, width) = (&self.cpu, Hidden::of(self.model), QWidth::of(self.model));
        let codes: Vec<u8> = (0..width.len() * hidden.len()).map(|i| (i * i % 3) as u8).collect();
        let packed = Packed::<I2S>::pack(width.len(), hidden.len(), &codes, PackScales::One(0.5)).expect("a matrix");
        let weight = Weight::check("w", Matrix::from(packed), (width, hidden)).expect("its own shape");
        let x = waves((step, hidden), 0);
        let mut result = Buffer::from([]);
        for _ in 0..ROUNDS {
            let x = x.clone();
            result = if self.typed {
                measured(|| cpu.linear(&Activations::new(x), &weight)).into_data()
            } else {
                let (x, matrix) = (x.into_data(), weight.data());
                measured(|| {
                    let x = ActivationRows::new(self.sizes.dims().hidden, x);
                    cpu.products(&x, matrix)
                })
            };
        }
        result.into_vec()
    }

    fn attention<B: Plain, P: Plain, S: Plain>(&self, batch: B, past: P, seq: S) -> Vec<f32> {
        let (cpu, kv_heads, head) = (&self.cpu, KvHeads::of(self.model), HeadDim::of(self.model));
        let (old, step) = (
            Uniform::assume(batch, Fixed::<0>, past, "a benchmark without state"),
            Uniform::assume(batch, past, seq, "a benchmark without state"),
        );
        let rope = Rope::new(head, RopePairing::NeoX, 1e4, &[1.0; 24], PAST + POSITIONS);
        let q = cpu.rope(waves((step, QWidth::of(self.model)), 0).split(), &rope);
        let of_past = waves((old, kv_heads, Value::of(head)), 2);
        let of_step = waves((step, kv_heads, Value::of(head)), 3);
        let rotated = cpu.rope(waves((step, kv_heads, head), 4), &rope);
        let rotated_past = cpu.rope(waves((old, kv_heads, head), 5), &rope);
        let layers = AttentionLayers::of(self.model);
        let layer = Idx::all(layers).last().expect("a layer");
        let pool = KvPool::new(layers, kv_heads, head, SEQUENCES, CacheType::F32).expect("memory");
        let mut sequences: Vec<KvSequence<_, _, _>> = (0..SEQUENCES).map(|_| pool.sequence()).collect();
        let mut caches = KvStep::open(old, sequences.iter_mut().collect()).expect("pages");
        for layer in Idx::all(layers) {
            caches.layer(layer).append(rotated_past.view(), of_past.view());
        }
        caches.commit();
        let mut caches = KvStep::open(step, sequences.iter_mut().collect()).expect("pages");
        let cached = caches.layer(layer).append(rotated.view(), of_step.view());
        let Dims { kv_heads, group, head_dim, .. } = self.sizes.dims();
        let mut cache = slices::KvCache::new(SEQUENCES, kv_heads, PAST + POSITIONS, head_dim);
        cache.write(0, PAST, rotated_past.data(), of_past.data());
        cache.write(PAST, POSITIONS, rotated.data(), of_step.data());
        let mut result = Buffer::from([]);
        for _ in 0..ROUNDS {
            result = if self.typed {
                measured(|| cpu.attention(q.view(), &cached)).into_data()
            } else {
                let (q, sizes) = (q.data(), black_box((SEQUENCES, POSITIONS, PAST)));
                measured(|| {
                    let (sequences, tokens, past) = sizes;
                    let spans = vec![slices::Span { past, tokens }; sequences];
                    let shape = AttentionShape { spans: &spans, kv_heads, group, head_dim, window: usize::MAX };
                    let mut y = vec![0.0; q.len()];
                    slices::attention(cpu, shape, q, &cache, &mut y);
                    Buffer::from(y)
                })
            };
        }
        result.into_vec()
    }
}

/// Multiplies head `h` by `1 + h / 64`, seen as heads and back.
fn scale_heads<T: Plain, M: Model>(x: Tensor<f32, (T, QWidth<M>)>) -> Tensor<f32, (T, QWidth<M>)> {
    let mut x = x.split();
    let (_, heads, head) = x.shape();
    scale_rows(x.data_mut(), heads.len(), head.len());
    x.merge()
}

/// [`scale_heads`] without types.
fn scale_heads_of_slice(mut x: Buffer<f32>, sizes: impl Sizes) -> Buffer<f32> {
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
