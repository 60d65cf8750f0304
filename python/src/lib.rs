//! The part of the Python package `trine` that is Rust: the module `trine._trine`.
//!
//! * `errors.rs`: exceptions, and which errors of the library they are;
//! * `owned.rs`: what does not survive a fork of the process;
//! * `wait.rs`: waiting without the interpreter, and so that Ctrl-C ends it;
//! * `engine.rs`: an opened model;
//! * `choices.rs`, `event.rs`, `notify.rs`: texts that are generated, for loops and for coroutines;
//! * `conversation.rs`: OpenAI's dictionaries, answered by the server without a network;
//! * `batch.rs`: shards of requests;
//! * `session.rs`, `arrays.rs`: one sequence and its logits as arrays with named axes;
//! * `embeddings.rs`: rows that stand for texts;
//! * `tokenizer.rs`: text as tokens;
//! * `files.rs`, `trace.rs`: what is done with files and with single passes, as documents.
//!
//! What belongs here: what crosses the border to Python, and how long it keeps the interpreter. What does not: how the
//! package looks from Python (`trine/*.py`), and everything that models do.
#![forbid(unsafe_code)]

mod arrays;
mod batch;
mod choices;
mod conversation;
mod embeddings;
mod engine;
mod errors;
mod event;
mod files;
mod notify;
mod owned;
mod session;
mod tokenizer;
mod trace;
mod wait;

use pyo3::prelude::*;

/// The extension module.
#[pymodule]
fn _trine(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("TrineError", py.get_type::<errors::TrineError>())?;
    module.add("FileError", py.get_type::<errors::FileError>())?;
    module.add("TemplateError", py.get_type::<errors::TemplateError>())?;
    module.add("ContextFull", py.get_type::<errors::ContextFull>())?;
    module.add("ShapeError", py.get_type::<errors::ShapeError>())?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<choices::Choices>()?;
    module.add_class::<event::Event>()?;
    module.add_class::<conversation::Answer>()?;
    module.add_class::<batch::Batch>()?;
    module.add_class::<session::Session>()?;
    module.add_function(wrap_pyfunction!(files::inspect, module)?)?;
    module.add_function(wrap_pyfunction!(files::check, module)?)?;
    module.add_function(wrap_pyfunction!(files::convert, module)?)
}
