//! One pass with how large the values of its parts are. What does not belong here: pictures.

use crate::errors::{of_step, other};
use pyo3::PyResult;
use trine::kernels::CacheType;
use trine::model::{Engine, Opened, PartValues, Session, Visit};
use trine::ops::Cpu;
use trine::shapes::Model;

/// The block, the part, the root mean square and the largest absolute value.
pub type Row = (Option<usize>, String, f64, f32);

struct Pass<'p> {
    cpu: &'p Cpu,
    ids: &'p [u32],
}

impl Visit for Pass<'_> {
    type Out = PyResult<Vec<PartValues>>;

    fn visit<M: Model>(self, opened: &Opened<M>) -> Self::Out {
        let mut session =
            Session::new(opened.transformer(), self.cpu, self.ids.len(), CacheType::F32).map_err(other)?;
        let tokens = session.tokens_of(self.ids).map_err(other)?;
        trine::model::trace(&mut session, &tokens).map_err(|error| of_step(&error))
    }
}

/// The rows of a pass over these tokens, in the order of the parts.
///
/// # Errors
/// There is no token, one that the vocabulary does not have, or more than there are positions.
pub fn rows(engine: &Engine, ids: &[u32]) -> PyResult<Vec<Row>> {
    let row = |values: &PartValues| (values.block, values.part.to_string(), values.rms, values.largest);
    Ok(engine.visit(Pass { cpu: engine.cpu(), ids })?.iter().map(row).collect())
}
