//! `trine bench`: how fast a model runs, which part of it takes how long, and what the machine could do.
//!
//! What belongs here: the model and the order of the tests. What does not: measuring ([`measure`]), what follows from
//! the times ([`report`]), and showing it ([`table`] for people, [`json`] for programs).

mod json;
mod measure;
mod report;
mod table;

use crate::args::BenchArguments;
use crate::document;
use crate::load::{self, Program};
use crate::message::{Usage, note};
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::synth::with_blocks;
use crate::terminal;
use anyhow::{Context, Result};
use bytes::Bytes;
use measure::{Limits, Run, Sequences, Test};
use memmap2::MmapMut;
use report::Report;
use std::io::{BufWriter, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;
use trine::loader::Gguf;
use trine::model::{Source, Transformer};
use trine::ops::Cpu;
use trine::shapes::Model;

/// Runs the command.
///
/// # Errors
/// The model does not load or has too few positions, or the output cannot be written.
pub fn bench(arguments: &BenchArguments) -> Result<Outcome> {
    let cpu = load::cpu(&arguments.cpu)?;
    let file: Box<dyn Source> = match &arguments.file {
        Some(path) => load::open(Some(path), &arguments.load.access)?,
        None => Box::new(synthetic(arguments)?),
    };
    let report =
        load::with_model(&*file, &arguments.load, &cpu, Bench { arguments, cpu: &cpu, started: Instant::now() })?;
    if arguments.json {
        document::print(&json::document(&report))?;
    } else {
        let mut out = BufWriter::new(terminal::output());
        table::print(&mut out, &report)?;
        out.flush()?;
    }
    Ok(Outcome::Done)
}

/// The model of random weights that the arguments describe.
fn synthetic(arguments: &BenchArguments) -> Result<Gguf> {
    let mut model = arguments.like.clone();
    model.matrices = arguments.weights.unwrap_or(model.matrices);
    model.table = arguments.table.unwrap_or(model.table);
    if let Some(blocks) = arguments.blocks {
        model = with_blocks(model, blocks)?;
    }
    note(&format!("making a model of random weights, {} and {}", model.matrices, model.table));
    let mut file = Vec::new();
    model.writer()?.write_to(&mut file)?;
    Ok(Gguf::from_bytes("synthetic model", as_mapped(file)?)?)
}

/// The bytes of a file in memory that lies as that of a mapped file does, which is in small pages where no other
/// program has asked for large ones.
fn as_mapped(file: Vec<u8>) -> Result<Bytes> {
    let mut memory = MmapMut::map_anon(file.len()).context("no memory for the model")?;
    #[cfg(target_os = "linux")]
    {
        // Where the system has no huge pages, all are small.
        let _ = memory.advise(memmap2::Advice::NoHugePage);
    }
    memory.copy_from_slice(&file);
    Ok(Bytes::from_owner(memory.make_read_only()?))
}

struct Bench<'b> {
    arguments: &'b BenchArguments,
    cpu: &'b Cpu,
    started: Instant,
}

impl Program for Bench<'_> {
    type Out = Report;

    fn run<M: Model>(self, model: &Arc<Transformer<M>>) -> Result<Report> {
        let Bench { arguments, cpu, started } = self;
        let load_time = started.elapsed();
        let tests = tests(arguments)?;
        let positions = tests.iter().map(|test| test.positions()).max().unwrap_or(1);
        let context = model.config.context;
        if positions > context {
            return Err(Usage(format!("a test takes {positions} positions, and the model has {context}")).into());
        }
        let mut sequences = Sequences::new(model, cpu, arguments.kv, &tests)?;
        // All pages of the weights come into memory.
        sequences.run(Test::Decode { tokens: 1, depth: 0 })?;
        let mut limits = Limits::new()?;
        let mut runs: Vec<Vec<Run>> = tests.iter().map(|_| Vec::new()).collect();
        let progress = Progress::new("measuring");
        let rounds = arguments.repetitions.get();
        for round in 0..rounds {
            limits.measure(cpu);
            for (index, (test, runs)) in tests.iter().zip(&mut runs).enumerate() {
                progress.set(round * tests.len() + index, rounds * tests.len());
                runs.push(sequences.run(*test)?);
            }
        }
        limits.measure(cpu);
        drop(progress);
        let machine = (cpu, arguments.kv, sequences.position_bytes);
        Ok(Report::new(model, machine, load_time, &limits, tests.into_iter().zip(runs).collect()))
    }
}

/// What the arguments ask for.
fn tests(arguments: &BenchArguments) -> Result<Vec<Test>> {
    let BenchArguments { decode, depth, .. } = *arguments;
    if decode == 0 && !arguments.batch.is_empty() {
        return Err(Usage("--batch takes as many steps as --decode says, which is 0".to_owned()).into());
    }
    let prompts = arguments.prompt.iter().filter(|tokens| **tokens > 0).map(|&tokens| Test::Prompt { tokens });
    let decode_alone = (decode > 0).then_some(Test::Decode { tokens: decode, depth });
    let together = |sequences: &NonZeroUsize| Test::Batch { sequences: sequences.get(), steps: decode, depth };
    Ok(prompts.chain(decode_alone).chain(arguments.batch.iter().map(together)).collect())
}
