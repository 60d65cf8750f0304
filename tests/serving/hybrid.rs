//! Models of which some blocks have the delta rule, whose memory cannot be cut anywhere: requests get what they get
//! alone, and what is known of a beginning is used where a state was kept.

use super::determinism::{Run, alone, assert_same, cases, run};
use super::*;

#[test]
fn what_a_request_gets_depends_on_nothing_else() {
    let engine = hybrid_engine(2, 60);
    let cases = cases(&engine, 15, 10);
    let expected = alone(&engine, &cases);
    for (seed, streams, target, tick) in [(2, 2, 1, 1_000_000), (3, 5, 20, 9_000_000)] {
        let order = Run { streams, target: Duration::from_millis(target), tick, neighbours: seed != 3, seed };
        assert_same(&format!("{streams} streams"), &cases, &run(&engine, &cases, &order), &expected);
    }
    // Little memory: states of pages make room.
    let engine = hybrid_engine(1, 12);
    let order = Run { streams: 6, target: Duration::from_millis(20), tick: 5_000_000, neighbours: true, seed: 8 };
    assert_same("little memory", &cases, &run(&engine, &cases, &order), &expected);
}

/// Beginnings are known to the page, and a text that goes on behind its end is known to the token.
#[test]
fn a_known_beginning_is_not_computed_again() {
    let engine = hybrid_engine(2, 60);
    let (mut scheduler, _) = scheduler(&engine, SchedulerOptions::default());
    let mut cached = |ids: &[u32]| {
        let mut heard = Heard::default();
        let id = scheduler.submit(request(&engine, ids, 3)).unwrap_or_else(|error| panic!("{error}"));
        heard.finish(&mut scheduler);
        check_pages(&scheduler);
        (heard.usage[&id].cached_tokens, heard.told[&id].tokens.clone())
    };
    let text = ids(1, 700);
    let with = |count: usize, own: u64| [&text[..count], &ids(own, 9)].concat();
    let (found, tokens) = cached(&text);
    assert_eq!((found, tokens.len()), (0, 3));
    assert_eq!(cached(&with(600, 50)).0, 512);
    assert_eq!(cached(&with(300, 51)).0, 256);
    assert_eq!(cached(&with(255, 52)).0, 0);
    // The last token that was generated is in no state.
    let next = [&text[..], &tokens[..2], &ids(53, 5)].concat();
    assert_eq!(cached(&next).0, 702);
}

/// A sequence that is saved goes on with the same bits, and one that is damaged is refused.
#[test]
fn sequences_are_saved_with_their_states() {
    let engine = hybrid_engine(1, 20);
    let feed = |sequence: &mut Sequence, ids: &[u32]| {
        let prompt = engine.prompt_of_ids(ids).expect("ids");
        let logits = sequence.feed(&prompt, LogitsRequest::All, &mut || ControlFlow::Continue(())).expect("a step");
        logits.expect("not interrupted").into_dense()
    };
    let text = ids(4, 300);
    let mut sequence = engine.sequence();
    feed(&mut sequence, &text);
    let bytes = sequence.to_bytes().expect("bytes");
    let mut again = engine.sequence_from_bytes(&bytes).unwrap_or_else(|error| panic!("{error}"));
    let empty = engine.sequence().to_bytes().expect("bytes");
    assert_eq!(engine.sequence_from_bytes(&empty).expect("no tokens").len(), 0);
    let (expected, found) = (feed(&mut sequence, &[5, 6]), feed(&mut again, &[5, 6]));
    assert!(expected.iter().zip(&found).all(|(a, b)| a.to_bits() == b.to_bits()));
    let mut fork = again.fork();
    let (expected, found) = (feed(&mut fork, &[9]), feed(&mut sequence, &[9]));
    assert!(expected.iter().zip(&found).all(|(a, b)| a.to_bits() == b.to_bits()));
    assert!(engine.sequence_from_bytes(&bytes[..bytes.len() - 4]).is_err());
}
