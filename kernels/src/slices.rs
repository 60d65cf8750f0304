//! The operations of a transformer on plain slices, for programs that keep tensors of their own.
//!
//! Each is what the typed operation of the same name ([`crate::ops`]) hands its slices to; the product with a matrix is
//! [`Cpu::matmul`]. Lengths are asserted once a call, and nothing says what a slice means. What belongs here: cutting
//! work over threads. What does not: arithmetic (`float`), and axes.

use alloc::vec::Vec;

use crate::arch::floats;
use crate::cpu::Cpu;
use crate::float::attention::Place;
use crate::float::attention::page::{CacheType, PAGE, PageLayout};
use crate::float::{GateActivation, attention as cached, elementwise, norm};
use crate::slots::Slot;
use trine_shapes::Buffer;

pub use crate::float::attention::AttentionShape;

/// Rows of a norm for which it pays to ask other threads.
const ROWS_PER_TASK: usize = 8;

/// Elements for which it pays to ask another thread.
const ELEMENTS_PER_TASK: usize = 1 << 14;

/// `y = x / sqrt(mean(x^2) + epsilon) * gain` for each row, in f32; rows are as long as `gain`.
///
/// Source: Zhang and Sennrich 2019 (arXiv 1910.07467), equation 4.
///
/// # Panics
/// If `gain` is empty, or `x` is not whole rows.
pub fn rms_norm(cpu: &Cpu, x: &[f32], gain: &[f32], epsilon: f32) -> Buffer<f32> {
    let width = gain.len();
    assert!(x.len().is_multiple_of(width), "rows of {width} elements");
    let chunk = width * ROWS_PER_TASK;
    let write = |y: &mut [Slot]| {
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
pub fn add_assign(cpu: &Cpu, x: &mut [f32], y: &[f32]) {
    zip_tasks(cpu, x, y, |x, y| floats::run(cpu.isa(), elementwise::Add { x, y }));
}

/// `gate = activation(gate) * up`, in f32.
///
/// # Panics
/// If the lengths differ.
pub fn gated(cpu: &Cpu, activation: GateActivation, gate: &mut [f32], up: &[f32]) {
    zip_tasks(cpu, gate, up, |gate, up| floats::run(cpu.isa(), elementwise::Gate { activation, gate, up }));
}

/// Keys and values of one layer in single precision, in the order in which attention reads them.
#[derive(Debug)]
pub struct KvCache {
    layout: PageLayout,
    sequences: Vec<Vec<Vec<f32>>>,
    width: usize,
}

impl KvCache {
    /// An empty cache of `batch` sequences of up to `capacity` positions.
    ///
    /// # Panics
    /// If memory does not hold so many.
    pub fn new(batch: usize, kv_heads: usize, capacity: usize, head_dim: usize) -> Self {
        let layout = PageLayout::new(CacheType::F32, 1, kv_heads, head_dim).expect("a length");
        let sequence = vec![vec![0.0; layout.numbers()]; capacity.div_ceil(PAGE)];
        KvCache { layout, sequences: vec![sequence; batch], width: kv_heads * head_dim }
    }

    /// Writes the keys and values of `positions` positions, `[batch][positions][kv_heads][head_dim]`, behind `past`.
    ///
    /// # Panics
    /// If they are beyond the capacity.
    pub fn write(&mut self, past: usize, positions: usize, keys: &[f32], values: &[f32]) {
        let rows = keys.chunks_exact(self.width).zip(values.chunks_exact(self.width));
        for (row, (keys, values)) in rows.enumerate() {
            let (sequence, position) = (row / positions, past + row % positions);
            let page = &mut self.sequences[sequence][position / PAGE];
            self.layout.write(page, 0, position % PAGE, keys, values);
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
pub fn attention(cpu: &Cpu, shape: AttentionShape<'_>, queries: &[f32], cache: &KvCache, outputs: &mut [f32]) {
    let head =
        |place: Place| cache.layout.float_head::<f32>(&cache.sequences[place.sequence][place.chunk], 0, place.head);
    cached::attention(cpu, shape, queries, head, outputs);
}

/// Runs `work` on equal parts of both slices, on several threads where they are long.
fn zip_tasks(cpu: &Cpu, x: &mut [f32], y: &[f32], work: impl Fn(&mut [f32], &[f32]) + Send + Sync) {
    assert_eq!(x.len(), y.len(), "elements of two tensors of one shape");
    let mut tasks: Vec<_> = x.chunks_mut(ELEMENTS_PER_TASK).zip(y.chunks(ELEMENTS_PER_TASK)).collect();
    cpu.for_each(&mut tasks, |_, (x, y)| work(x, y));
}
