//! Examples that write text: what must hold of it.

use trine::model::{State, StatePool};
use trine::prelude::*;

programs! {
    "../../examples/contrastive.rs" contrastive;
    "../../examples/grammar.rs" grammar;
    "../../examples/speculative.rs" speculative;
}

const STARTS: [&str; 4] = ["Once upon a time", "The king had a daughter who", "A", "The clock struck "];

fn cpu(threads: usize) -> Cpu {
    let threads = std::num::NonZeroUsize::new(threads);
    Cpu::new(CpuOptions { threads, ..CpuOptions::default() }).expect("a machine")
}

/// The likeliest tokens after each other.
fn greedy(prompt: &str, max_tokens: usize) -> String {
    let options = EngineOptions { cache: CacheType::F32, ..EngineOptions::default() };
    let engine = Engine::of_source(&trine::embedded_model().expect("a model"), options).expect("an engine");
    let prompt = engine.prompt(prompt).expect("a prompt");
    let options = GenerateOptions { max_tokens, stop_at_end_of_text: false, ..GenerateOptions::default() };
    let mut sequence = engine.sequence();
    let pieces = sequence.generate_with(&prompt, SamplerChain::greedy(), options);
    pieces.map(|piece| piece.expect("a piece").text).collect()
}

#[test]
fn every_text_under_the_grammar_is_a_time_of_day() {
    let engine = trine::embedded_engine().expect("an engine");
    let mut times = std::collections::BTreeSet::new();
    for (start, seed) in STARTS.iter().zip(0..).chain(STARTS.iter().zip(10..)) {
        let time = grammar::example(&engine, start, seed).expect("a text");
        let (hours, minutes) = time.split_once(':').expect("hours and minutes");
        assert_eq!((hours.len(), minutes.len()), (2, 2), "{time}");
        assert!(hours.parse::<u32>().expect("a number") < 24, "{time}");
        assert!(minutes.parse::<u32>().expect("a number") < 60, "{time}");
        times.insert(time);
    }
    assert!(times.len() > 1, "a seed changes the time: {times:?}");
}

#[test]
fn speculative_decoding_writes_what_greedy_decoding_does() {
    let mut proposals = 0;
    for start in STARTS {
        let (text, accepted) = speculative::example(start, 60).expect("a text");
        let expected = format!("{start}{}", greedy(start, 60));
        assert!(text.starts_with(&expected), "{text:?} is not {expected:?}");
        proposals += accepted;
    }
    assert!((60..4 * 60).contains(&proposals), "{proposals} proposals: the draft agrees at times, and not always");
}

#[test]
fn contrastive_search_is_the_same_on_any_machine_and_is_not_greedy() {
    let found = contrastive::example(&cpu(1), "The king").expect("a text");
    assert_eq!(contrastive::example(&cpu(3), "The king").expect("a text"), found);
    assert_ne!(found, greedy("The king", 40));
}

struct Forks;

impl Visit for Forks {
    type Out = (usize, usize);

    /// Pages that are left of one, with a sequence and with many forks of it.
    fn visit<M: Model>(self, opened: &Opened<M>) -> (usize, usize) {
        let model = opened.transformer();
        let pool = StatePool::new(model, 1, CacheType::F32).expect("memory");
        let mut state = pool.state(16);
        let token = Idx::new(Vocab::of(model.model), 5).expect("a token");
        state.step(&[token; 3], |step| model.prefill(&cpu(1), step)).expect("room");
        let forks: Vec<State<M>> = (0..9).map(|_| state.fork()).collect();
        (pool.free_pages(), forks.iter().map(State::len).sum())
    }
}

/// The forks that a search tries candidates in.
#[test]
fn forks_share_their_memory() {
    assert_eq!(trine::embedded_engine().expect("an engine").visit(Forks), (0, 9 * 3));
}
