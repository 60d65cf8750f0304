//! The arguments of `trine serve`. What they do is in `serve.rs`.

use super::EngineArguments;
use super::values::{named, whole};
use clap::Args;
use clap::builder::TypedValueParser;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use trine::model::Policy;
use trine_server::{ReasoningField, ToolFormat};

#[derive(Debug, Args)]
pub struct ServeArguments {
    /// GGUF file, or directory of HF transformers; without one the built-in story model is served.
    #[arg(value_name = "MODEL")]
    pub model: Option<PathBuf>,
    /// Address to listen at; 0.0.0.0 is every IPv4 address of the machine.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// Port to listen at; 0 is any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub port: u16,
    /// How calls of tools are written [default: as the chat template says].
    #[arg(long, value_name = "FORMAT", value_parser = tool_formats())]
    pub tool_format: Option<ToolFormat>,
    /// Whether tools are told by the chat template alone, or also in a system message where it does not write them.
    #[arg(long, value_name = "HOW", default_value = "template",
          value_parser = named([("template", false), ("fallback", true)]))]
    pub tools: bool,
    /// Which field of a message has what the model thinks.
    #[arg(long, value_name = "FIELD", default_value = "reasoning_content", value_parser = reasoning_fields())]
    pub reasoning_field: ReasoningField,
    /// The id of the model for clients [default: the name of the file].
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Another id of the model; may be given several times.
    #[arg(long, value_name = "ID")]
    pub alias: Vec<String>,
    /// Take every id for that of the model.
    #[arg(long)]
    pub any_model: bool,
    /// Answer in the words of Ollama's API too, at `/api`.
    #[arg(long)]
    pub ollama: bool,
    /// No web page at `/`.
    #[arg(long)]
    pub no_ui: bool,
    #[command(flatten)]
    pub access: AccessArguments,
    #[command(flatten)]
    pub work: WorkArguments,
    #[command(flatten)]
    pub engine: EngineArguments,
}

/// Who may ask.
#[derive(Debug, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessArguments {
    /// A key that requests have to send, `KEY` or `NAME:KEY`; may be given several times. Others can see it among the
    /// arguments of the process: --api-key-file keeps it from them.
    #[arg(long, value_name = "KEY")]
    pub api_key: Vec<String>,
    /// A file with a key in each line.
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// Ask for a key at `/metrics` too.
    #[arg(long)]
    pub metrics_key: bool,
    /// An origin whose web pages may use the server, such as https://chat.example.org, or `*`; may be given several
    /// times. Pages of this machine may.
    #[arg(long, value_name = "ORIGIN")]
    pub cors_origin: Vec<String>,
    /// A name by which the server is asked, such as llm.example.org, or `*`; may be given several times. Addresses and
    /// localhost need not be named.
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
}

/// How much is done at once.
#[derive(Debug, Args)]
#[command(next_help_heading = "Work")]
pub struct WorkArguments {
    /// Most texts of one key, or of one address, that are generated together [default: no limit].
    #[arg(long, value_name = "COUNT", value_parser = whole::<NonZeroUsize>)]
    pub max_seqs_per_key: Option<NonZeroUsize>,
    /// Most texts that wait; more are refused with 429.
    #[arg(long, value_name = "COUNT", default_value_t = 128, value_parser = whole::<usize>)]
    pub max_queue: usize,
    /// Longest wait in seconds; requests that would wait longer are refused with 429.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = whole::<u64>)]
    pub max_wait: u64,
    /// Which request begins next: the first to come, keys taking turns, or the one of the smallest `priority`, which
    /// goes down by one in each minute of waiting.
    #[arg(long, value_name = "POLICY", default_value = "fcfs",
          value_parser = named([("fcfs", Policy::Arrival), ("priority", Policy::Priority)]))]
    pub policy: Policy,
    /// Milliseconds that a step is to take while texts are generated: long prompts are read in parts beside them.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 100, value_parser = whole::<u64>)]
    pub itl: u64,
    /// Most tokens of an answer, where a request does not say it.
    #[arg(long, value_name = "COUNT", default_value = "1024", value_parser = whole::<NonZeroUsize>)]
    pub max_tokens: NonZeroUsize,
    /// Longest time of a request, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = whole::<u64>)]
    pub request_timeout: u64,
    /// Largest body of a request, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 4 << 20, value_parser = whole::<usize>)]
    pub max_body: usize,
    /// Most connections at once.
    #[arg(long, value_name = "COUNT", default_value = "512", value_parser = whole::<NonZeroUsize>)]
    pub max_connections: NonZeroUsize,
    /// Seconds of silence in a stream after which a comment is sent.
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = whole::<NonZeroUsize>)]
    pub sse_ping: NonZeroUsize,
    /// Seconds that requests may go on after SIGTERM or Ctrl-C; a second signal ends them at once.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = whole::<u64>)]
    pub drain: u64,
    /// Draw tokens as OpenAI's API does where a request does not say how: temperature 1, no cuts.
    #[arg(long)]
    pub openai_sampling: bool,
    /// A line of JSON on standard error for each request.
    #[arg(long)]
    pub log: bool,
}

fn tool_formats() -> impl TypedValueParser<Value = ToolFormat> {
    named([("hermes", ToolFormat::Hermes), ("qwen-xml", ToolFormat::QwenXml), ("llama3-json", ToolFormat::Llama3Json)])
}

fn reasoning_fields() -> impl TypedValueParser<Value = ReasoningField> {
    named([
        ("reasoning_content", ReasoningField::ReasoningContent),
        ("reasoning", ReasoningField::Reasoning),
        ("both", ReasoningField::Both),
    ])
}
