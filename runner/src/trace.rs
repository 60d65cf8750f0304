//! `trine check --trace`: the root mean square of every part of a forward pass, so that a tensor in a wrong role shows
//! where values first go astray. What does not belong here: the numbers, which are the library's; the picture
//! (`heat.rs`).

use crate::load::Program;
use crate::table::table;
use crate::terminal;
use anyhow::Result;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use trine::kernels::CacheType;
use trine::model::inspect::number;
use trine::model::{PartValues, Session, Transformer};
use trine::ops::Cpu;
use trine::shapes::Model;

/// A forward pass over a prompt.
pub struct Trace<'t> {
    /// The machine.
    pub cpu: &'t Cpu,
    /// The tokens of the prompt; at least one.
    pub ids: &'t [u32],
}

impl Program for Trace<'_> {
    type Out = Vec<PartValues>;

    fn run<M: Model>(self, model: &Arc<Transformer<M>>) -> Result<Vec<PartValues>> {
        let mut session = Session::new(model, self.cpu, self.ids.len(), CacheType::F32)?;
        let tokens = session.tokens_of(self.ids)?;
        Ok(trine::model::trace(&mut session, &tokens)?)
    }
}

/// Prints a row for each part of a pass over so many tokens.
///
/// # Errors
/// The output cannot be written.
pub fn print(values: &[PartValues], tokens: usize) -> Result<()> {
    let row = |values: &PartValues| {
        let block = values.block.map_or_else(|| "-".to_owned(), |block| block.to_string());
        [block, values.part.to_string(), number(values.rms, 4), number(values.largest.into(), 4)]
    };
    let header = ["block", "part", "RMS", "largest"].map(str::to_owned);
    let mut out = BufWriter::new(terminal::output());
    writeln!(out, "forward pass over {tokens} tokens")?;
    table(&mut out, &std::iter::once(header).chain(values.iter().map(row)).collect::<Vec<_>>())?;
    Ok(out.flush()?)
}
