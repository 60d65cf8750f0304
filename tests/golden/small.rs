//! What tests of small models of one architecture share: a short and a long prompt against two engines, and steps of
//! any lengths against one step.

use crate::api::*;
use crate::support::{FeedIds, Reference, assert_close, cpu, fixture, logits_of, tokens, with_model};

/// Compares the logits of both prompts with those of an engine, where the reference has them.
pub fn check(folder: &str, source: &dyn Source, name: &str, engine: &str, tolerance: f64) {
    check_with(folder, source, (name, engine), &LoadOptions::default(), tolerance);
}

/// The same of a model that is loaded so.
pub fn check_with(
    folder: &str,
    source: &dyn Source,
    (name, engine): (&str, &str),
    options: &LoadOptions<'_>,
    tolerance: f64,
) {
    let reference = Reference::open(&format!("{folder}/expected.safetensors"));
    for prompt in ["short", "long"] {
        let key = format!("{name}.{prompt}.{engine}");
        if !reference.has(&key) {
            continue;
        }
        let (ids, expected) = (reference.ids(&format!("{name}.{prompt}.ids")), reference.floats(&key));
        let found = with_model(source, options, |transformer| logits_of(&cpu(), transformer, &ids));
        let last = &found[found.len() - expected.len()..];
        assert_close(&format!("{folder}/{key} of {}", source.label()), last, &expected, tolerance);
    }
}

/// The directory of a model, of whose entries none is unknown.
pub fn directory(folder: &str, name: &str) -> HfDirectory {
    let directory = HfDirectory::open(fixture(&format!("{folder}/{name}")), Access::Map);
    let directory = directory.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(directory.unread_entries(), [""; 0], "{name}");
    directory
}

/// At once, token by token and in steps with another sequence, on any number of threads, the logits have the same bits.
pub fn steps_give_the_same_bits(folder: &str, source: &dyn Source, name: &str) {
    let reference = Reference::open(&format!("{folder}/expected.safetensors"));
    let of = |prompt: &str| reference.ids(&format!("{name}.{prompt}.ids"));
    // Past the end of a page.
    let ids: Vec<u32> = of("long").into_iter().chain(of("long")).collect();
    let other = of("short");
    with_model(source, &LoadOptions::default(), |transformer| {
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
        let counts = [(1, 1), (2, 3), (67, 1), (1, 9), (150, 2), (79, 3)];
        steps_together_have_the_rows_of_each(transformer, [&ids, &other], [&all, &others], &counts);
    });
}

/// Two sequences in steps together, each of so many tokens of both, have the logits that they have alone, bit for bit.
pub fn steps_together_have_the_rows_of_each<M: Model>(
    transformer: &Transformer<M>,
    [ids, other]: [&[u32]; 2],
    [all, others]: [&[f32]; 2],
    counts: &[(usize, usize)],
) {
    let (cpu, width) = (cpu(), all.len() / ids.len());
    let pool = StatePool::for_sequences(transformer, 2, 320, CacheType::F32).expect("memory");
    let (mut left, mut right) = (pool.state(320), pool.state(320));
    let (ids, other) = (tokens(transformer.model, ids), tokens(transformer.model, other));
    let (mut at, mut beside) = (0, 0);
    for &(count, of_other) in counts {
        let requests = vec![(&mut left, &ids[at..at + count]), (&mut right, &other[beside..beside + of_other])];
        let found = State::step_together(requests, |step| transformer.logits(&cpu, step).into_data());
        let found = found.expect("they fit");
        let (own, rest) = found.split_at(count * width);
        assert!(own == &all[at * width..][..count * width], "{count} tokens behind {at}");
        assert!(rest == &others[beside * width..][..of_other * width], "{of_other} tokens behind {beside}");
        (at, beside) = (at + count, beside + of_other);
    }
    assert_eq!((at, beside), (ids.len(), other.len()));
}
