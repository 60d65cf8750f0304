//! `trine synth`: a model of random weights with the dimensions of a real one.

use crate::args::SynthArguments;
use crate::load;
use crate::message::Usage;
use crate::outcome::{Outcome, check_output};
use anyhow::Result;
use std::num::NonZeroUsize;
use trine::model::{MixerKind, Synthetic};
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
    let config = &mut synthetic.config;
    let like = config.dims;
    let blocks = or(arguments.blocks, like.blocks());
    let attention_layers = config.layers.count(blocks, MixerKind::Attention);
    let recurrent = match config.layers.count(blocks, MixerKind::Recurrent) {
        0 => Recurrent::NONE,
        layers => Recurrent { layers, ..like.recurrent },
    };
    if attention_layers == 0 {
        let needed = "a model has a block with attention: every fourth one of these";
        return Err(Usage(format!("--blocks {blocks} is too few: {needed}")).into());
    }
    let dims = Dims::new(Sizes {
        vocab: or(arguments.vocab, like.vocab),
        hidden: or(arguments.hidden, like.hidden),
        ffn: or(arguments.ffn, like.ffn),
        heads: or(arguments.heads, like.heads()),
        kv_heads: or(arguments.kv_heads, like.kv_heads),
        head_dim: or(arguments.head_dim, like.head_dim),
        attention_layers,
    });
    config.dims = dims.and_then(|dims| dims.with_recurrent(recurrent)).map_err(|error| Usage(error.to_string()))?;
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
