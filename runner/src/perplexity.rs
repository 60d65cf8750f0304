//! `trine perplexity`: how well a model predicts a text.

use crate::args::PerplexityArguments;
use crate::document;
use crate::input;
use crate::load::{self, Program};
use crate::message::Usage;
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::terminal;
use anyhow::{Result, bail};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use trine::model::inspect::number;
use trine::model::{EncodeOptions, Perplexity, Transformer, Windows};
use trine::ops::Cpu;
use trine::shapes::{Idx, Model, Vocab};

/// Tokens of a window where none are asked for and the model has as many positions.
const WINDOW: usize = 512;

/// Runs the command.
///
/// # Errors
/// The model does not load, the text is not UTF-8 or too short, or the windows do not cover it.
pub fn perplexity(arguments: &PerplexityArguments) -> Result<Outcome> {
    if arguments.file.is_none() && is_model(&arguments.text) {
        let model = arguments.text.display();
        bail!(Usage(format!("{model} is a model, and the text is missing: trine perplexity {model} TEXT")));
    }
    let text = input::read_text(&arguments.text)?;
    let file = load::open(arguments.file.as_deref(), &arguments.load.access)?;
    let ids = load::tokenizer(&*file, &arguments.load.vocabulary)?
        .encode(&text, EncodeOptions { parse_special: false, ..EncodeOptions::PROMPT })?;
    let cpu = load::cpu(&arguments.cpu)?;
    let measured = load::with_model(&*file, &arguments.load, &cpu, Measure { ids: &ids, arguments, cpu: &cpu })?;
    let Perplexity { mean_loss, predicted, standard_error, .. } = measured;
    if arguments.json {
        document::print(&json!({
            "perplexity": measured.perplexity(),
            "perplexity_error": measured.perplexity_error(),
            "mean_loss": mean_loss,
            "mean_loss_error": standard_error,
            "tokens": predicted,
        }))?;
        return Ok(Outcome::Done);
    }
    let bar = |error: Option<f64>, digits| error.map_or(String::new(), |error| format!(" ± {}", number(error, digits)));
    let perplexity = number(measured.perplexity(), 4) + &bar(measured.perplexity_error(), 4);
    let loss = format!("{mean_loss:.6}") + &bar(standard_error, 6);
    writeln!(terminal::output(), "perplexity {perplexity} ({predicted} tokens, mean loss {loss} nats)")?;
    Ok(Outcome::Done)
}

/// Whether a path leads to a model by its looks, as nobody takes for a text.
fn is_model(path: &Path) -> bool {
    path.is_dir() || path.extension().is_some_and(|extension| extension == "gguf")
}

struct Measure<'m> {
    ids: &'m [u32],
    arguments: &'m PerplexityArguments,
    cpu: &'m Cpu,
}

impl Program for Measure<'_> {
    type Out = Perplexity;

    fn run<M: Model>(self, model: &Arc<Transformer<M>>) -> Result<Perplexity> {
        let vocab = Vocab::of(model.model);
        let tokens = self.ids.iter().map(|&id| Idx::new(vocab, id)).collect::<Result<Vec<_>, _>>()?;
        let window = self.arguments.window.unwrap_or(WINDOW.min(model.config.context));
        let windows = Windows { window, stride: self.arguments.stride.unwrap_or_else(|| (window / 2).max(1)) };
        let progress = Progress::new("measuring");
        let show = |done, total| progress.set(done, total);
        Ok(trine::model::perplexity(model, self.cpu, self.arguments.kv, &tokens, windows, &show)?)
    }
}
