//! `trine synth`: a model of random weights with the dimensions of a real one.

use crate::args::SynthArguments;
use crate::load;
use crate::message::Usage;
use crate::outcome::{Outcome, check_output};
use anyhow::Result;
use std::num::NonZeroUsize;
use trine::model::Synthetic;
use trine::shapes::{Dims, Sizes};

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
    config.dims = Dims::new(Sizes {
        vocab: or(arguments.vocab, like.vocab),
        hidden: or(arguments.hidden, like.hidden),
        ffn: or(arguments.ffn, like.ffn),
        heads: or(arguments.heads, like.heads()),
        kv_heads: or(arguments.kv_heads, like.kv_heads),
        head_dim: or(arguments.head_dim, like.head_dim),
        attention_layers: or(arguments.blocks, like.blocks()),
    })
    .map_err(|error| Usage(error.to_string()))?;
    config.architecture = arguments.architecture.unwrap_or(config.architecture);
    config.context = or(arguments.context, config.context);
    config.rope.rotated = config.dims.head_dim;
    let matrices = arguments.matrices.unwrap_or(synthetic.matrices);
    let table = arguments.table.unwrap_or(synthetic.table);
    Ok(Synthetic { matrices, table, seed: arguments.seed, ..synthetic })
}
