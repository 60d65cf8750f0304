//! Where a run ends: at a token, at the end of the context, at a number of tokens.

use super::{errors, text, trine, trine_reading};

const PROMPT: &str = "Once upon a time";

/// A greedy run of the built-in model.
struct Run {
    /// What is printed behind the prompt.
    story: String,
    /// The texts of the chosen tokens.
    pieces: Vec<String>,
    notes: String,
}

fn run(tokens: &str, more: &[&str]) -> Run {
    let options = ["run", "-p", PROMPT, "--greedy", "--ignore-eos", "--logprobs", "0", "-n", tokens];
    let output = trine(&[&options[..], more].concat());
    let notes = errors(&output);
    let rows = notes.lines().filter(|line| line.starts_with("  ")).skip(1);
    let piece = |line: &str| serde_json::from_str(line.trim().split("  ").next().unwrap()).unwrap();
    let story = text(&output).strip_prefix(PROMPT).unwrap().trim_end().to_owned();
    Run { story, pieces: rows.map(piece).collect(), notes }
}

/// Tokens of the prompt, and single steps after it.
fn counts(notes: &str) -> (usize, usize) {
    let after = |word: &str| notes.split_once(word).unwrap().1.split(' ').next().unwrap().parse().unwrap();
    (after("prompt "), after("decode "))
}

#[test]
fn a_token_ends_a_run_and_is_not_printed() {
    let whole = run("24", &[]);
    let kept = whole.pieces.iter().position(|piece| *piece == whole.pieces[9]).unwrap();
    let id = text(&trine_reading(whole.pieces[9].as_bytes(), &["tokenize", "--no-special"]));
    let stopped = run("24", &["--stop-id", id.trim()]);
    assert_eq!(stopped.story, whole.pieces[..kept].concat().trim_end(), "until {id}");
    assert_eq!(stopped.pieces, whole.pieces[..=kept], "the probability of the last one is shown");
    assert_eq!(run("24", &["--stop-id", "2047"]).story, whole.story, "one that does not come ends nothing");
}

#[test]
fn a_run_uses_every_position_of_its_context() {
    let whole = run("40", &[]);
    assert!(!whole.notes.contains("positions of the context"), "{}", whole.notes);
    let (prompt, steps) = counts(&whole.notes);
    assert_eq!(steps, 39);
    // The whole context of the model is what it has where no other is asked for.
    for (positions, more) in [(prompt, true), (prompt + 1, true), (30, true), (256, false)] {
        let context = ["--context", &positions.to_string()];
        let cut = run("4000", if more { &context } else { &[] });
        assert!(cut.notes.contains(&format!("all {positions} positions of the context are used")), "{}", cut.notes);
        // One token for each free position, and the one that follows the last: it is printed and not fed.
        let free = positions - prompt;
        assert_eq!((counts(&cut.notes), cut.pieces.len()), ((prompt, free), free + 1));
        assert!(cut.pieces.iter().zip(&whole.pieces).all(|(cut, whole)| cut == whole), "{positions}");
    }
}

#[test]
fn a_shortlist_changes_no_token_whatever_penalties_there_are() {
    for penalty in ["--repetition-penalty=1.7", "--frequency-penalty=2.5", "--presence-penalty=4", "--top-k=3"] {
        let options = ["run", "-p", PROMPT, "-n", "60", "--seed", "7", penalty];
        let story = |more: &[&str]| text(&trine(&[&options[..], more].concat()));
        assert_eq!(story(&["--shortlist"]), story(&[]), "{penalty}");
    }
}
