//! The form that an answer is kept to, where a request asks for one: what else of the request goes with it. What does
//! not belong here: how a request asks for it (`request`), and which tokens may follow (`grammar`).

use crate::error::ApiError;
use crate::grammar::{Begins, Constraint};
use crate::request::{Ending, Structured};

/// The form of an answer that begins so.
///
/// # Errors
/// The request asks for more, or for other ends, than a form has.
pub fn constraint(form: Option<Structured>, begins: Begins, ending: &Ending) -> Result<Option<Constraint>, ApiError> {
    let Some(form) = form else { return Ok(None) };
    let why = format!("together with `{}`: a text of a form ends where the form does", form.param);
    if ending.ignore_eos {
        return Err(ApiError::unsupported("ignore_eos", &why));
    }
    if ending.min_tokens > 0 {
        return Err(ApiError::unsupported("min_tokens", &why));
    }
    Ok(Some(Constraint { form, begins }))
}
