//! What a form allows token by token, over a vocabulary that is small enough to be written down: with control tokens,
//! tags of thoughts and of calls, and tokens across the ends of tags.

use super::*;
use crate::request::{Structure, Structured};
use trine::model::{Candidates, Logits, LogitsFilter, LogitsRequest, Tokenizer};
use trine::shapes::{Fixed, Tensor};
use trine::text::{SpecialIds, VocabularyData};

/// Each token and whether it is a control token.
const TOKENS: [(&str, bool); 16] = [
    ("<|end|>", true),
    ("<|user|>", true),
    ("<think>", false),
    ("</think>", false),
    ("<tool_call>", false),
    ("a", false),
    ("b", false),
    ("1", false),
    ("2", false),
    ("</", false),
    ("think", false),
    (">", false),
    (">1", false),
    (">\u{10a}", false),
    ("ab", false),
    ("x</think>1", false),
];

fn filter(structure: Structure, begins: Begins) -> Result<filter::GrammarFilter, crate::error::ApiError> {
    let data = VocabularyData {
        model: "gpt2".to_owned(),
        pre: Some("gpt-2".to_owned()),
        tokens: TOKENS.iter().map(|(text, _)| (*text).to_owned()).collect(),
        token_types: Some(TOKENS.iter().map(|(_, is_control)| if *is_control { 3 } else { 1 }).collect()),
        merges: Some(Vec::new()),
        special: SpecialIds { eos: Some(0), ..SpecialIds::default() },
        ..VocabularyData::default()
    };
    let grammars = Grammars::new(Tokenizer::from_data(data).unwrap().into());
    grammars.compile(Constraint { form: Structured { structure, param: "form".to_owned() }, begins })
}

/// The texts of the tokens that may be drawn.
fn allowed(filter: &mut filter::GrammarFilter) -> Vec<&'static str> {
    // The vocabulary of the model is longer than that of its tokenizer.
    let logits = Logits::dense(Tensor::from_data((Fixed::<18>,), [0.0; 18]));
    let mut candidates = Candidates::new(&logits).unwrap();
    filter.apply(&mut candidates, &[]).unwrap();
    candidates.as_slice().iter().map(|token| TOKENS.get(token.id as usize).map_or("?", |(text, _)| text)).collect()
}

fn draw(filter: &mut filter::GrammarFilter, texts: &[&str]) {
    for text in texts {
        let id = TOKENS.iter().position(|(token, _)| token == text).unwrap();
        filter.accept(id as u32);
    }
}

#[test]
fn the_end_comes_where_the_form_may_end() {
    let mut filter = filter(Structure::Regex("a+[12]?".to_owned()), Begins::AtOnce).unwrap();
    assert_eq!(allowed(&mut filter), ["a"]);
    let mut other = filter.clone();
    draw(&mut filter, &["a"]);
    assert_eq!(allowed(&mut filter), ["<|end|>", "a", "1", "2"]);
    draw(&mut filter, &["1"]);
    assert_eq!(allowed(&mut filter), ["<|end|>"]);
    // A copy is at its own place.
    assert_eq!(allowed(&mut other), ["a"]);
}

/// Before the logits are there, the form says whose they should be; where many tokens may follow, all are as good.
#[test]
fn the_logits_of_few_tokens_are_asked_for() {
    let only = |id: u32| LogitsRequest::Among([id].into_iter().collect());
    let mut filter = filter(Structure::Regex("a1+".to_owned()), Begins::AtOnce).unwrap();
    assert_eq!(filter.request(LogitsRequest::LARGEST), only(5));
    draw(&mut filter, &["a"]);
    assert_eq!(filter.request(LogitsRequest::LARGEST), only(7));
    draw(&mut filter, &["1"]);
    assert_eq!(filter.request(LogitsRequest::LARGEST), LogitsRequest::All);
    draw(&mut filter, &["<|end|>"]);
    assert_eq!(filter.clone().request(LogitsRequest::LARGEST), filter.request(LogitsRequest::LARGEST));
}

/// A text outside of the form may have any token.
#[test]
fn the_logits_of_all_tokens_are_asked_for_outside_of_the_form() {
    let begins = Begins::BehindThought { is_open: true, open: None, close: "</think>" };
    let mut filter = filter(Structure::Regex("a".to_owned()), begins).unwrap();
    assert_eq!(filter.request(LogitsRequest::LARGEST), LogitsRequest::All);
    draw(&mut filter, &["b", "</think>"]);
    assert_eq!(filter.request(LogitsRequest::LARGEST), LogitsRequest::Among([5].into_iter().collect()));
}

#[test]
fn no_control_token_is_drawn_even_by_its_id() {
    let lark = |text: &str| Structure::Lark(text.to_owned());
    let mut by_id = filter(lark("start: <[1]> \"a\" | \"b\""), Begins::AtOnce).unwrap();
    assert_eq!(allowed(&mut by_id), ["b"]);
    let mut all = filter(lark("start: /(?s:.)*/"), Begins::AtOnce).unwrap();
    let texts: Vec<&str> = TOKENS.iter().map(|(text, _)| *text).filter(|text| *text != "<|user|>").collect();
    assert_eq!(allowed(&mut all), texts);
    assert!(filter(lark("start: <|user|> \"a\""), Begins::AtOnce).is_err());
}

#[test]
fn a_form_begins_behind_a_thought() {
    let behind = |is_open| Begins::BehindThought { is_open, open: Some(2), close: "</think>" };
    let form = || Structure::Regex("[12]{2}".to_owned());
    // Nothing has begun a thought: the model may, or begin with the form.
    let mut first = filter(form(), behind(false)).unwrap();
    assert_eq!(allowed(&mut first), ["<think>", "1", "2"]);
    let mut without = first.clone();
    draw(&mut without, &["2"]);
    assert_eq!(allowed(&mut without), ["1", "2"]);
    draw(&mut first, &["<think>"]);
    // A thought does not end the text, and no token goes from it into the form.
    let free = allowed(&mut first);
    assert!(!free.contains(&"<|end|>") && !free.contains(&"x</think>1") && free.contains(&"b") && free.contains(&">1"));
    draw(&mut first, &["a", "</", "think"]);
    let free = allowed(&mut first);
    assert!(!free.contains(&">1") && free.contains(&">\u{10a}") && free.contains(&">"));
    draw(&mut first, &[">\u{10a}"]);
    assert_eq!(allowed(&mut first), ["1", "2"]);
    let mut open = filter(form(), behind(true)).unwrap();
    draw(&mut open, &["b", "</think>", "1", "1"]);
    assert_eq!(allowed(&mut open), ["<|end|>"]);
}

#[test]
fn a_form_begins_at_each_tag() {
    let mut filter = filter(Structure::Regex("[12]a".to_owned()), Begins::AtTag("<tool_call>")).unwrap();
    for _ in 0..2 {
        assert_eq!(allowed(&mut filter).len(), 18, "anything, and the end");
        draw(&mut filter, &["b", "<tool_call>"]);
        assert_eq!(allowed(&mut filter), ["1", "2"]);
        draw(&mut filter, &["1", "a"]);
    }
}
