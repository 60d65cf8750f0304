//! Text as tokens and conversations as text. What does not belong here: how it is done (`trine-text`).

use crate::errors::{of_engine, other};
use pyo3::prelude::*;
use serde_json::{Map, Value};
use trine::model::{EncodeOptions, Engine};

/// The ids of a text.
///
/// # Errors
/// The vocabulary cannot express it.
pub fn encode(engine: &Engine, text: &str, add_bos: bool, parse_special: bool) -> PyResult<Vec<u32>> {
    let options = EncodeOptions { add_bos, add_eos: false, parse_special };
    engine.tokenizer().encode(text, options).map_err(other)
}

/// The text of ids.
///
/// # Errors
/// One of them is beyond the vocabulary.
pub fn decode(engine: &Engine, ids: &[u32], show_special: bool) -> PyResult<String> {
    engine.tokenizer().decode(ids, show_special).map_err(other)
}

/// A conversation in the form of the chat template. `variables` is a document of all that the template is given.
///
/// # Errors
/// The model has no template, or it refuses the conversation.
pub fn conversation(engine: &Engine, variables: &str) -> PyResult<(String, Vec<u32>)> {
    let variables: Map<String, Value> = serde_json::from_str(variables).map_err(other)?;
    let template = engine.chat_template().map_err(|error| of_engine(&error))?;
    let refused = |error| of_engine(&trine::model::EngineError::Chat(error));
    let text = template.render_with(&variables).map_err(refused)?;
    let ids = template.encode_with(engine.tokenizer(), &variables, None).map_err(refused)?;
    Ok((text, ids))
}
