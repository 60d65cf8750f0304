//! The keys of a GGUF file that say which blocks attend within a window.
//!
//! What belongs here: reading these keys. What does not: what the numbers mean ([`Sliding`]).

use super::Keys;
use crate::description::{ConfigError, Sliding, SlidingOrder};
use std::num::NonZeroUsize;
use trine_loader::{Array, Value};

pub(super) const WINDOW: &str = "attention.sliding_window";
const PATTERN: &str = "attention.sliding_window_pattern";
const BASE: &str = "rope.freq_base_swa";

impl Keys<'_> {
    /// The window, where the model has one.
    pub(super) fn sliding(&self, blocks: usize) -> Result<Option<Sliding>, ConfigError> {
        let window = self.number(WINDOW)?.and_then(|window| NonZeroUsize::new(window as usize));
        let Some(window) = window.filter(|_| self.architecture.graph().slides) else { return Ok(None) };
        let order = match self.file.metadata().get(&self.key(PATTERN)) {
            Some(Value::Array(Array::Bool(listed))) if listed.len() == blocks => SlidingOrder::Listed(listed.clone()),
            Some(Value::Array(Array::Bool(listed))) => {
                let found = format!("a list of {}", listed.len());
                return Err(self.value(PATTERN, found, format!("one entry for each of {blocks} blocks")));
            }
            _ => {
                let interval = self.count_or(PATTERN, Sliding::USUAL_INTERVAL.get())?;
                SlidingOrder::GlobalEvery(NonZeroUsize::new(interval).unwrap_or(Sliding::USUAL_INTERVAL))
            }
        };
        let base = self.positive(BASE, Some(Sliding::USUAL_BASE))?;
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
