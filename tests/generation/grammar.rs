//! A grammar's mask as a program would write one: a filter that allows the tokens with which a text can still become a
//! JSON list of numbers; and a sampler of the program's own.

use super::with_stories;
use crate::api::*;
use std::sync::Arc;

/// Numbers in a list, and digits of a number.
const NUMBERS: usize = 4;
const DIGITS: usize = 3;

/// A place in `"[" number ("," number)* "]"`, where a number is `0` or has no leading zero.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Start,
    /// Before the first digit of a number, with so many numbers before it.
    Number(usize),
    /// Behind digits of a number.
    Digits {
        numbers: usize,
        digits: usize,
        zero: bool,
    },
    End,
}

impl Place {
    fn after(self, byte: u8) -> Option<Place> {
        match (self, byte) {
            (Place::Start, b'[') => Some(Place::Number(0)),
            (Place::Number(numbers), b'0'..=b'9') => Some(Place::Digits { numbers, digits: 1, zero: byte == b'0' }),
            (Place::Digits { numbers, digits, zero: false }, b'0'..=b'9') if digits < DIGITS => {
                Some(Place::Digits { numbers, digits: digits + 1, zero: false })
            }
            (Place::Digits { numbers, .. }, b',') if numbers + 1 < NUMBERS => Some(Place::Number(numbers + 1)),
            (Place::Digits { .. }, b']') => Some(Place::End),
            _ => None,
        }
    }
}

/// Allows what can go on, and the end of the text where the list is complete.
struct ListOfNumbers {
    tokenizer: Arc<Tokenizer>,
    place: Place,
}

impl ListOfNumbers {
    fn after(&self, id: u32) -> Option<Place> {
        if self.tokenizer.end_of_generation().contains(&id) {
            return Some(self.place).filter(|place| *place == Place::End);
        }
        let mut bytes = Vec::new();
        self.tokenizer.decode_into(id, false, &mut bytes).ok()?;
        (!bytes.is_empty()).then_some(())?;
        bytes.iter().try_fold(self.place, |place, &byte| place.after(byte))
    }
}

impl LogitsFilter for ListOfNumbers {
    fn apply(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<(), SamplerError> {
        candidates.retain(|candidate| self.after(candidate.id).is_some());
        if candidates.is_empty() {
            return Err(SamplerError::Filter { message: format!("nothing can follow {:?}", self.place) });
        }
        Ok(())
    }

    fn accept(&mut self, id: u32) {
        self.place = self.after(id).expect("a token that was allowed");
    }
}

fn chain(options: &SamplerOptions, tokenizer: &Arc<Tokenizer>) -> SamplerChain {
    let mut chain = SamplerChain::new(options.clone()).expect("sound options");
    chain.push_first(ListOfNumbers { tokenizer: Arc::clone(tokenizer), place: Place::Start });
    chain
}

/// What the embedded model, which tells stories, says under the grammar.
fn lists(options: &SamplerOptions, shortlist: bool) -> (String, Finish) {
    with_stories("Once upon a time", 100, shortlist, |mut stories| {
        let chain = chain(options, stories.tokenizer.tokenizer());
        assert_eq!(chain.request(), LogitsRequest::All, "a grammar may allow any token");
        let mut text = String::new();
        let mut stream = stories.session.stream(stories.prompt, &stories.tokenizer, chain, GenerateOptions::default());
        (&mut stream).for_each(|step| text += &step.expect("a step").text);
        let finish = stream.finish().expect("the end").clone();
        (text, finish)
    })
}

#[test]
fn a_mask_makes_json_of_a_story() {
    let drawn = SamplerOptions { temperature: 1.5, top_k: 0, seed: 4, ..SamplerOptions::default() };
    let mut found = Vec::new();
    for options in [SamplerOptions::greedy(), SamplerOptions { seed: 2, ..SamplerOptions::default() }, drawn] {
        let (text, finish) = lists(&options, false);
        let numbers: Vec<u32> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert!((1..=NUMBERS).contains(&numbers.len()) && numbers.iter().all(|number| *number < 1000), "{text}");
        assert!(matches!(finish, Finish::Token(_)), "{finish:?}");
        assert_eq!(lists(&options, true), (text.clone(), finish), "with a shortlist");
        found.push(text);
    }
    found.dedup();
    assert!(found.len() > 1, "{found:?}");
}

#[test]
fn a_mask_that_allows_nothing_is_an_error_with_its_words() {
    with_stories("Once upon a time", 100, false, |mut stories| {
        let mut chain = chain(&SamplerOptions::greedy(), stories.tokenizer.tokenizer());
        // A later filter takes the end away, and the mask has nothing else.
        let end = stories.tokenizer.tokenizer().end_of_generation().to_vec();
        let bias = end.iter().map(|&id| (id, f32::NEG_INFINITY)).collect();
        chain.push_first(filters::LogitBias::new(bias).expect("sound biases"));
        let mut ignore = |_: &str| ControlFlow::Continue(());
        let options = GenerateOptions::default();
        let generated =
            stories.session.generate(&stories.prompt, &stories.tokenizer, &mut chain, &options, &mut ignore);
        assert_eq!(generated.unwrap_err().to_string(), "nothing can follow End");
    });
}

/// Takes the second best, and asks for no more.
struct SecondBest;

impl Sampler for SecondBest {
    fn request(&self) -> LogitsRequest {
        LogitsRequest::LARGEST.with_margin(1)
    }

    fn sample(&mut self, candidates: &mut Candidates, _recent: &[u32]) -> Result<u32, SamplerError> {
        candidates.rank();
        let second = candidates.as_slice().get(1).or(candidates.as_slice().first());
        second.map(|candidate| candidate.id).ok_or(SamplerError::NoCandidate { logits: candidates.tokens() })
    }
}

#[test]
fn a_sampler_of_ones_own_stands_where_the_built_in_ones_do() {
    let tokens = |shortlist| {
        with_stories("The little fox", 100, shortlist, |mut stories| {
            let options = GenerateOptions { max_tokens: 10, ..GenerateOptions::default() };
            let mut session = stories.session;
            let alone = session.stream(stories.prompt.clone(), &stories.tokenizer, SecondBest, options.clone());
            let id = |step: Result<GenerationStep<Idx<_>>, _>| step.expect("a step").token.map(|token| token.get());
            let alone: Vec<Option<usize>> = alone.map(id).collect();
            let chain = SamplerChain::ending_in(SecondBest);
            let chained = session.stream(std::mem::take(&mut stories.prompt), &stories.tokenizer, chain, options);
            assert_eq!(chained.map(id).collect::<Vec<_>>(), alone);
            alone
        })
    };
    let all = tokens(false);
    assert!(all.len() >= 5, "{all:?}");
    assert_eq!(tokens(true), all);
}
