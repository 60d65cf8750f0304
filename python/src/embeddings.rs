//! Rows that stand for texts. What does not belong here: what a row is (`trine-model`), and comparing rows.

use crate::errors::{ContextFull, of_engine, other};
use crate::wait::Stop;
use pyo3::prelude::*;
use trine::model::{Engine, Prompt};
use trine::ops::Pooling;

/// Which row stands for a text, by its name in Python.
pub const POOLINGS: [(&str, Pooling); 2] = [("last", Pooling::Last), ("mean", Pooling::Mean)];

/// What is to be embedded.
#[derive(FromPyObject)]
pub enum Text {
    /// A text, which gets the tokens before and behind it that the vocabulary asks for.
    Text(String),
    /// Tokens, which stay as they are.
    Ids(Vec<u32>),
}

/// The row of each text, one behind the other; fewer rows where nobody waits for them any more.
///
/// # Errors
/// A text has no tokens or more than the context, or cannot be expressed; there is no memory.
pub fn rows(model: &Engine, texts: &[Text], pooling: Pooling, stop: &Stop) -> PyResult<Vec<f32>> {
    let wanted = texts.iter().enumerate().take_while(|_| !stop.is_set());
    let prompts: Vec<Prompt> = wanted.map(|(index, text)| prompt(model, index, text)).collect::<PyResult<_>>()?;
    let rows = model.embed(&prompts, pooling, &mut |_| !stop.is_set()).map_err(|error| of_engine(&error))?;
    Ok(rows.concat())
}

fn prompt(model: &Engine, index: usize, text: &Text) -> PyResult<Prompt> {
    let prompt = match text {
        Text::Text(text) => model.embedding_prompt(text),
        Text::Ids(ids) => model.prompt_of_ids(ids),
    };
    let prompt = prompt.map_err(|error| of_engine(&error))?;
    let (found, context) = (prompt.ids().len(), model.context());
    match found {
        0 => Err(other(format!("text {index} has no tokens: expected at least one"))),
        _ if found > context => {
            Err(ContextFull::new_err(format!("text {index} has {found} tokens, and the context {context}")))
        }
        _ => Ok(prompt),
    }
}
