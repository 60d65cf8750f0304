//! Answers of a form: which tokens may follow. What does not belong here: how a request asks for it (`request`).

use crate::error::ApiError;
use crate::request::Structured;

/// Refuses a form that answers are to have.
///
/// # Errors
/// The request asks for one.
pub fn refuse(structured: Option<&Structured>) -> Result<(), ApiError> {
    match structured {
        Some(Structured { param, .. }) => Err(ApiError::unsupported(param, "this server keeps no text to a form")),
        None => Ok(()),
    }
}
