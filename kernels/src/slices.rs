//! The operations of a transformer on plain slices, for programs that keep tensors of their own.
//!
//! Each is what the typed operation of the same name in `trine-ops` hands its slices to; the product with a matrix is
//! [`Machine::matmul`]. Lengths are asserted once a call, and nothing says what a slice means. What belongs here:
//! cutting work over threads. What does not: arithmetic (`float`), and axes.

use alloc::vec::Vec;

use crate::machine::Machine;
use crate::simd::floats;

use crate::attention::page::{CacheType, PAGE};
use crate::attention::pages::{PagePool, Pages, attention_over_pages};
use crate::elementwise::rope::Rotate;
use crate::elementwise::{GateActivation, norm, pointwise};
use crate::machine::outputs::Output;
use crate::product::matrix::Matrix;
use trine_memory::{Buffer, product_of};

pub use crate::attention::{AttentionShape, Span};
pub use crate::elementwise::rope::{RopePairing, RopeTable};

/// Rows of a norm for which it pays to ask other threads.
const ROWS_PER_TASK: usize = 8;

/// Elements for which it pays to ask another thread.
const ELEMENTS_PER_TASK: usize = 1 << 14;

/// `y = x / sqrt(mean(x^2) + epsilon) * gain` for each row, in f32; rows are as long as `gain`.
///
/// Source: Zhang and Sennrich 2019 (arXiv 1910.07467), equation 4.
///
/// # Panics
/// If `x` is not whole rows.
pub fn rms_norm(cpu: &Machine, x: &[f32], gain: &[f32], epsilon: f32) -> Buffer<f32> {
    let width = gain.len();
    assert!(x.len().is_multiple_of(width), "rows of {width} elements");
    if x.is_empty() {
        return Buffer::from([]);
    }
    let chunk = width * ROWS_PER_TASK;
    let write = |y: &mut [Output]| {
        let mut tasks: Vec<_> = x.chunks(chunk).zip(y.chunks_mut(chunk)).collect();
        cpu.for_each(&mut tasks, |_, (x, y)| {
            for (x, y) in x.chunks_exact(width).zip(y.chunks_exact_mut(width)) {
                floats::run(cpu.isa(), norm::RmsNorm { x, gain, eps: epsilon, y });
            }
        });
    };
    // SAFETY: `x` is whole rows, and the norm writes an element for each of a row.
    unsafe { cpu.filled(x.len(), write) }
}

/// `x += y`, the residual connection, in f32.
///
/// # Panics
/// If the lengths differ.
pub fn add_assign(cpu: &Machine, x: &mut [f32], y: &[f32]) {
    zip_tasks(cpu, x, y, |x, y| floats::run(cpu.isa(), pointwise::Add { x, y }));
}

/// `gate = activation(gate) * up`, in f32.
///
/// # Panics
/// If the lengths differ.
pub fn gated(cpu: &Machine, activation: GateActivation, gate: &mut [f32], up: &[f32]) {
    zip_tasks(cpu, gate, up, |gate, up| floats::run(cpu.isa(), pointwise::Gate { activation, gate, up }));
}

/// Row `id` of `table` for each of `ids`, decoded to f32; `x` is `[ids][cols]`.
///
/// # Panics
/// If `table` has no such row, or `x` has another length.
pub fn embed(cpu: &Machine, ids: impl ExactSizeIterator<Item = usize>, table: &Matrix, x: &mut [f32]) {
    assert_eq!(x.len(), product_of(&[ids.len(), table.cols()]), "a row for each id");
    let mut tasks: Vec<_> = ids.zip(x.chunks_exact_mut(table.cols())).collect();
    cpu.for_each(&mut tasks, |_, (id, row)| table.decode_row(*id, row));
}

/// Rotates all heads of each token in place ([`RopeTable`]): rotated elements of pair `i` come to lie at `i` and
/// `i + pairs` of their head, whichever elements were the pair. `x` is `[positions][width]`, heads of `head_dim`
/// elements side by side.
///
/// Source: RoFormer (arXiv 2104.09864), section 3.2.2.
///
/// # Panics
/// If `x` is not as many tokens as there are positions, a token is not whole heads, or a head has fewer elements than
/// the table rotates.
pub fn rope(
    cpu: &Machine,
    x: &mut [f32],
    (width, head_dim): (usize, usize),
    pairing: RopePairing,
    table: &RopeTable,
    positions: impl Iterator<Item = usize>,
) {
    if x.is_empty() {
        return;
    }
    assert!(width.is_multiple_of(head_dim), "whole heads of each token");
    let tokens = x.len() / width;
    let mut tasks: Vec<_> = x.chunks_exact_mut(width).zip(positions).collect();
    assert_eq!(tasks.len(), tokens, "a position for each token");
    cpu.for_each(&mut tasks, |_, (heads, position)| {
        let angles = table.angles(*position);
        let (cos, sin) = angles.split_at(angles.len() / 2);
        floats::run(cpu.isa(), Rotate { heads, head_dim, pairing, cos, sin });
    });
}

/// Keys and values of one layer in single precision, in the order in which attention reads them.
#[derive(Debug)]
pub struct KvCache {
    sequences: Vec<Pages>,
    width: usize,
}

impl KvCache {
    /// An empty cache of `batch` sequences of up to `capacity` positions.
    ///
    /// # Panics
    /// If memory does not hold so many.
    pub fn new(batch: usize, kv_heads: usize, capacity: usize, head_dim: usize) -> Self {
        let pages = batch * capacity.div_ceil(PAGE);
        let pool = PagePool::new(CacheType::F32, 1, kv_heads, head_dim, pages).expect("memory");
        let sequence = |_| {
            let (mut pages, fresh) = (Pages::new(&pool), pool.take(capacity.div_ceil(PAGE)).expect("memory"));
            pages.fill(0, capacity, &mut fresh.into_iter());
            pages
        };
        KvCache { sequences: (0..batch).map(sequence).collect(), width: kv_heads * head_dim }
    }

    /// Writes the keys and values of `positions` positions, `[batch][positions][kv_heads][head_dim]`, behind `past`.
    ///
    /// # Panics
    /// If they are beyond the capacity.
    pub fn write(&mut self, past: usize, positions: usize, keys: &[f32], values: &[f32]) {
        let length = (positions * self.width).max(1);
        let rows = keys.chunks_exact(length).zip(values.chunks_exact(length));
        for (pages, (keys, values)) in self.sequences.iter_mut().zip(rows) {
            pages.write(0, past, keys, values, self.width);
        }
    }
}

/// Causal grouped-query attention over keys and values in single precision: `softmax(q k^T / sqrt(head_dim)) v` for
/// each query head, over the positions of its sequence up to the query's own.
///
/// Source: Ainslie et al. 2023 (arXiv 2305.13245).
///
/// # Panics
/// If the lengths are not those of `shape`.
pub fn attention(cpu: &Machine, shape: AttentionShape<'_>, queries: &[f32], cache: &KvCache, outputs: &mut [f32]) {
    let sequences: Vec<&Pages> = cache.sequences.iter().collect();
    attention_over_pages(cpu, shape, queries, (&sequences, 0), outputs);
}

/// Runs `work` on equal parts of both slices, on several threads where they are long.
fn zip_tasks(cpu: &Machine, x: &mut [f32], y: &[f32], work: impl Fn(&mut [f32], &[f32]) + Send + Sync) {
    assert_eq!(x.len(), y.len(), "elements of two tensors of one shape");
    let mut tasks: Vec<_> = x.chunks_mut(ELEMENTS_PER_TASK).zip(y.chunks(ELEMENTS_PER_TASK)).collect();
    cpu.for_each(&mut tasks, |_, (x, y)| work(x, y));
}
