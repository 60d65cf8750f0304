//! The keys of a GGUF file that say which blocks attend within a window.
//!
//! What belongs here: reading these keys. What does not: what the numbers mean ([`Sliding`]).

use super::Keys;
use crate::description::{ConfigError, RopeConfig, Sliding, SlidingOrder};
use std::num::NonZeroUsize;
use trine_loader::{Array, Value};

pub(super) const WINDOW: &str = "attention.sliding_window";
const PATTERN: &str = "attention.sliding_window_pattern";
const BASE: &str = "rope.freq_base_swa";
const ROTATED: &str = "rope.dimension_count_swa";

impl Keys<'_> {
    /// The window, where the model has one.
    pub(super) fn sliding(&self, blocks: usize, rope: &RopeConfig) -> Result<Option<Sliding>, ConfigError> {
        let graph = self.architecture.graph();
        // Where a window decides what rotates, there is no model without one.
        let window = if graph.global_unrotated { Some(self.count(WINDOW)? as u32) } else { self.number(WINDOW)? };
        let window = window.and_then(|window| NonZeroUsize::new(window as usize));
        let Some(window) = window.filter(|_| graph.slides) else { return Ok(None) };
        if let Some(found) = self.number(ROTATED)?.filter(|found| *found as usize != rope.rotated) {
            return Err(self.value(ROTATED, found, format!("{}, as in blocks without a window", rope.rotated)));
        }
        let order = match self.file.metadata().get(&self.key(PATTERN)) {
            Some(Value::Array(Array::Bool(listed))) if listed.len() == blocks => SlidingOrder::Listed(listed.clone()),
            Some(Value::Array(Array::Bool(listed))) => {
                let found = format!("a list of {}", listed.len());
                return Err(self.value(PATTERN, found, format!("one entry for each of {blocks} blocks")));
            }
            found if graph.global_unrotated => {
                let found = if found.is_some() { "no list of truths" } else { "missing" };
                return Err(self.value(PATTERN, found, format!("one truth for each of {blocks} blocks")));
            }
            _ => {
                let interval = self.count_or(PATTERN, Sliding::USUAL_INTERVAL.get())?;
                SlidingOrder::GlobalEvery(NonZeroUsize::new(interval).unwrap_or(Sliding::USUAL_INTERVAL))
            }
        };
        let usual = if graph.global_unrotated { rope.base } else { Sliding::USUAL_BASE };
        let base = self.positive(BASE, Some(usual))?;
        if base < 1.0 {
            return Err(self.value(BASE, base, "at least 1"));
        }
        Ok(Some(Sliding { window, order, base }))
    }
}

/// The keys of a window.
pub(super) fn keys(sliding: &Sliding) -> Vec<(&'static str, Value)> {
    let order = match &sliding.order {
        SlidingOrder::GlobalEvery(interval) => Value::U32(interval.get() as u32),
        SlidingOrder::Listed(listed) => Value::Array(Array::Bool(listed.clone())),
    };
    vec![(WINDOW, Value::U32(sliding.window.get() as u32)), (PATTERN, order), (BASE, Value::F32(sliding.base))]
}
