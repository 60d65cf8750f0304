//! The arguments of the commands that generate text, `trine run` and `trine chat`.

use super::values::{cache_types, logit_bias, most_tokens, named, whole};
use super::{CpuArguments, LoadArguments};
use clap::Args;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use trine::kernels::CacheType;
use trine::model::SamplerOptions;

#[derive(Debug, Args)]
pub struct RunArguments {
    /// GGUF file, or directory of HF transformers; without one the built-in story model runs.
    #[arg(value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// The prompt, as of --prompt.
    #[arg(value_name = "PROMPT", conflicts_with_all = ["prompt", "file"])]
    pub text: Option<String>,
    /// The prompt; `-` reads it from standard input, as does a pipe where no prompt is given.
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
    /// What the model is told before the prompt, where it has a chat template.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, conflicts_with_all = ["complete", "raw"])]
    pub system: Option<String>,
    /// Most tokens to generate; -1 for as many as the context has room for.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 256, value_parser = most_tokens)]
    pub tokens: usize,
    /// After the text, show the log-probability of each token, and this many of the likeliest ones.
    #[arg(long, value_name = "COUNT", value_parser = whole::<usize>)]
    pub logprobs: Option<usize>,
    /// Print one JSON document when all is generated; docs/cli.md describes it.
    #[arg(long)]
    pub json: bool,
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
    /// Most tokens of an answer; -1 for as many as the context has room for.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 1024, value_parser = most_tokens)]
    pub tokens: usize,
    /// What happens where the context is full: the oldest turns are dropped whole and the system message is kept, or no
    /// further message is taken.
    #[arg(long, value_name = "WHAT", default_value = "drop", value_parser = named(OnFull::NAMED))]
    pub on_full: OnFull,
    /// Whether the thoughts of a model that thinks are shown.
    #[arg(long, value_name = "WHAT", default_value = "show", value_parser = named(Thoughts::NAMED))]
    pub thoughts: Thoughts,
    /// Go on with a conversation that `/save` wrote.
    #[arg(long = "load", value_name = "FILE")]
    pub conversation: Option<PathBuf>,
    /// Keep what is written on a terminal in this file, for later conversations.
    #[arg(long, value_name = "FILE")]
    pub history: Option<PathBuf>,
    /// Say after each answer how fast it was.
    #[arg(long)]
    pub stats: bool,
    /// Leave it to the terminal where lines break.
    #[arg(long)]
    pub no_wrap: bool,
    #[command(flatten)]
    pub generation: GenerationArguments,
    #[command(flatten)]
    pub load: LoadArguments,
    #[command(flatten)]
    pub cpu: CpuArguments,
}

/// What happens where the context is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFull {
    /// The oldest turns are dropped whole, and the system message is kept.
    Drop,
    /// No further message is taken.
    Stop,
}

impl OnFull {
    pub const NAMED: [(&str, OnFull); 2] = [("drop", OnFull::Drop), ("stop", OnFull::Stop)];
}

/// What becomes of thoughts in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thoughts {
    Show,
    Hide,
}

impl Thoughts {
    pub const NAMED: [(&str, Thoughts); 2] = [("show", Thoughts::Show), ("hide", Thoughts::Hide)];
}

/// How text is generated.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Generation")]
pub struct GenerationArguments {
    /// Spread of the choice: 0 takes the likeliest token, 1 draws as the model predicts [default: 0.8; for models whose
    /// publisher says another, that one].
    #[arg(long, visible_alias = "temp", value_name = "NUMBER")]
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
    #[arg(short, long, value_name = "NUMBER", value_parser = whole::<u64>)]
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
    /// Guess up to COUNT tokens at a time by looking back in the text, and check them in one step: the same text,
    /// faster where it repeats itself [default with the option alone: 16].
    #[arg(long, value_name = "COUNT", num_args = 0..=1, require_equals = true, default_missing_value = "16",
          value_parser = whole::<usize>)]
    pub speculate: Option<usize>,
    /// Guess with this smaller model of the same vocabulary, and check what it guesses in one step: the same text,
    /// faster where it guesses well; at most as many tokens at a time as --speculate says [default: 5].
    #[arg(long, value_name = "FILE")]
    pub draft: Option<PathBuf>,
    /// Positions of all text together [default: what prompt and tokens need, in a chat 4096; at most the model's].
    #[arg(short, long, value_name = "COUNT", value_parser = whole::<NonZeroUsize>)]
    pub context: Option<NonZeroUsize>,
    /// Type of the keys and values in the cache.
    #[arg(long, value_name = "TYPE", default_value = "f16", value_parser = cache_types())]
    pub kv: CacheType,
}
