//! The arguments of `trine batch`. What they do is in `batch.rs`.

use super::EngineArguments;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct BatchArguments {
    /// A shard, or a directory whose files `*.jsonl` are shards: lines of JSON with `id` and `prompt`, or in the form
    /// of OpenAI's batches.
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// A directory for what shards become; it is made where there is none.
    #[arg(value_name = "OUT")]
    pub output: PathBuf,
    /// GGUF file, or directory of HF transformers; without one the built-in story model writes.
    #[arg(short, long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// A field of `/v1/completions` for rows with a prompt, such as `max_tokens=200` or `stop=["\n"]`: a JSON value, or
    /// else a text; may be given several times. docs/serving.md has the fields. Without `seed` it is 0, for requests
    /// too.
    #[arg(short, long = "field", value_name = "NAME=VALUE", value_parser = field)]
    pub fields: Vec<(String, serde_json::Value)>,
    #[command(flatten)]
    pub engine: EngineArguments,
}

/// The name of a field and its value.
fn field(text: &str) -> Result<(String, serde_json::Value), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}
