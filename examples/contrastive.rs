//! Contrastive search: of the likeliest tokens it takes the one whose hidden state is least like any before it. Each is
//! tried in a fork of one sequence, all in one step. Source: Su et al. 2022 (arXiv 2202.06417), equation 5.

use std::error::Error;
use trine::model::{State, StatePool, StepInput};
use trine::ops::Activations;
use trine::prelude::*;
use trine::shapes::{Blocks, First, Fixed};

pinned_model! {
    /// The embedded model.
    struct Stories;
}
/// How much likeness counts against a token, beside its probability.
const PENALTY: f32 = 0.6;

type Row<A> = Tensor<f32, (A,)>;

/// The residual stream behind the last block, of each token.
fn streams<M: Model, T: Step>(cpu: &Cpu, model: &Transformer<M>, step: StepInput<M, T>) -> Vec<Row<Hidden<M>>> {
    let last = Idx::all(Blocks::of(model.model)).last();
    let states = model.hidden_states(cpu, step, last.as_slice());
    states.iter().flat_map(|x| Idx::all(x.shape().0).map(|token| x.view().take(token))).collect()
}

fn cosine<A: trine::shapes::Plain>(cpu: &Cpu, x: &Row<A>, y: &Row<A>) -> f32 {
    let product = |x: &Row<A>, y: &Row<A>| cpu.total(cpu.product(x.clone(), y.view()).view());
    product(x, y) / (product(x, x) * product(y, y)).sqrt()
}

/// The tokens that follow `prompt`.
fn search<M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    prompt: &[Idx<Vocab<M>>],
    count: usize,
) -> Result<Vec<Idx<Vocab<M>>>, Box<dyn Error>> {
    let pool = StatePool::new(model, 5, CacheType::F32)?;
    let (mut state, mut chosen) = (pool.state(model.config.context), Vec::new());
    let mut past = state.step(prompt, |step| streams(cpu, model, step))?;
    while let (Some(stream), true) = (past.last(), chosen.len() < count) {
        let normed = cpu.rms_norm(stream.view().repeat(Fixed::<1>, First), &model.output_norm);
        let p = cpu.softmax(cpu.logits(&Activations::new(normed), &model.head));
        let (tokens, p) = cpu.top_k(p.view(), Fixed::<4>);
        let (tokens, p) = (tokens.view().take(Idx::new(Fixed::<1>, 0)?), p.view().take(Idx::new(Fixed::<1>, 0)?));
        let tried: Vec<_> = Idx::all(tokens.shape().0).map(|rank| [tokens.view().at(rank)]).collect();
        let mut forks: Vec<_> = tried.iter().map(|_| state.fork()).collect();
        let requests = forks.iter_mut().zip(&tried).map(|(fork, token)| (fork, &token[..])).collect();
        let mut hidden = State::step_together(requests, |step| streams(cpu, model, step))?;
        let scores = Idx::all(p.shape().0).zip(&hidden).map(|(rank, stream)| {
            let likeness = past.iter().map(|before| cosine(cpu, stream, before)).fold(-1.0, f32::max);
            (1.0 - PENALTY) * p.view().at(rank) - PENALTY * likeness
        });
        let best = scores.enumerate().max_by(|x, y| x.1.total_cmp(&y.1)).map_or(0, |(best, _)| best);
        past.push(hidden.swap_remove(best));
        state = forks.swap_remove(best);
        chosen.push(tried[best][0]);
    }
    Ok(chosen)
}

pub(crate) fn example(cpu: &Cpu, prompt: &str) -> Result<String, Box<dyn Error>> {
    let file = trine::embedded_model()?;
    let model = Stories::pin(Config::from_gguf(&file)?.dims)?;
    let tokenizer = Tokenizer::from_gguf(&file, &TokenizerOptions::default())?.for_model(model)?;
    let transformer = load(model, &file, cpu, &LoadOptions::default())?.transformer;
    Ok(tokenizer.decode(&search(cpu, &transformer, &tokenizer.prompt(prompt)?, 40)?)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("The king{}", example(&Cpu::new(CpuOptions::default())?, "The king")?);
    Ok(())
}
