//! Attention over the pages of some sequences. Its arithmetic is compiled here, once for each type of elements, and not
//! again for each program that calls it.

use super::Pages;
use crate::attention::page::CacheType;
use crate::attention::{AttentionShape, Place, attention};
use crate::machine::Machine;

/// Attention over what layer `layer` has in the pages of `sequences`, which are of one pool.
///
/// # Panics
/// If the lengths are not those of `shape`, or there are fewer pages than positions.
pub fn attention_over_pages(
    cpu: &Machine,
    shape: AttentionShape<'_>,
    queries: &[f32],
    (sequences, layer): (&[&Pages], usize),
    outputs: &mut [f32],
) {
    let Some(first) = sequences.first() else { return };
    let layout = first.pool().layout();
    let page = |place: Place| sequences[place.sequence].page(place.chunk);
    match layout.kind() {
        CacheType::F32 => {
            let head = |place: Place| layout.float_head::<f32>(page(place), layer, place.head);
            attention(cpu, shape, queries, head, outputs);
        }
        CacheType::F16 => {
            let head = |place: Place| layout.float_head::<[u8; 2]>(page(place), layer, place.head);
            attention(cpu, shape, queries, head, outputs);
        }
        CacheType::Q8 => {
            let head = |place: Place| layout.int8_head(page(place), layer, place.head);
            attention(cpu, shape, queries, head, outputs);
        }
    }
}
