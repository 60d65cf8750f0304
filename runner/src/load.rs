//! From arguments to what the commands work with: an open file, its tokenizer, a loaded model. Progress and warnings
//! are shown here, so that all commands show them alike.

use crate::args::{AdapterArguments, CpuArguments, FileArguments, LoadArguments, VocabularyArguments};
use crate::message::{Usage, note, warning};
use crate::progress::Progress;
use anyhow::{Result, bail};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use trine::kernels::CpuOptions;
use trine::loader::{Access, one_line};
use trine::model::inspect::number;
use trine::model::{
    Adapter, Corrected, Correction, Corrections, LoadOptions, MakeShortlist, Requantize, Source, Tokenizer,
    TokenizerOptions, Transformer, Warning, load,
};
use trine::ops::Cpu;
use trine::shapes::{Model, WithModel, dispatch};

/// Opens a file or a directory, or the built-in model.
///
/// # Errors
/// The path cannot be read, or what it leads to is not sound.
pub fn open(path: Option<&Path>, arguments: &FileArguments) -> Result<Box<dyn Source>> {
    let access = access(arguments);
    if let Some(name) = path.filter(|path| !path.exists()).and_then(Path::to_str).filter(|name| is_of_a_hub(name)) {
        bail!(
            "{name}: expected a file or a directory, found none of that name; models are not fetched by their names: \
             download it first, for instance by `hf download {name} --local-dir DIRECTORY`, and give that directory"
        );
    }
    Ok(match path {
        Some(path) => trine::model::open_model(path, access)?,
        None => Box::new(trine::embedded_model()?),
    })
}

fn access(arguments: &FileArguments) -> Access {
    if arguments.no_mmap { Access::Copy } else { Access::Map }
}

/// The adapters that are asked for.
///
/// # Errors
/// A path leads to no adapter, or there are more strengths than adapters.
fn adapters(arguments: &AdapterArguments, files: &FileArguments) -> Result<Vec<Adapter>> {
    let AdapterArguments { paths, strengths, .. } = arguments;
    if strengths.len() > paths.len() || strengths.iter().any(|strength| !strength.is_finite()) {
        bail!(Usage(format!("--lora-scale: expected one finite number for each --lora, found {strengths:?}")));
    }
    let strengths = strengths.iter().copied().chain(std::iter::repeat(1.0));
    let open = |(path, strength): (&PathBuf, f32)| Ok(Adapter::open(path, access(files))?.with_strength(strength));
    paths.iter().zip(strengths).map(open).collect()
}

/// Whether this is how model hubs name a model, `organisation/model`, and not how a file in an existing folder is.
fn is_of_a_hub(name: &str) -> bool {
    let is_word = |word: &str| {
        let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        plain && word.starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    let parts = name.split_once('/');
    parts.is_some_and(|(who, what)| is_word(who) && is_word(what) && !Path::new(who).exists())
        && !name.ends_with(".gguf")
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

/// The machine. Warns of what makes it slow.
///
/// # Errors
/// [`Usage`] where it lacks what was asked for.
pub fn cpu(arguments: &CpuArguments) -> Result<Cpu> {
    let options = CpuOptions { threads: arguments.threads, isa: arguments.isa };
    let processors = std::thread::available_parallelism().map_or(usize::MAX, NonZeroUsize::get);
    if let Some(threads) = arguments.threads.filter(|threads| threads.get() > processors) {
        warning(&format!("--threads {threads}: this process has {processors} processors, and more threads are slower"));
    }
    if let Some(remark) = Warning::of_build() {
        warning(&remark.to_string());
    }
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
    fn run<M: Model>(self, model: &Arc<Transformer<M>>) -> Result<Self::Out>;
}

/// Loads the model of `file` and runs `program` on it.
///
/// # Errors
/// The file holds no model that can be run, or those of the program.
pub fn with_model<P: Program>(file: &dyn Source, arguments: &LoadArguments, cpu: &Cpu, program: P) -> Result<P::Out> {
    with_loaded(file, arguments, cpu, program).map(|(out, _)| out)
}

/// As [`with_model`], with the warnings that were shown.
///
/// # Errors
/// As [`with_model`].
pub fn with_loaded<P: Program>(
    file: &dyn Source,
    arguments: &LoadArguments,
    cpu: &Cpu,
    program: P,
) -> Result<(P::Out, Vec<Warning>)> {
    dispatch(file.config()?.dims, Loading { file, arguments, cpu, program })
}

struct Loading<'l, P> {
    file: &'l dyn Source,
    arguments: &'l LoadArguments,
    cpu: &'l Cpu,
    program: P,
}

impl<P: Program> WithModel for Loading<'_, P> {
    type Out = Result<(P::Out, Vec<Warning>)>;

    fn run<M: Model>(self, model: M) -> Result<(P::Out, Vec<Warning>)> {
        let LoadArguments { quantize, activations, i2s_packing, head, shortlist, triples, .. } = *self.arguments;
        let quantize = quantize.chosen();
        let (of_tensors, of_head) = (Progress::new("loading"), Progress::new("rounding the head"));
        let show = |done, total| of_tensors.set(done, total);
        let show_head = |done, total| of_head.set(done, total);
        let head = head.map(|kind| Requantize { kind, progress: Some(&show_head) });
        let of_shortlist = Progress::new("making the shortlist");
        let show_shortlist = |done, total| of_shortlist.set(done, total);
        let shortlist = shortlist.then_some(MakeShortlist { progress: Some(&show_shortlist) });
        let policy = self.arguments.policy.as_ref();
        let corrections = policy.map(|path| Corrections::of_file(path, self.file)).transpose()?;
        let corrections = corrections.as_ref();
        let progress = Some(&show as &dyn Fn(usize, usize));
        let adapters = &adapters(&self.arguments.adapters, &self.arguments.access)?[..];
        let merge_adapters = self.arguments.adapters.merge_lora;
        let options = LoadOptions {
            quantize,
            activations,
            i2s_packing,
            adapters,
            merge_adapters,
            corrections,
            head,
            shortlist,
            triples,
            progress,
        };
        let loaded = load(model, self.file, self.cpu, &options)?;
        drop((of_tensors, of_head, of_shortlist));
        loaded.corrected.iter().for_each(|made| note(&corrected(made)));
        loaded.warnings.iter().for_each(|remark| warning(&remark.to_string()));
        Ok((self.program.run(&loaded.transformer)?, loaded.warnings))
    }
}

/// A correction on one line.
fn corrected(made: &Corrected) -> String {
    let Corrected { tensor, correction, before, after } = made;
    let what = match correction {
        Correction::RescaleGains { .. } => "gains rescaled, RMS",
        Correction::InvertScale => "scale inverted,",
    };
    let (before, after) = (number(*before, 6), number(*after, 6));
    format!("corrected: tensor `{}`: {what} {before} before, {after} after", one_line(tensor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hubs_are_told_from_paths() {
        for name in ["microsoft/bitnet-b1.58-2B-4T", "HF1BitLLM/Llama3-8B-1.58-100B-tokens"] {
            assert!(is_of_a_hub(name), "{name}");
        }
        // The last is in a folder that exists where tests run.
        for path in ["model.gguf", "no/model.gguf", "./no/model", "/no/model", "../no", "a/b/c", "no/", "src/model"] {
            assert!(!is_of_a_hub(path), "{path}");
        }
    }
}
