//! The command line as a whole, and the arguments of the commands that look at files; those of the others, and the
//! texts that `--help` shows of them, are in the modules. What the commands do is in their own files.

#[cfg(feature = "serve")]
mod batch;
mod bench;
#[cfg(feature = "serve")]
mod engine;
mod files;
mod generate;
mod load;
mod measure;
#[cfg(feature = "serve")]
mod serve;
pub mod values;

#[cfg(feature = "serve")]
pub use batch::BatchArguments;
pub use bench::BenchArguments;
#[cfg(feature = "serve")]
pub use engine::EngineArguments;
pub use files::{ConvertArguments, DiffArguments, SynthArguments};
pub use generate::{ChatArguments, GenerationArguments, OnFull, RunArguments, Thoughts};
pub use load::{AdapterArguments, CpuArguments, FileArguments, LoadArguments, QuantizeArguments, VocabularyArguments};
pub use measure::{EmbedArguments, LogitsArguments, PerplexityArguments, TokenizeArguments};
#[cfg(feature = "serve")]
pub use serve::{AccessArguments, ServeArguments};

use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use std::ffi::OsString;
use std::path::PathBuf;
use trine::kernels::Isa;
use trine::kernels::packing::I2sPacking;
use values::i2s_packings;

/// Run ternary (BitNet b1.58) language models.
///
/// Without a command: a story from the model that is built in.
#[derive(Debug, Parser)]
#[command(name = "trine", max_term_width = 110, subcommand_value_name = "COMMAND")]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// Let a terminal obey escape sequences in the output: without it they are shown, as in `\u001b`. Pipes and files
    /// get the bytes as they are.
    #[arg(long, global = true)]
    pub raw_terminal: bool,
    /// Say nothing on standard error but errors and what was asked for: no progress, warnings, notes and statistics.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// The prompt where there is none: the first words of many a story.
pub const DEFAULT_PROMPT: &str = "Once upon a time";

impl Arguments {
    /// Parses the words of a command line, the first of which is the program. That word alone is `run` with
    /// [`DEFAULT_PROMPT`], whatever standard input is.
    ///
    /// # Errors
    /// What clap says of words that mean nothing; also the texts of `--help` and `--version`.
    pub fn of(words: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
        let mut words: Vec<OsString> = words.into_iter().collect();
        if words.len() <= 1 {
            words = ["trine", "run", "--prompt", DEFAULT_PROMPT].map(OsString::from).to_vec();
        }
        Arguments::from_arg_matches(&Arguments::definition().try_get_matches_from(words)?)
    }

    /// All commands and options, for whoever parses, completes or describes them.
    pub fn definition() -> clap::Command {
        // A negative number after an option is its value, and whoever has no use for it says so.
        let numbers = |arg: Arg| {
            let has_value = !arg.is_positional() && arg.get_action().takes_values();
            if has_value { arg.allow_negative_numbers(true) } else { arg }
        };
        Arguments::command().version(version()).mut_subcommands(|command| command.mut_args(numbers))
    }
}

/// The version, the instruction set that this machine gets, and the features that were compiled in.
fn version() -> String {
    let features = [
        ("threads", cfg!(feature = "threads")),
        ("simd", cfg!(feature = "simd")),
        ("mmap", cfg!(feature = "mmap")),
        ("serve", cfg!(feature = "serve")),
    ];
    let features: Vec<_> = features.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
    let features = if features.is_empty() { "none".to_owned() } else { features.join(", ") };
    format!("{} (level {}; features {features})", env!("CARGO_PKG_VERSION"), Isa::detect().name())
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Continue or answer a prompt.
    Run(RunArguments),
    /// Talk with a model that has a chat template.
    Chat(ChatArguments),
    /// Show metadata and tensors of a file, whether or not it can be run.
    Inspect(InspectArguments),
    /// Say whether a file would load, and why not.
    Check(CheckArguments),
    /// Write the model as a GGUF file of another ternary type; every code and scale stays what it is.
    Convert(ConvertArguments),
    /// Say whether two files hold the same model, whatever types their tensors have.
    Diff(DiffArguments),
    /// Write a model of random weights with the dimensions of a real one.
    Synth(SynthArguments),
    /// Write the logits of every position, raw or as the likeliest tokens of each.
    Logits(LogitsArguments),
    /// Write a row of numbers for each text, by which texts are compared.
    Embed(EmbedArguments),
    /// Turn text on standard input into token ids on standard output, or ids into text.
    Tokenize(TokenizeArguments),
    /// Measure the perplexity of a text: the strided sliding-window measure.
    Perplexity(PerplexityArguments),
    /// Measure the speed of a model, of its parts and of the machine.
    Bench(BenchArguments),
    /// Answer programs over HTTP as OpenAI's API does, and people on a web page.
    #[cfg(feature = "serve")]
    Serve(ServeArguments),
    /// Make shards of answers of shards of requests, each of them once, whatever is killed and repeated.
    #[cfg(feature = "serve")]
    Batch(BatchArguments),
    /// Print a script that completes commands and options in a shell.
    Completions(CompletionsArguments),
    /// Print the man page, or write those of all commands.
    Man(ManArguments),
}

#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub struct ManArguments {
    /// Write a page for each command into this directory, which exists.
    #[arg(long, value_name = "DIRECTORY")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct InspectArguments {
    /// GGUF file, or directory of HF transformers; without one the built-in model is shown.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Print one JSON document; docs/cli.md describes it.
    #[arg(long)]
    pub json: bool,
    /// Leave the tensors out.
    #[arg(long)]
    pub metadata_only: bool,
    /// How I2_S tensors are packed.
    #[arg(long, value_name = "PACKING", default_value = "x86", value_parser = i2s_packings())]
    pub i2s_packing: I2sPacking,
    #[command(flatten)]
    pub access: FileArguments,
}

#[derive(Debug, Args)]
pub struct CheckArguments {
    /// GGUF file, or directory of HF transformers; without one the built-in model is checked.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Fail where there is a warning.
    #[arg(long)]
    pub strict: bool,
    /// Print one JSON document; docs/cli.md describes it.
    #[arg(long, conflicts_with_all = ["tensors", "trace"])]
    pub json: bool,
    /// Show every tensor, as `inspect` does.
    #[arg(long)]
    pub tensors: bool,
    /// Show the root mean square of every part of a forward pass over the prompt.
    #[arg(long)]
    pub trace: bool,
    /// The prompt of --trace.
    #[arg(short, long, value_name = "TEXT", default_value = DEFAULT_PROMPT, requires = "trace",
          allow_hyphen_values = true)]
    pub prompt: String,
    /// Write the numbers of --trace as a picture, a heat map in SVG.
    #[arg(long, value_name = "PICTURE", requires = "trace")]
    pub svg: Option<PathBuf>,
    /// Draw another file to the left of it, and frame what differs from that one.
    #[arg(long, value_name = "OTHER", requires = "svg")]
    pub beside: Option<PathBuf>,
    #[command(flatten)]
    pub load: LoadArguments,
    #[command(flatten)]
    pub cpu: CpuArguments,
}

#[cfg(test)]
mod tests;
