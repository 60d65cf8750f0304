//! How a model is opened.

use super::error::EngineError;
use crate::description::Config;
use crate::weights::{Adapter, KeepTriples, LoadOptions, MakeShortlist, Quantize};
use std::num::NonZeroUsize;
use trine_kernels::{ActivationMode, CacheType};
use trine_loader::Access;
use trine_ops::Cpu;
use trine_text::TokenizerOptions;

/// How a model is opened, where the defaults are not what is wanted: `EngineOptions { context: Some(n),
/// ..EngineOptions::default() }`.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// The machine, which engines may share; `None` starts a thread for each physical core.
    pub cpu: Option<Cpu>,
    /// Whether files are mapped or copied.
    pub access: Access,
    /// Positions that a sequence may have; `None` is 4096, or those of the model where they are less.
    pub context: Option<NonZeroUsize>,
    /// Sequences of full length that there is memory for. Shorter ones need less, and what they share is there once.
    pub sequences: NonZeroUsize,
    /// Bytes for the keys and values of all sequences, in place of those for so many `sequences`: whole pages of them,
    /// at least one.
    pub cache_bytes: Option<usize>,
    /// The type of cached keys and values.
    pub cache: CacheType,
    /// Quantize float matrices that are not ternary; `None` runs them as they are.
    pub quantize: Option<Quantize>,
    /// Activations of ternary matrices; `None` is the default of the packing and architecture.
    pub activations: Option<ActivationMode>,
    /// Adapters of low rank, which run beside the matrices.
    pub adapters: Vec<Adapter>,
    /// Whether the largest logits are found by a coarse copy of a float head: the same tokens, faster, for half of the
    /// head's bytes more memory.
    pub shortlist: bool,
    /// Copies of ternary matrices that decoding reads instead, where the machine can; `None` makes none.
    pub triples: Option<KeepTriples>,
    /// How text becomes tokens, where the file does not say it.
    pub tokenizer: TokenizerOptions,
}

/// Positions of a sequence where none are asked for.
const CONTEXT: usize = 4096;

impl Default for EngineOptions {
    /// All cores, mapped files, memory for eight sequences of 4096 positions in half precision.
    fn default() -> Self {
        EngineOptions {
            cpu: None,
            access: Access::Map,
            context: None,
            sequences: NonZeroUsize::new(8).expect("eight"),
            cache_bytes: None,
            cache: CacheType::F16,
            quantize: None,
            activations: None,
            adapters: Vec::new(),
            shortlist: false,
            triples: None,
            tokenizer: TokenizerOptions::default(),
        }
    }
}

impl EngineOptions {
    /// Positions of a sequence of this model.
    pub(super) fn context_of(&self, config: &Config) -> Result<usize, EngineError> {
        match self.context.map(NonZeroUsize::get) {
            None => Ok(CONTEXT.min(config.context)),
            Some(asked) if asked <= config.context => Ok(asked),
            Some(asked) => Err(EngineError::Context { asked, context: config.context }),
        }
    }

    pub(super) fn load_options(&self) -> LoadOptions<'_> {
        let shortlist = self.shortlist.then_some(MakeShortlist { progress: None });
        let EngineOptions { quantize, activations, triples, ref adapters, .. } = *self;
        LoadOptions { quantize, activations, shortlist, triples, adapters, ..LoadOptions::default() }
    }
}
