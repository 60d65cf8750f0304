//! Speculative decoding: a draft, here the same model with a coarser head, proposes tokens, and the target judges them
//! in one step. Source: Leviathan, Kalman and Matias 2022 (arXiv 2211.17192), where both choose the likeliest token.

use std::{error::Error, sync::Arc};
use trine::kernels::PackingKind;
use trine::model::{Requantize, State, StatePool, StepError};
use trine::prelude::*;
use trine::shapes::Same;

pinned_model! { struct Draft; }
pinned_model! { struct Target; }
type Text<M> = Vec<Idx<Vocab<M>>>;
type Sides<'s, D, M> = (&'s mut Side<D>, &'s mut Side<M>, Same<Vocab<D>, Vocab<M>>);

/// A model, and what it remembers of the text.
struct Side<M> {
    cpu: Cpu,
    transformer: Arc<Transformer<M>>,
    state: State<M>,
}

impl<M: Model> Side<M> {
    fn new(model: M, file: &Gguf, head: Option<Requantize>) -> Result<Self, Box<dyn Error>> {
        let cpu = Cpu::new(CpuOptions::default())?;
        let transformer = load(model, file, &cpu, &LoadOptions { head, ..LoadOptions::default() })?.transformer;
        let state = StatePool::new(&transformer, 1, CacheType::F32)?.state(transformer.config.context);
        Ok(Side { cpu, transformer, state })
    }

    /// The likeliest token behind each that the state lacks of `text`.
    fn feed(&mut self, text: &[Idx<Vocab<M>>]) -> Result<Text<M>, StepError> {
        self.state.step(&text[self.state.len()..], |step| {
            let best = self.cpu.argmax(self.transformer.logits(&self.cpu, step).view());
            Idx::all(best.shape().0).map(|token| best.view().at(token)).collect()
        })
    }
}

/// Appends `count` tokens or a few more to `text`, and says how many of them were proposals.
fn speculate<D: Model, M: Model>(sides: Sides<D, M>, text: &mut Text<M>, count: usize) -> Result<usize, StepError> {
    let ((draft, target, same), end, mut accepted) = (sides, text.len() + count, 0);
    while text.len() < end {
        let mut proposed: Text<D> = text.iter().map(|token| token.relabel(same.flipped())).collect();
        for _ in 0..4 {
            proposed.extend(draft.feed(&proposed)?.pop());
        }
        let judged: Text<M> = proposed.iter().map(|token| token.relabel(same)).collect();
        let known = text.len() - 1 - target.state.len();
        let best = target.feed(&judged)?.split_off(known);
        let agreed = best.iter().zip(&judged[text.len()..]).take_while(|(best, judged)| best == judged).count();
        text.extend(&best[..=agreed]);
        accepted += agreed;
        draft.state.rewind(text.len() - 1);
        target.state.rewind(text.len() - 1);
    }
    Ok(accepted)
}

/// `prompt` and what follows it, and how many tokens were proposals.
pub(crate) fn example(prompt: &str, count: usize) -> Result<(String, usize), Box<dyn Error>> {
    let file = trine::embedded_model()?;
    let (dims, tokenizer) = (Config::from_gguf(&file)?.dims, Tokenizer::from_gguf(&file, &Default::default())?);
    let tokenizer = Arc::new(tokenizer);
    let (draft, vocab) = (Draft::pin(dims)?, Vocab::of(Target::pin(dims)?));
    let tokens: Vec<_> = (0..tokenizer.len() as u32).map(|id| tokenizer.token(id)).collect();
    let same = Same::check_items((Vocab::of(draft), &tokens), (vocab, &tokens))?;
    let coarse = Requantize { kind: PackingKind::Q4_0, progress: None };
    let mut draft = Side::new(draft, &file, Some(coarse))?;
    let mut target = Side::new(vocab.environment(), &file, None)?;
    let tokenizer = tokenizer.clone().for_model(vocab.environment())?;
    let mut text = tokenizer.prompt(prompt)?;
    let accepted = speculate((&mut draft, &mut target, same), &mut text, count)?;
    Ok((tokenizer.decode(&text)?, accepted))
}

fn main() -> Result<(), Box<dyn Error>> {
    example("Once upon a time", 60)
        .map(|(text, accepted)| println!("{text}\n{accepted} tokens were proposed by the draft"))
}
