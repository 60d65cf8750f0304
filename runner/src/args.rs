//! The arguments of every command, and the texts that `--help` shows. What the commands do is in their own files.

mod bench;
mod files;

pub use bench::BenchArguments;
pub use files::{ConvertArguments, DiffArguments, SynthArguments};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::num::{IntErrorKind, NonZeroUsize, ParseIntError};
use std::path::PathBuf;
use std::str::FromStr;
use trine::kernels::packing::I2sPacking;
use trine::kernels::{ActivationMode, CacheType, Isa, PackingKind};
use trine::model::{GroupSize, KeepTriples, Quantize, SamplerOptions, known_pre_tokenizers};

/// Run ternary (BitNet b1.58) language models.
///
/// Without a command: a story from the model that is built in.
#[derive(Debug, Parser)]
#[command(name = "trine", version, max_term_width = 110, subcommand_value_name = "COMMAND")]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    /// Let a terminal obey escape sequences in the output: without it they are shown, as in `\u001b`. Pipes and files
    /// get the bytes as they are.
    #[arg(long, global = true)]
    pub raw_terminal: bool,
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
        // A negative number after an option is its value, and whoever has no use for it says so.
        let numbers = |arg: Arg| {
            let has_value = !arg.is_positional() && arg.get_action().takes_values();
            if has_value { arg.allow_negative_numbers(true) } else { arg }
        };
        let command = Arguments::command().mut_subcommands(|command| command.mut_args(numbers));
        Arguments::from_arg_matches(&command.try_get_matches_from(words)?)
    }
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
    /// Write the logits of every position as raw little-endian f32, one row for each id.
    Logits(LogitsArguments),
    /// Turn text on standard input into token ids on standard output.
    Tokenize(TokenizeArguments),
    /// Measure the perplexity of a text: the strided sliding-window measure.
    Perplexity(PerplexityArguments),
    /// Measure the speed of a model, of its parts and of the machine.
    Bench(BenchArguments),
}

#[derive(Debug, Args)]
pub struct RunArguments {
    /// GGUF file, or directory of HF transformers; without one the built-in story model runs.
    #[arg(value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// The prompt; `-` reads it from standard input, as does a pipe where there is neither this nor --file.
    #[arg(short, long, value_name = "TEXT", conflicts_with = "file", allow_hyphen_values = true)]
    pub prompt: Option<String>,
    /// Read the prompt from a file; a line break at its end is dropped.
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Continue the prompt as a text, also where the file has a chat template.
    #[arg(long)]
    pub complete: bool,
    /// Take the prompt as it is: no chat template, and no BOS token before it.
    #[arg(long)]
    pub raw: bool,
    /// Most tokens to generate.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 256, value_parser = whole::<usize>)]
    pub tokens: usize,
    /// After the text, show the log-probability of each token, and this many of the likeliest ones.
    #[arg(long, value_name = "COUNT", value_parser = whole::<usize>)]
    pub logprobs: Option<usize>,
    #[command(flatten)]
    pub generation: GenerationArguments,
    #[command(flatten)]
    pub load: LoadArguments,
    #[command(flatten)]
    pub cpu: CpuArguments,
}

#[derive(Debug, Args)]
pub struct ChatArguments {
    /// GGUF file, or directory of HF transformers, with a chat template.
    #[arg(value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// What the model is told before the conversation.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub system: Option<String>,
    /// Most tokens of an answer.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 1024, value_parser = whole::<usize>)]
    pub tokens: usize,
    #[command(flatten)]
    pub generation: GenerationArguments,
    #[command(flatten)]
    pub load: LoadArguments,
    #[command(flatten)]
    pub cpu: CpuArguments,
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
    #[command(flatten)]
    pub load: LoadArguments,
    #[command(flatten)]
    pub cpu: CpuArguments,
}

#[derive(Debug, Args)]
pub struct LogitsArguments {
    /// GGUF file, or directory of HF transformers; without one the built-in model runs.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Token ids, separated by commas.
    #[arg(long, value_name = "IDS", required = true, value_delimiter = ',', value_parser = whole::<u32>)]
    pub ids: Vec<u32>,
    /// Type of the keys and values in the cache.
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = cache_types())]
    pub kv: CacheType,
    /// Write to this file, which appears when it is complete, instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub load: LoadArguments,
    #[command(flatten)]
    pub cpu: CpuArguments,
}

#[derive(Debug, Args)]
pub struct TokenizeArguments {
    /// GGUF file, which may hold a vocabulary alone, or directory of HF transformers; without one the built-in
    /// model's vocabulary is used.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Add no BOS or EOS token, and take special tokens in the text as plain text.
    #[arg(long)]
    pub no_special: bool,
    #[command(flatten)]
    pub vocabulary: VocabularyArguments,
    #[command(flatten)]
    pub access: FileArguments,
}

#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub struct PerplexityArguments {
    /// GGUF file, or directory of HF transformers; without one the built-in model is measured.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// File with the text; `-` is standard input.
    #[arg(value_name = "TEXT", required = true)]
    pub text: PathBuf,
    /// Tokens in a window [default: 512, or the model's context where that is shorter].
    #[arg(long, value_name = "COUNT", value_parser = whole::<usize>)]
    pub window: Option<usize>,
    /// Tokens between the starts of two windows [default: half a window].
    #[arg(long, value_name = "COUNT", value_parser = whole::<usize>)]
    pub stride: Option<usize>,
    /// Type of the keys and values in the cache.
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = cache_types())]
    pub kv: CacheType,
    #[command(flatten)]
    pub load: LoadArguments,
    #[command(flatten)]
    pub cpu: CpuArguments,
}

/// How text is generated.
#[derive(Debug, Args)]
#[command(next_help_heading = "Generation")]
pub struct GenerationArguments {
    /// Spread of the choice: 0 takes the likeliest token, 1 draws as the model predicts [default: 0.8; for models whose
    /// publisher says another, that one].
    #[arg(long, value_name = "NUMBER")]
    pub temperature: Option<f32>,
    /// Draw among this many likeliest tokens; 0 is no limit [default: 40, or the publisher's].
    #[arg(long, value_name = "COUNT", value_parser = whole::<usize>)]
    pub top_k: Option<usize>,
    /// Draw among the likeliest tokens that together have this probability; 1 is no limit [default: 0.95, or the
    /// publisher's].
    #[arg(long, value_name = "NUMBER")]
    pub top_p: Option<f32>,
    /// Draw among tokens that are at least this fraction as likely as the likeliest; 0 is no limit [default: 0.05, or
    /// the publisher's].
    #[arg(long, value_name = "NUMBER")]
    pub min_p: Option<f32>,
    /// Whether answers begin with a thought, where the model's chat template knows `enable_thinking` [default: the
    /// publisher's, or the template's].
    #[arg(long, value_name = "ON|OFF", value_parser = named([("on", true), ("off", false)]))]
    pub thinking: Option<bool>,
    /// Make tokens that occurred lately less likely; 1 is off.
    #[arg(long, value_name = "NUMBER", default_value_t = SamplerOptions::default().repetition_penalty)]
    pub repetition_penalty: f32,
    /// Take this from the logit of a token each time it occurred lately; 0 is off.
    #[arg(long, value_name = "NUMBER", default_value_t = SamplerOptions::default().frequency_penalty)]
    pub frequency_penalty: f32,
    /// Take this from the logit of a token once if it occurred lately; 0 is off.
    #[arg(long, value_name = "NUMBER", default_value_t = SamplerOptions::default().presence_penalty)]
    pub presence_penalty: f32,
    /// How many tokens back the three penalties look.
    #[arg(long, value_name = "COUNT", default_value_t = SamplerOptions::default().repetition_window,
          value_parser = whole::<usize>)]
    pub repetition_window: usize,
    /// Add VALUE to the logit of a token, `-inf` to exclude it; may be given several times.
    #[arg(long, value_name = "ID=VALUE", value_parser = logit_bias)]
    pub logit_bias: Vec<(u32, f32)>,
    /// Draw the same tokens again; without it each run draws its own, and its last line names the seed.
    #[arg(long, value_name = "NUMBER", value_parser = whole::<u64>)]
    pub seed: Option<u64>,
    /// Always take the likeliest token.
    #[arg(long, conflicts_with_all = ["temperature", "top_k", "top_p", "min_p", "seed"])]
    pub greedy: bool,
    /// End before this text; may be given several times.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub stop: Vec<String>,
    /// End at this token; may be given several times.
    #[arg(long, value_name = "ID", value_parser = whole::<u32>)]
    pub stop_id: Vec<u32>,
    /// Go on after the model has ended its text.
    #[arg(long)]
    pub ignore_eos: bool,
    /// Positions of all text together [default: what prompt and tokens need, in a chat 4096; at most the model's].
    #[arg(long, value_name = "COUNT", value_parser = whole::<NonZeroUsize>)]
    pub context: Option<NonZeroUsize>,
    /// Type of the keys and values in the cache.
    #[arg(long, value_name = "TYPE", default_value = "f16", value_parser = cache_types())]
    pub kv: CacheType,
}

/// How a file is opened.
#[derive(Debug, Args)]
#[command(next_help_heading = "Loading")]
pub struct FileArguments {
    /// Read the file into memory instead of mapping it: it may change while it is in use.
    #[arg(long)]
    pub no_mmap: bool,
}

/// How the vocabulary is taken from a file.
#[derive(Debug, Args)]
#[command(next_help_heading = "Loading")]
pub struct VocabularyArguments {
    /// Split text as this pre-tokenizer does, instead of the one that the file names.
    #[arg(long, value_name = "NAME", value_parser = pre_tokenizers(), hide_possible_values = true)]
    pub pre: Option<String>,
}

/// How a file is loaded.
#[derive(Debug, Args)]
#[command(next_help_heading = "Loading")]
pub struct LoadArguments {
    /// Activations of ternary matrices, f32 of all [default: what the model was trained for].
    #[arg(long, value_name = "MODE", value_parser = activation_modes())]
    pub activations: Option<ActivationMode>,
    /// How I2_S tensors are packed: files quantized on ARM, or on x86 without ACT_PARALLEL, look like any other.
    #[arg(long, value_name = "PACKING", default_value = "x86", value_parser = i2s_packings())]
    pub i2s_packing: I2sPacking,
    /// Type of the output head, rounded to it while loading [default: the file's].
    #[arg(long, value_name = "TYPE", value_parser = head_types())]
    pub head: Option<PackingKind>,
    /// Find the likeliest tokens by a coarse copy of an F32, F16 or BF16 head, then compute their logits exactly: the
    /// same text, faster, for half of the head's bytes more memory.
    #[arg(long)]
    pub shortlist: bool,
    /// Decode from a copy of the ternary matrices that takes 1.69 bits a weight, on a machine with AVX-512 VNNI, where
    /// that turns out faster while loading, or always: the same text, for that much more memory.
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "faster",
          value_parser = kept_triples())]
    pub triples: Option<KeepTriples>,
    #[command(flatten)]
    pub quantize: QuantizeArguments,
    /// Correct the file as this policy orders for its SHA-256; docs/judging.md describes policies.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    #[command(flatten)]
    pub vocabulary: VocabularyArguments,
    #[command(flatten)]
    pub access: FileArguments,
}

/// How matrices of blocks that are not ternary or binary become ternary.
#[derive(Clone, Copy, Debug, Args)]
pub struct QuantizeArguments {
    /// Quantize matrices of blocks that are not ternary or binary.
    #[arg(long, value_name = "METHOD", value_parser = quantizers())]
    quantize: Option<Quantize>,
    /// Columns that share a scale where matrices are quantized [default: all of the matrix].
    #[arg(long, value_name = "COLUMNS", value_parser = groups(), requires = "quantize")]
    group: Option<GroupSize>,
}

impl QuantizeArguments {
    /// The quantizer that was asked for.
    pub fn chosen(self) -> Option<Quantize> {
        self.quantize.map(|whole| self.group.map_or(whole, Quantize::AbsmeanOfGroups))
    }
}

/// What the computation runs on.
#[derive(Debug, Args)]
#[command(next_help_heading = "Machine")]
pub struct CpuArguments {
    /// Number of threads [default: one for each physical core].
    #[arg(long, value_name = "COUNT", value_parser = whole::<NonZeroUsize>)]
    pub threads: Option<NonZeroUsize>,
    /// Instruction set [default: the best that the machine has].
    #[arg(long, value_name = "NAME", value_parser = instruction_sets())]
    pub isa: Option<Isa>,
}

/// A whole number; where it is none, or out of its range, the message says what is expected.
fn whole<T: FromStr<Err = ParseIntError>>(text: &str) -> Result<T, String> {
    let least = if "0".parse::<T>().is_ok() { 0 } else { 1 };
    let expected = |error: ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => error.to_string(),
        _ => format!("expected a whole number of at least {least}"),
    };
    text.trim().parse().map_err(expected)
}

/// A token and what is added to its logit.
fn logit_bias(text: &str) -> Result<(u32, f32), String> {
    let (id, bias) = text.split_once('=').ok_or("expected ID=VALUE")?;
    let id = id.trim().parse().map_err(|error| format!("the id {id:?}: {error}"))?;
    Ok((id, bias.trim().parse().map_err(|error| format!("the value {bias:?}: {error}"))?))
}

/// A parser of the names in a table, which `--help` lists.
fn named<T: Clone + Send + Sync + 'static>(
    table: impl IntoIterator<Item = (&'static str, T)>,
) -> impl TypedValueParser<Value = T> {
    let table: Vec<_> = table.into_iter().collect();
    PossibleValuesParser::new(table.iter().map(|(name, _)| *name)).try_map(move |given| {
        let found = table.iter().find(|(name, _)| *name == given);
        found.map(|(_, value)| value.clone()).ok_or("not in the table")
    })
}

fn cache_types() -> impl TypedValueParser<Value = CacheType> {
    named([("f16", CacheType::F16), ("f32", CacheType::F32), ("q8", CacheType::Q8)])
}

fn activation_modes() -> impl TypedValueParser<Value = ActivationMode> {
    named([
        ("int8", ActivationMode::Int8PerToken),
        ("int8-group", ActivationMode::Int8PerGroup),
        ("q8_k", ActivationMode::Q8K),
        ("q8_0", ActivationMode::Q8_0),
        ("f32", ActivationMode::F32),
    ])
}

fn head_types() -> impl TypedValueParser<Value = PackingKind> {
    let types = [PackingKind::F16, PackingKind::Q8_0, PackingKind::Q6K, PackingKind::Q4_0];
    named(types.map(|kind| (kind.name(), kind)))
}

fn kept_triples() -> impl TypedValueParser<Value = KeepTriples> {
    named([("faster", KeepTriples::IfFaster), ("always", KeepTriples::Always)])
}

fn quantizers() -> impl TypedValueParser<Value = Quantize> {
    named([("absmean", Quantize::Absmean)])
}

fn groups() -> impl TypedValueParser<Value = GroupSize> {
    named([("64", GroupSize::Columns64), ("128", GroupSize::Columns128)])
}

fn i2s_packings() -> impl TypedValueParser<Value = I2sPacking> {
    named([("x86", I2sPacking::X86), ("arm", I2sPacking::Arm), ("interleaved4", I2sPacking::Interleaved4)])
}

fn instruction_sets() -> impl TypedValueParser<Value = Isa> {
    named(Isa::ALL.map(|isa| (isa.name(), isa)))
}

fn pre_tokenizers() -> PossibleValuesParser {
    PossibleValuesParser::new(known_pre_tokenizers())
}

#[cfg(test)]
mod tests;
