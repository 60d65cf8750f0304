//! `trine check --trace`: the root mean square of every part of a forward pass, so that a tensor in a wrong role shows
//! where values first go astray.

use crate::load::Program;
use crate::table::table;
use crate::terminal;
use anyhow::Result;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use trine::kernels::CacheType;
use trine::model::inspect::number;
use trine::model::{LogitsRequest, Part, Session, Transformer};
use trine::ops::Cpu;
use trine::shapes::Model;

/// A forward pass over a prompt.
pub struct Trace<'t> {
    /// The machine.
    pub cpu: &'t Cpu,
    /// The tokens of the prompt; at least one.
    pub ids: &'t [u32],
}

/// The values of a part, over all positions.
struct Seen {
    block: Option<usize>,
    part: Part,
    squares: f64,
    largest: f32,
    count: usize,
}

impl Seen {
    fn add(&mut self, values: &[f32]) {
        self.squares += values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>();
        self.largest = values.iter().fold(self.largest, |largest, value| largest.max(value.abs()));
        self.count += values.len();
    }

    fn row(&self) -> [String; 4] {
        let block = self.block.map_or_else(|| "-".to_owned(), |block| block.to_string());
        let rms = (self.squares / self.count as f64).sqrt();
        [block, self.part.to_string(), number(rms, 4), number(self.largest.into(), 4)]
    }
}

impl Program for Trace<'_> {
    type Out = ();

    fn run<M: Model>(self, model: &Arc<Transformer<M>>) -> Result<()> {
        let mut seen: Vec<Seen> = Vec::new();
        let mut session = Session::new(model, self.cpu, self.ids.len(), CacheType::F32)?;
        let tokens = session.tokens_of(self.ids)?;
        session.feed_watched(&tokens, LogitsRequest::All, &mut |block, part, values| {
            // A long prompt passes in several steps.
            let known = seen.iter().position(|seen| (seen.block, seen.part) == (block, part));
            let at = known.unwrap_or(seen.len());
            if known.is_none() {
                seen.push(Seen { block, part, squares: 0.0, largest: 0.0, count: 0 });
            }
            seen[at].add(values);
        })?;
        let mut out = BufWriter::new(terminal::output());
        writeln!(out, "forward pass over {} tokens", self.ids.len())?;
        let header = ["block", "part", "RMS", "largest"].map(str::to_owned);
        table(&mut out, &std::iter::once(header).chain(seen.iter().map(Seen::row)).collect::<Vec<_>>())?;
        Ok(out.flush()?)
    }
}
