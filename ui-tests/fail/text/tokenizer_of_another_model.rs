//! A text becomes tokens by the tokenizer of the draft model, and the target is fed with them.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn tell<M: Model, N: Model>(
    session: &mut Session<M>,
    of_target: &ModelTokenizer<M>,
    of_draft: &ModelTokenizer<N>,
) -> Result<(), Box<dyn std::error::Error>> {
    session.feed(&of_draft.prompt("Once upon a time")?)?;
    Ok(())
}

fn main() {}
