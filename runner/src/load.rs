//! From arguments to what the commands work with: an open file, its tokenizer, a loaded model. Progress and warnings
//! are shown here, so that all commands show them alike.

use crate::args::{CpuArguments, FileArguments, LoadArguments, VocabularyArguments};
use crate::message::{Usage, warning};
use crate::progress::Progress;
use anyhow::Result;
use std::path::Path;
use trine::kernels::{Cpu, CpuOptions};
use trine::loader::Access;
use trine::model::{Config, LoadOptions, Source, Tokenizer, TokenizerOptions, Transformer, load};
use trine::shapes::{Model, WithModel, dispatch};

/// Opens a file or a directory, or the built-in model.
///
/// # Errors
/// The path cannot be read, or what it leads to is not sound.
pub fn open(path: Option<&Path>, arguments: &FileArguments) -> Result<Box<dyn Source>> {
    let access = if arguments.no_mmap { Access::Copy } else { Access::Map };
    Ok(match path {
        Some(path) => trine::model::open_model(path, access)?,
        None => Box::new(trine::embedded_model()?),
    })
}

/// The tokenizer of a file.
///
/// # Errors
/// The file has no usable vocabulary.
pub fn tokenizer(file: &dyn Source, arguments: &VocabularyArguments) -> Result<Tokenizer> {
    let tokenizer = file.tokenizer(&TokenizerOptions { pre: arguments.pre.clone() })?;
    tokenizer.warnings().iter().for_each(|text| warning(&format!("{}: {text}", file.label())));
    Ok(tokenizer)
}

/// The machine.
///
/// # Errors
/// [`Usage`] where it lacks what was asked for.
pub fn cpu(arguments: &CpuArguments) -> Result<Cpu> {
    let options = CpuOptions { threads: arguments.threads, isa: arguments.isa };
    Ok(Cpu::new(options).map_err(|error| Usage(error.to_string()))?)
}

/// What a command does with a model, whichever environment gives it its dimensions.
pub trait Program {
    /// What it returns.
    type Out;

    /// Does it.
    ///
    /// # Errors
    /// Those of the command.
    fn run<M: Model>(self, model: &Transformer<M>) -> Result<Self::Out>;
}

/// Loads the model of `file` and runs `program` on it.
///
/// # Errors
/// The file holds no model that can be run, or those of the program.
pub fn with_model<P: Program>(file: &dyn Source, arguments: &LoadArguments, program: P) -> Result<P::Out> {
    let config = file.config()?;
    dispatch(config.dims, Loading { config: &config, file, arguments, program })
}

struct Loading<'l, P> {
    config: &'l Config,
    file: &'l dyn Source,
    arguments: &'l LoadArguments,
    program: P,
}

impl<P: Program> WithModel for Loading<'_, P> {
    type Out = Result<P::Out>;

    fn run<M: Model>(self, model: M) -> Result<P::Out> {
        let LoadArguments { quantize, activations, .. } = *self.arguments;
        let progress = Progress::new("loading");
        let show = |done, total| progress.set(done, total);
        let options = LoadOptions { quantize, activations, progress: Some(&show) };
        let loaded = load(model, self.config, self.file, &options)?;
        drop(progress);
        loaded.warnings.iter().for_each(|text| warning(text));
        self.program.run(&loaded.transformer)
    }
}
