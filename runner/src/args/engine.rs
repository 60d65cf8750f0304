//! The arguments of commands whose texts are generated together: how the model is loaded, and how many texts there is
//! memory for.

use super::values::{activation_modes, cache_types, kept_triples, whole};
use super::{CpuArguments, FileArguments, QuantizeArguments, VocabularyArguments};
use clap::Args;
use std::num::NonZeroUsize;
use trine::kernels::{ActivationMode, CacheType};
use trine::model::KeepTriples;

/// How a model is loaded that many texts are generated with, and how many.
#[derive(Debug, Args)]
pub struct EngineArguments {
    /// Positions of a text [default: 4096, at most the model's].
    #[arg(short, long, value_name = "COUNT", value_parser = whole::<NonZeroUsize>, help_heading = "Work")]
    pub context: Option<NonZeroUsize>,
    /// Texts of full length that there is memory for; shorter ones need less.
    #[arg(long, value_name = "COUNT", default_value = "8", value_parser = whole::<NonZeroUsize>, help_heading = "Work")]
    pub texts: NonZeroUsize,
    /// Megabytes for the keys and values of all texts, in place of those for so many --texts.
    #[arg(long, value_name = "MEGABYTES", value_parser = whole::<NonZeroUsize>, conflicts_with = "texts",
          help_heading = "Work")]
    pub kv_memory: Option<NonZeroUsize>,
    /// Type of the keys and values in the cache.
    #[arg(long, value_name = "TYPE", default_value = "f16", value_parser = cache_types(), help_heading = "Work")]
    pub kv: CacheType,
    /// Most texts that are generated together.
    #[arg(long, value_name = "COUNT", default_value = "16", value_parser = whole::<NonZeroUsize>,
          help_heading = "Work")]
    pub max_seqs: NonZeroUsize,
    /// Activations of ternary matrices [default: what the model was trained for].
    #[arg(long, value_name = "MODE", value_parser = activation_modes(), help_heading = "Loading")]
    pub activations: Option<ActivationMode>,
    /// Find the likeliest tokens by a coarse copy of an F32, F16 or BF16 head, then compute their logits exactly: the
    /// same text, faster, for half of the head's bytes more memory.
    #[arg(long, help_heading = "Loading")]
    pub shortlist: bool,
    /// Decode from a copy of the ternary matrices that takes 1.69 bits a weight, on a machine with AVX-512 VNNI, where
    /// that turns out faster while loading, or always: the same text, for that much more memory.
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "faster",
          value_parser = kept_triples(), help_heading = "Loading")]
    pub triples: Option<KeepTriples>,
    #[command(flatten)]
    pub quantize: QuantizeArguments,
    #[command(flatten)]
    pub vocabulary: VocabularyArguments,
    #[command(flatten)]
    pub file: FileArguments,
    #[command(flatten)]
    pub cpu: CpuArguments,
}
