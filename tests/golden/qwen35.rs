//! Qwen3.5 models against HF transformers and llama.cpp: blocks with the gated delta rule beside blocks of attention
//! with an output gate, past a chunk of the delta rule of transformers, and past a page.

use super::small::steps_together_have_the_rows_of_each;
use crate::api::*;
use crate::support::{FeedIds, Reference, assert_close, cpu, fixture, logits_of, open, tokens, with_model};

/// The largest deviation of float32 models that all compute the same.
const TOLERANCE: f64 = 1e-5;

const PROMPTS: [&str; 3] = ["short", "chunks", "page"];

fn reference() -> Reference {
    Reference::open("qwen35/expected.safetensors")
}

fn check(what: &str, reference: &Reference, source: &dyn Source, name: &str, engine: &str) {
    for prompt in PROMPTS {
        let ids = reference.ids(&format!("{name}.{prompt}.ids"));
        let expected = reference.floats(&format!("{name}.{prompt}.{engine}"));
        let found = with_model(source, &LoadOptions::default(), |transformer| logits_of(&cpu(), transformer, &ids));
        let last = &found[found.len() - expected.len()..];
        assert_close(&format!("{what} {name}, {prompt} prompt, {engine}"), last, &expected, TOLERANCE);
    }
}

#[test]
fn logits_of_files_are_those_of_transformers_and_llama_cpp() {
    let reference = reference();
    for name in ["tied", "separate"] {
        let file = open(&format!("qwen35/{name}-f32.gguf"));
        for engine in ["logits", "llama_cpp"] {
            check("file", &reference, &file, name, engine);
        }
    }
}

/// Heads of values lie in another order in directories, whose heads of keys and of values may differ in width.
#[test]
fn logits_of_directories_are_those_of_transformers() {
    let reference = reference();
    for name in ["tied", "separate", "wide"] {
        let directory = HfDirectory::open(fixture(&format!("qwen35/{name}")), Access::Map);
        let directory = directory.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(directory.unread_entries(), [""; 0], "{name}");
        check("directory", &reference, &directory, name, "logits");
    }
}

/// Files whose matrices are folded give the logits of the files that they were made from: with signs, with heads of
/// values in groups, and with a head that is the embedding, and without all of these.
#[test]
fn folded_files_have_the_logits_of_unfolded_ones() {
    let reference = reference();
    for name in ["tied", "separate"] {
        let file = open(&format!("qwen35/{name}-folded.gguf"));
        assert!(Config::from_gguf(&file).unwrap_or_else(|error| panic!("{error}")).folding.is_some());
        check("folded file", &reference, &file, name, "logits");
        with_model(&file, &LoadOptions::default(), |transformer| {
            assert!(transformer.embedding.is_folded() && transformer.head.is_folded());
            let recurrent = transformer.recurrent.iter().next().expect("a layer");
            assert!(recurrent.output.is_folded() && !recurrent.alpha.is_folded());
        });
    }
}

/// At once, token by token and in steps with other sequences, on any number of threads, the logits have the same bits.
#[test]
fn steps_of_any_lengths_give_the_same_bits() {
    let reference = reference();
    let (ids, other) = (reference.ids("tied.page.ids"), reference.ids("tied.chunks.ids"));
    with_model(&open("qwen35/tied-f32.gguf"), &LoadOptions::default(), |transformer| {
        let cpu = cpu();
        let all = logits_of(&cpu, transformer, &ids);
        let width = all.len() / ids.len();
        let single = Cpu::new(CpuOptions { threads: std::num::NonZeroUsize::new(1), isa: None }).expect("a machine");
        assert!(all == logits_of(&single, transformer, &ids), "one thread");
        let mut session = Session::new(transformer, &cpu, 320, CacheType::F32).expect("memory");
        for (row, id) in all.chunks_exact(width).zip(&ids) {
            assert!(session.feed_ids(&[*id]) == row, "token by token");
        }
        let others = logits_of(&cpu, transformer, &other);
        let counts = [(1, 1), (2, 3), (67, 1), (1, 90), (150, 2), (49, 53)];
        steps_together_have_the_rows_of_each(transformer, [&ids, &other], [&all, &others], &counts);
    });
}

/// A sequence goes back to its last page end, to where it is, or to its beginning, and goes on from there as before.
#[test]
fn a_sequence_goes_back_to_page_ends() {
    let reference = reference();
    let ids = reference.ids("separate.page.ids");
    with_model(&open("qwen35/separate-f32.gguf"), &LoadOptions::default(), |transformer| {
        let cpu = cpu();
        let all = logits_of(&cpu, transformer, &ids);
        let width = all.len() / ids.len();
        let pool = StatePool::for_sequences(transformer, 3, 320, CacheType::F32).expect("memory");
        let mut session = Session::in_pool(transformer, &cpu, &pool, 320);
        assert!(session.feed_ids(&ids) == all[all.len() - width..]);
        let fork = session.fork();
        for (kept, asked) in [(256, 262), (256, 257), (0, 256), (0, 3)] {
            let mut again = fork.fork();
            assert_eq!(again.rewind_to(&ids[..asked]), kept, "back to {asked}");
            assert!(again.feed_ids(&ids[kept..]) == all[all.len() - width..], "on from {kept}");
        }
        let mut next = ids.clone();
        next.push(7);
        let mut on = fork.fork();
        assert_eq!(on.rewind_to(&next), ids.len());
        let mut slowly = Session::new(transformer, &cpu, 320, CacheType::F32).expect("memory");
        assert!(on.feed_ids(&[7]) == slowly.feed_ids(&next));
    });
}

/// A step that is given up leaves a sequence that knows how long it is.
#[test]
fn a_step_that_is_not_taken_changes_nothing() {
    let reference = reference();
    let ids = reference.ids("tied.short.ids");
    with_model(&open("qwen35/tied-f32.gguf"), &LoadOptions::default(), |transformer| {
        let cpu = cpu();
        let pool = StatePool::for_sequences(transformer, 1, 64, CacheType::F32).expect("memory");
        let mut state = pool.state(64);
        let tokens = tokens(transformer.model, &ids);
        let logits = |state: &mut State<_>, tokens| {
            state.step(tokens, |step| transformer.logits(&cpu, step).into_data()).expect("they fit").into_vec()
        };
        let first = logits(&mut state, &tokens[..9]);
        state.step(&tokens[9..], |step| drop(step)).expect("they fit");
        assert_eq!(state.len(), 9);
        let rest = logits(&mut state, &tokens[9..]);
        assert!([first, rest].concat() == logits_of(&cpu, transformer, &ids));
    });
}
