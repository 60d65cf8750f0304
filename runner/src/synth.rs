//! `trine synth`: a model of random weights with the dimensions of a real one.

use crate::args::SynthArguments;
use crate::load;
use crate::message::Usage;
use crate::outcome::{Outcome, check_output};
use anyhow::Result;
use std::num::NonZeroUsize;
use trine::model::Synthetic;
use trine::shapes::{Dims, Recurrent, Sizes};

/// Runs the command.
///
/// # Errors
/// The dimensions contradict each other or the types, or the output cannot be written.
pub fn synth(arguments: &SynthArguments) -> Result<Outcome> {
    check_output(&arguments.output)?;
    described(arguments)?.writer_on(&load::cpu(&arguments.cpu)?)?.write_file(&arguments.output)?;
    Ok(Outcome::Done)
}

/// The model that the arguments describe.
fn described(arguments: &SynthArguments) -> Result<Synthetic> {
    let mut synthetic = arguments.like.clone();
    let or = |given: Option<NonZeroUsize>, like: usize| given.map_or(like, NonZeroUsize::get);
    if let Some(blocks) = arguments.blocks {
        synthetic = with_blocks(synthetic, blocks)?;
    }
    let config = &mut synthetic.config;
    let like = config.dims;
    let dims = Dims::new(Sizes {
        vocab: or(arguments.vocab, like.vocab),
        hidden: or(arguments.hidden, like.hidden),
        ffn: or(arguments.ffn, like.ffn),
        heads: or(arguments.heads, like.heads()),
        kv_heads: or(arguments.kv_heads, like.kv_heads),
        head_dim: or(arguments.head_dim, like.head_dim),
        attention_layers: like.attention_layers,
    });
    let dims = dims.and_then(|dims| dims.with_recurrent(like.recurrent)?.with_experts(like.experts));
    config.dims = dims.map_err(|error| Usage(error.to_string()))?;
    let architecture = arguments.architecture.unwrap_or(config.architecture);
    config.architecture = architecture;
    if !config.graph().hybrid && config.dims.recurrent != Recurrent::NONE {
        let needed = "blocks with the delta rule, which the model of --like has, are of `qwen35` alone";
        return Err(Usage(format!("--architecture {}: {needed}", config.architecture)).into());
    }
    config.context = or(arguments.context, config.context);
    // Where a part of each head rotates, the same part of another head does.
    config.rope.rotated = config.dims.head_dim * config.rope.rotated / like.head_dim / 2 * 2;
    let matrices = arguments.matrices.unwrap_or(synthetic.matrices);
    let table = arguments.table.unwrap_or(synthetic.table);
    Ok(Synthetic { matrices, table, seed: arguments.seed, ..synthetic }.with_architecture(architecture))
}

/// The model with another number of blocks.
///
/// # Errors
/// No block has attention.
pub(crate) fn with_blocks(like: Synthetic, blocks: NonZeroUsize) -> Result<Synthetic, Usage> {
    const NEEDED: &str = "a model has a block with attention: every fourth one of these";
    like.with_blocks(blocks.get()).ok_or_else(|| Usage(format!("--blocks {blocks} is too few: {NEEDED}")))
}
