//! Arguments that many commands share: how a file is opened and loaded, and what the computation runs on.

use super::values::{
    activation_modes, groups, head_types, i2s_packings, instruction_sets, kept_triples, pre_tokenizers, quantizers,
    whole,
};
use clap::Args;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use trine::kernels::packing::I2sPacking;
use trine::kernels::{ActivationMode, Isa, PackingKind};
use trine::model::{GroupSize, KeepTriples, Quantize};

/// How a file is opened.
#[derive(Debug, Args)]
#[command(next_help_heading = "Loading")]
pub struct FileArguments {
    /// Read the file into memory instead of mapping it: it may change while it is in use.
    #[arg(long)]
    pub no_mmap: bool,
}

/// How the vocabulary is taken from a file.
#[derive(Debug, Args)]
#[command(next_help_heading = "Loading")]
pub struct VocabularyArguments {
    /// Split text as this pre-tokenizer does, instead of the one that the file names.
    #[arg(long, value_name = "NAME", value_parser = pre_tokenizers(), hide_possible_values = true)]
    pub pre: Option<String>,
}

/// How a file is loaded.
#[derive(Debug, Args)]
#[command(next_help_heading = "Loading")]
pub struct LoadArguments {
    /// Activations of ternary matrices, f32 of all [default: what the model was trained for].
    #[arg(long, value_name = "MODE", value_parser = activation_modes())]
    pub activations: Option<ActivationMode>,
    /// How I2_S tensors are packed: files quantized on ARM, or on x86 without ACT_PARALLEL, look like any other.
    #[arg(long, value_name = "PACKING", default_value = "x86", value_parser = i2s_packings())]
    pub i2s_packing: I2sPacking,
    /// Type of the output head, rounded to it while loading [default: the file's].
    #[arg(long, value_name = "TYPE", value_parser = head_types())]
    pub head: Option<PackingKind>,
    /// Find the likeliest tokens by a coarse copy of an F32, F16 or BF16 head, then compute their logits exactly: the
    /// same text, faster, for half of the head's bytes more memory.
    #[arg(long)]
    pub shortlist: bool,
    /// Decode from a copy of the ternary matrices that takes 1.69 bits a weight, on a machine with AVX-512 VNNI, where
    /// that turns out faster while loading, or always: the same text, for that much more memory.
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "faster",
          value_parser = kept_triples())]
    pub triples: Option<KeepTriples>,
    #[command(flatten)]
    pub quantize: QuantizeArguments,
    /// Correct the file as this policy orders for its SHA-256; docs/judging.md describes policies.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    #[command(flatten)]
    pub adapters: AdapterArguments,
    #[command(flatten)]
    pub vocabulary: VocabularyArguments,
    #[command(flatten)]
    pub access: FileArguments,
}

/// Adapters of the matrices of blocks.
#[derive(Debug, Args)]
pub struct AdapterArguments {
    /// An adapter of low rank: a directory as HF PEFT saves it, or a GGUF file; several are added. It runs beside the
    /// matrices.
    #[arg(long = "lora", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// What multiplies each adapter, in the order of --lora [default: 1].
    #[arg(long = "lora-scale", value_name = "NUMBER", requires = "paths", allow_negative_numbers = true)]
    pub strengths: Vec<f32>,
    /// Add adapters to the matrices while loading; only F32, F16 and BF16 ones can take them.
    #[arg(long, requires = "paths")]
    pub merge_lora: bool,
}

/// How matrices of blocks that are not ternary or binary become ternary.
#[derive(Clone, Copy, Debug, Args)]
pub struct QuantizeArguments {
    /// Quantize matrices of blocks that are not ternary or binary.
    #[arg(long, value_name = "METHOD", value_parser = quantizers())]
    quantize: Option<Quantize>,
    /// Columns that share a scale where matrices are quantized [default: all of the matrix].
    #[arg(long, value_name = "COLUMNS", value_parser = groups(), requires = "quantize")]
    group: Option<GroupSize>,
}

impl QuantizeArguments {
    /// The quantizer that was asked for.
    pub fn chosen(self) -> Option<Quantize> {
        self.quantize.map(|whole| self.group.map_or(whole, Quantize::AbsmeanOfGroups))
    }
}

/// What the computation runs on.
#[derive(Debug, Args)]
#[command(next_help_heading = "Machine")]
pub struct CpuArguments {
    /// Number of threads [default: one for each physical core].
    #[arg(short, long, value_name = "COUNT", value_parser = whole::<NonZeroUsize>)]
    pub threads: Option<NonZeroUsize>,
    /// Instruction set [default: the best that the machine has].
    #[arg(long, value_name = "NAME", value_parser = instruction_sets())]
    pub isa: Option<Isa>,
}
