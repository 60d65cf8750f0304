//! What `run` and `chat` share: a prompt that can be continued, how tokens are chosen, and text as it is generated.
//! What does not belong here: how that is shown (`display.rs`).

use crate::args::GenerationArguments;
use crate::draft::Speaker;
use crate::interrupt::{Signal, Watch};
use crate::message::{Usage, note};
use crate::progress::Progress;
use anyhow::{Result, bail};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use trine::model::{
    Advice, ChatError, ChatTemplate, Config, EncodeOptions, Finish, ForModel, GenerateOptions, Generated, Guess,
    Guesses, SamplerChain, SamplerError, SamplerOptions, Session, Source, Tokenizer,
};
use trine::shapes::Model;

/// Positions of the cache: what was asked for, else what is needed, as far as the model has them.
///
/// # Errors
/// [`Usage`] where more are asked for than the model has.
pub fn context(arguments: &GenerationArguments, needed: usize, config: &Config) -> Result<usize> {
    match arguments.context {
        None => Ok(needed.min(config.context)),
        Some(asked) if asked.get() <= config.context => Ok(asked.get()),
        Some(asked) => bail!(Usage(format!("--context {asked}: the model has {} positions", config.context))),
    }
}

/// Most tokens that a draft guesses at a time. Each takes a step of the draft, and a wrong one makes those behind it
/// wrong.
const DRAFTED: usize = 5;

/// How tokens are chosen, and when they end.
pub struct Generation {
    sampler: SamplerChain,
    options: GenerateOptions,
    /// Tokens whose logits have a bias.
    biased: Vec<u32>,
    /// The numbers that say how tokens are chosen.
    pub sampling: SamplerOptions,
    /// The seed, where tokens are drawn.
    pub seed: Option<u64>,
}

/// The ids of a prompt, of which there is at least one.
///
/// # Errors
/// [`Refused::Empty`], or the vocabulary cannot express the text.
pub fn prompt(tokenizer: &Tokenizer, text: &str, options: EncodeOptions) -> Result<Vec<u32>> {
    begun(tokenizer.encode(text, options)?)
}

/// The same ids, where there is one.
///
/// # Errors
/// [`Refused::Empty`].
pub fn begun(ids: Vec<u32>) -> Result<Vec<u32>> {
    if ids.is_empty() { Err(Refused::Empty.into()) } else { Ok(ids) }
}

/// Tokens at the end of a prompt of which the text says whether it ends within a thought.
const END: usize = 16;

/// The text of the last tokens of a prompt.
pub fn end_of(tokenizer: &Tokenizer, prompt: &[u32]) -> String {
    tokenizer.decode(&prompt[prompt.len().saturating_sub(END)..], true).unwrap_or_default()
}

/// Refuses a prompt that has more tokens than the session has positions.
///
/// # Errors
/// [`Refused::TooLong`].
pub fn check_room<M: Model>(session: &Session<M>, prompt: &[u32]) -> Result<()> {
    let (tokens, positions, most) = (prompt.len(), session.capacity(), session.transformer().config.context);
    if tokens > positions { Err(Refused::TooLong { tokens, positions, most }.into()) } else { Ok(()) }
}

/// Says that a full context has cut a text.
pub fn note_full(positions: usize) {
    note(&format!("note: the text was cut: all {positions} positions of the context are used"));
}

/// How fast it was.
pub fn statistics<M>(generated: &Generated<M>, seed: Option<u64>) -> String {
    let speed = |(tokens, time): (usize, Duration)| {
        let each_second = if tokens == 0 { 0.0 } else { tokens as f64 / time.as_secs_f64() };
        format!("{tokens} tokens, {each_second:.1} tokens/s")
    };
    let seed = seed.map_or(String::new(), |seed| format!("; seed {seed}"));
    let Guesses { made, right } = generated.guesses;
    let guesses = if made == 0 { String::new() } else { format!("; {right} of {made} guesses right") };
    format!("prompt {}; decode {}{guesses}{seed}", speed(generated.prompt), speed(generated.decode))
}

/// A prompt that cannot be continued.
#[derive(Debug)]
pub enum Refused {
    /// It has no token.
    Empty,
    /// It has more tokens than there are positions.
    TooLong {
        tokens: usize,
        positions: usize,
        /// Positions that the model has.
        most: usize,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Refused::Empty => f.write_str(
                "the prompt is empty, and this vocabulary puts no BOS token before a text: give it some text",
            ),
            Refused::TooLong { tokens, positions, most } => {
                write!(f, "the prompt has {tokens} tokens, but the context has {positions} positions: shorten it")?;
                if most > positions { write!(f, ", or give --context up to {most}") } else { Ok(()) }
            }
        }
    }
}

impl std::error::Error for Refused {}

/// How tokens are drawn where nothing is asked for.
fn usual(advice: Option<&Advice>) -> SamplerOptions {
    match advice {
        Some(&Advice { temperature, top_k, top_p, min_p, .. }) => {
            SamplerOptions { temperature, top_k, top_p, min_p, ..SamplerOptions::default() }
        }
        None => SamplerOptions::default(),
    }
}

/// How the publisher of a model says that it is run, remarked on where there is such a thing.
pub fn advice(file: &dyn Source) -> Option<Advice> {
    let advice = Advice::of(&file.config().ok()?)?;
    let Advice { publisher, temperature, top_k, top_p, min_p, thinking, .. } = advice;
    let (thinking, drawn) =
        (if thinking { "on" } else { "off" }, format!("--temperature {temperature} --top-k {top_k}"));
    note(&format!(
        "as {publisher} runs this model, where nothing else is asked for: {drawn} --top-p {top_p} --min-p {min_p} \
         --thinking {thinking}"
    ));
    Some(advice)
}

/// The chat template of a file, with the switch for thoughts as the arguments have it, or else `advice`.
///
/// # Errors
/// As [`Source::chat_template`].
pub fn template(
    file: &dyn Source,
    tokenizer: &Tokenizer,
    arguments: &GenerationArguments,
    advice: Option<&Advice>,
) -> Result<ChatTemplate, ChatError> {
    let template = file.chat_template(tokenizer)?;
    Ok(match arguments.thinking.or(advice.map(|advice| advice.thinking)) {
        Some(on) => template.with_switch("enable_thinking", on),
        None => template,
    })
}

/// A generation that has ended.
pub struct Streamed<M> {
    /// What was done.
    pub generated: Generated<M>,
    /// Its text.
    pub text: String,
    /// The signal that ended it, or that came at its end and is yet to be obeyed.
    pub signal: Option<Signal>,
}

impl Generation {
    /// What the arguments ask for, with at most `max_tokens` tokens; what they do not say is as `advice` has it.
    ///
    /// # Errors
    /// [`Usage`] where a number is out of its range.
    pub fn new(arguments: &GenerationArguments, max_tokens: usize, advice: Option<&Advice>) -> Result<Generation> {
        let SamplerOptions { temperature, top_k, top_p, min_p, .. } = usual(advice);
        let temperature = arguments.temperature.unwrap_or(temperature);
        let greedy = arguments.greedy || temperature == 0.0;
        let seed = (!greedy).then(|| arguments.seed.unwrap_or_else(any_seed));
        let sampling = SamplerOptions {
            temperature: if greedy { 0.0 } else { temperature },
            top_k: arguments.top_k.unwrap_or(top_k),
            top_p: arguments.top_p.unwrap_or(top_p),
            min_p: arguments.min_p.unwrap_or(min_p),
            repetition_penalty: arguments.repetition_penalty,
            frequency_penalty: arguments.frequency_penalty,
            presence_penalty: arguments.presence_penalty,
            repetition_window: arguments.repetition_window,
            logit_bias: arguments.logit_bias.clone(),
            seed: seed.unwrap_or_default(),
        };
        let sampler = SamplerChain::new(sampling.clone()).map_err(|error| Usage(error.to_string()))?;
        let options = GenerateOptions {
            guesses: arguments.speculate.unwrap_or(if arguments.draft.is_some() { DRAFTED } else { 0 }),
            max_tokens,
            stop_strings: arguments.stop.clone(),
            stop_ids: arguments.stop_id.clone(),
            stop_at_end_of_text: !arguments.ignore_eos,
            answers: false,
            logprobs: None,
        };
        let biased = arguments.logit_bias.iter().map(|(id, _)| *id).collect();
        Ok(Generation { sampler, options, biased, sampling, seed })
    }

    /// Refuses options that the model's vocabulary of `tokens` tokens does not have, before anything is printed.
    ///
    /// # Errors
    /// [`SamplerError::BiasedToken`].
    pub fn check(&self, tokens: usize) -> Result<()> {
        match self.biased.iter().find(|&&id| id as usize >= tokens) {
            Some(&id) => Err(SamplerError::BiasedToken { id, tokens }.into()),
            None => Ok(()),
        }
    }

    /// The same with log-probabilities of the tokens and of so many of the likeliest ones.
    pub fn with_logprobs(mut self, best: Option<usize>) -> Generation {
        self.options.logprobs = best;
        self
    }

    /// The same where the prompt is answered or, otherwise, continued.
    pub fn answering(mut self, answers: bool) -> Generation {
        self.options.answers = answers;
        self
    }

    /// Continues `prompt` and gives `show` the text as it comes. The first Ctrl-C ends it with the text so far.
    ///
    /// # Errors
    /// The prompt is too long or has ids beyond the vocabulary, and nothing was shown; or no token can be chosen, or
    /// those of `show`.
    pub fn stream<M: Model>(
        &mut self,
        speaker: &mut Speaker<'_, M>,
        tokenizer: &Arc<Tokenizer>,
        prompt: &[u32],
        show: &mut dyn FnMut(&str) -> Result<()>,
    ) -> Result<Streamed<M>> {
        let Speaker { session, draft } = speaker;
        check_room(session, prompt)?;
        let tokenizer = tokenizer.clone().for_model(session.transformer().model)?;
        let prompt = session.tokens_of(prompt)?;
        let watch = Watch::begin();
        let (mut text, mut shown) = (String::new(), Ok(()));
        let mut reading = Reading::new(prompt.len() - session.rewind(&prompt), Session::<M>::PROMPT_BATCH);
        let mut on_text = |piece: &str| {
            reading.on_batch();
            text.push_str(piece);
            if !piece.is_empty() {
                reading.end();
                shown = show(piece);
            }
            if shown.is_err() || watch.signal().is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let draft = draft.as_mut().map(|draft| &mut **draft as &mut dyn Guess<M>);
        let Generation { sampler, options, .. } = self;
        let generated = session.generate_guessed(&prompt, &tokenizer, sampler, options, draft, &mut on_text)?;
        shown?;
        let signal = watch.end().filter(|signal| ends(*signal, &generated.finish));
        Ok(Streamed { generated, text, signal })
    }
}

/// A bar for what a long prompt takes before the first token.
struct Reading {
    bar: Option<Progress>,
    batches: usize,
    of: usize,
}

impl Reading {
    /// No bar where so many tokens are a single batch.
    fn new(tokens: usize, batch: usize) -> Reading {
        let of = tokens.saturating_sub(1) / batch;
        Reading { bar: (of > 0).then(|| Progress::new("reading the prompt")), batches: 0, of }
    }

    /// A batch has been read, or a token generated.
    fn on_batch(&mut self) {
        self.batches += 1;
        match &self.bar {
            Some(bar) if self.batches <= self.of => bar.set(self.batches, self.of + 1),
            _ => self.end(),
        }
    }

    /// Takes the bar away.
    fn end(&mut self) {
        self.bar = None;
    }
}

/// Whether a signal that came during a generation ends more than that. One that came too late to interrupt it does,
/// but for Ctrl-C, which asks for nothing else.
fn ends(signal: Signal, finish: &Finish) -> bool {
    !signal.is_ctrl_c() || *finish == Finish::Interrupted
}

/// A seed that nobody chose, short enough to be typed again.
fn any_seed() -> u64 {
    RandomState::new().hash_one(()) % 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use trine::shapes::Bitnet2B4T;

    #[test]
    fn a_late_signal_ends_more_than_the_generation_but_for_ctrl_c() {
        let (ctrl_c, term) = (Signal(2), Signal(15));
        for finish in [Finish::StopString("x".to_owned()), Finish::MaxTokens, Finish::Token(0), Finish::ContextFull] {
            assert!(ends(term, &finish) && !ends(ctrl_c, &finish), "{finish:?}");
        }
        assert!(ends(term, &Finish::Interrupted) && ends(ctrl_c, &Finish::Interrupted));
    }

    #[test]
    fn statistics_are_tokens_over_time() {
        let generated = Generated::<Bitnet2B4T> {
            tokens: Vec::new(),
            logprobs: Vec::new(),
            finish: Finish::MaxTokens,
            prompt: (30, Duration::from_millis(250)),
            decode: (0, Duration::ZERO),
            guesses: Guesses { made: 9, right: 7 },
        };
        let line = "prompt 30 tokens, 120.0 tokens/s; decode 0 tokens, 0.0 tokens/s; 7 of 9 guesses right";
        assert_eq!(statistics(&generated, None), line);
        assert_eq!(statistics(&generated, Some(7)), format!("{line}; seed 7"));
    }
}
