//! Exceptions of the package, and which errors of the library they are. What does not belong here: their texts, which
//! are the library's.

use pyo3::PyErr;
use pyo3::create_exception;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use trine::model::{EngineError, GenerateError, StepError};
use trine_server::ApiError;

create_exception!(trine, TrineError, PyValueError, "What Trine refuses. Its text is one line.");
create_exception!(trine, FileError, TrineError, "A file that is no model, or none that can be run.");
create_exception!(
    trine,
    TemplateError,
    TrineError,
    "A conversation that the chat template cannot write, or no template."
);
create_exception!(trine, ContextFull, TrineError, "More tokens than the context has positions.");
create_exception!(trine, ShapeError, TrineError, "Names of axes that are not those of an array.");

/// An error of the library that concerns no file.
pub fn other(error: impl std::fmt::Display) -> PyErr {
    TrineError::new_err(error.to_string())
}

/// An error of a file.
pub fn of_file(error: impl std::fmt::Display) -> PyErr {
    FileError::new_err(error.to_string())
}

/// A fault of Trine itself.
pub fn internal(message: &str) -> PyErr {
    PyRuntimeError::new_err(message.to_owned())
}

/// An error of an engine.
pub fn of_engine(error: &EngineError) -> PyErr {
    let text = error.to_string();
    match error {
        EngineError::Source(_) | EngineError::Gguf(_) | EngineError::Config(_) | EngineError::Load(_) => of_file(text),
        EngineError::NoTemplate { .. } | EngineError::Chat(_) => TemplateError::new_err(text),
        EngineError::Context { .. } => ContextFull::new_err(text),
        EngineError::Session(error) | EngineError::Generate(GenerateError::Session(error)) => of_step(error),
        _ => TrineError::new_err(text),
    }
}

/// An error of a step.
pub fn of_step(error: &StepError) -> PyErr {
    match error {
        StepError::ContextFull { .. } => ContextFull::new_err(error.to_string()),
        _ => other(error),
    }
}

/// An error of the server, by its code.
pub fn of_api(error: &ApiError) -> PyErr {
    of_code(error.code, error.message.clone())
}

/// The same where it is known as a document.
pub fn of_code(code: &str, message: String) -> PyErr {
    match code {
        "context_length_exceeded" => ContextFull::new_err(message),
        "template_error" | "no_chat_template" | "tools_unsupported" => TemplateError::new_err(message),
        "internal" => internal(&message),
        _ => TrineError::new_err(message),
    }
}
