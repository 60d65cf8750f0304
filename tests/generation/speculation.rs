//! Guessed tokens change nothing but the number of steps.

use super::{Stories, ids, with_stories};
use crate::api::*;
use crate::support::{cpu, with_model};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::cell::RefCell;
use std::sync::Arc;
use trine::text::VocabularyData;

/// Tokens, text, why it ended, the bits of log-probabilities, and the tokens that the session has afterwards.
type Everything = (Vec<u32>, String, Finish, Vec<u64>, Vec<u32>);

fn run<M: Model>(
    stories: &mut Stories<M>,
    sampler: &SamplerOptions,
    options: &GenerateOptions,
    guesser: Option<&mut dyn Guess<M>>,
) -> (Everything, Guesses) {
    let Stories { session, tokenizer, prompt } = stories;
    let mut sampler = SamplerChain::new(sampler.clone()).expect("a sampler");
    let mut text = String::new();
    let mut on_text = |piece: &str| {
        text += piece;
        ControlFlow::Continue(())
    };
    let generated = session.generate_guessed(prompt, tokenizer, &mut sampler, options, guesser, &mut on_text);
    let generated = generated.expect("a text");
    let logprobs = generated.logprobs.iter().flat_map(|of| of.best.iter().chain([&of.chosen]));
    let bits = logprobs.map(|of| of.logprob.to_bits()).collect();
    ((ids(&generated.tokens), text, generated.finish, bits, ids(session.tokens())), generated.guesses)
}

/// What repeats itself, and what does not.
const PROMPTS: [&str; 3] = [
    "Lily has a red ball. Tim has a blue ball. Lily has a red ball. Tim has a blue ball. Lily has a red",
    "Once upon a time",
    "a a a a a a a a",
];

#[test]
fn texts_are_those_without_guesses() {
    let greedy = SamplerOptions::greedy();
    let drawn = SamplerOptions { seed: 11, ..SamplerOptions::default() };
    let penalised = SamplerOptions { repetition_penalty: 1.2, frequency_penalty: 0.3, seed: 5, ..drawn.clone() };
    let (mut made, mut right) = (0, 0);
    for shortlist in [false, true] {
        for prompt in PROMPTS {
            for (sampler, logprobs) in [(&greedy, None), (&drawn, Some(2)), (&penalised, None)] {
                for (max_tokens, positions, stop) in [(60, 512, None), (40, 45, None), (60, 512, Some("Tim"))] {
                    let stop_strings = stop.map(str::to_owned).into_iter().collect();
                    let plain = GenerateOptions { max_tokens, stop_strings, logprobs, ..GenerateOptions::default() };
                    let of = |guesses| {
                        let options = GenerateOptions { guesses, ..plain.clone() };
                        with_stories(prompt, positions, shortlist, |mut stories| {
                            run(&mut stories, sampler, &options, None)
                        })
                    };
                    let (expected, none) = of(0);
                    assert_eq!(none, Guesses::default());
                    for most in [1, 3, 16] {
                        let (found, guesses) = of(most);
                        assert_eq!(found, expected, "{prompt:?}, {sampler:?}, {max_tokens}, {positions}, {most}");
                        assert!(guesses.right <= guesses.made);
                        (made, right) = (made + guesses.made, right + guesses.right);
                    }
                }
            }
        }
    }
    assert!(right > 0 && right < made, "{right} of {made} guesses right: nothing was tested");
}

/// A stream that is left in the middle leaves no guess behind.
#[test]
fn a_stream_leaves_the_session_as_it_would_be_without_guesses() {
    let of = |guesses, taken| {
        with_stories(PROMPTS[0], 512, false, |Stories { mut session, tokenizer, prompt }| {
            let options = GenerateOptions { guesses, max_tokens: 50, ..GenerateOptions::default() };
            let stream = session.stream(prompt, &tokenizer, SamplerChain::greedy(), options);
            let steps: Vec<_> = stream.take(taken).map(|step| step.expect("a step").text).collect();
            (steps, ids(session.tokens()))
        })
    };
    for taken in [0, 1, 2, 5, 17, 100] {
        assert_eq!(of(8, taken), of(0, taken), "{taken}");
    }
}

/// Guesses take no page from others: where there is none left for them, the text goes on without.
#[test]
fn guesses_do_without_memory_that_is_not_there() {
    let of = |guesses| {
        with_stories(PROMPTS[2], 256, false, |Stories { session, tokenizer, prompt }| {
            let (transformer, cpu) = (session.transformer().clone(), cpu());
            let pool = StatePool::new(&transformer, 1, CacheType::F32).expect("memory");
            // The context would hold more than the one page of the pool.
            let mut session = Session::in_pool(&transformer, &cpu, &pool, 512);
            let options = GenerateOptions { guesses, max_tokens: 400, ..GenerateOptions::default() };
            let stream = session.stream(prompt, &tokenizer, SamplerChain::greedy(), options);
            let steps: Vec<_> =
                stream.map(|step| step.map(|step| step.text).map_err(|error| error.to_string())).collect();
            (steps.len(), steps.last().cloned())
        })
    };
    assert_eq!(of(16), of(0));
}

/// Knows the text, and says at random that it goes on otherwise, or nothing.
struct Liar<M> {
    vocab: Vocab<M>,
    text: Vec<u32>,
    random: ChaCha8Rng,
}

impl<M: Model> Guess<M> for Liar<M> {
    fn guess(&mut self, text: &[Idx<Vocab<M>>], most: usize) -> Vec<Idx<Vocab<M>>> {
        let count = self.random.random_range(0..=most);
        let random = &mut self.random;
        let behind = self.text.iter().skip(text.len()).take(count);
        let said = behind.map(|&id| if random.random_bool(0.8) { id } else { (id + 1) % self.vocab.len() as u32 });
        said.map(|id| Idx::new(self.vocab, id).expect("of the vocabulary")).collect()
    }
}

#[test]
fn whatever_is_guessed_the_text_is_the_same() {
    with_stories(PROMPTS[1], 60, false, |stories| {
        let stories = RefCell::new(stories);
        let config = ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() };
        let cases = (any::<u64>(), 1_usize..9, any::<bool>());
        let run = |sampler: &SamplerOptions, guesses, guesser: Option<&mut dyn Guess<_>>| {
            let options = GenerateOptions { guesses, max_tokens: 30, logprobs: Some(2), ..GenerateOptions::default() };
            run(&mut stories.borrow_mut(), sampler, &options, guesser)
        };
        let vocab = stories.borrow().session.vocab();
        let found = TestRunner::new(config).run(&cases, |(seed, most, greedy)| {
            let drawn = SamplerOptions { seed, ..SamplerOptions::default() };
            let sampler = if greedy { SamplerOptions::greedy() } else { drawn };
            let (plain, _) = run(&sampler, 0, None);
            let mut liar = Liar { vocab, text: plain.4.clone(), random: ChaCha8Rng::seed_from_u64(seed) };
            let (guessed, guesses) = run(&sampler, most, Some(&mut liar));
            prop_assert_eq!(guessed, plain);
            prop_assert!(guesses.right <= guesses.made);
            Ok(())
        });
        found.unwrap();
    });
}

/// The same model with a coarser head guesses most of a text; one of another vocabulary is no draft.
#[test]
fn a_draft_is_a_model_of_the_same_vocabulary() {
    let head = Some(Requantize { kind: PackingKind::Q4_0, progress: None });
    let file = trine::embedded_model().expect("a model");
    let of_file = Arc::new(Tokenizer::from_gguf(&file, &TokenizerOptions::default()).expect("a tokenizer"));
    for sampler in [SamplerOptions::greedy(), SamplerOptions { seed: 3, ..SamplerOptions::default() }] {
        let options = |guesses| GenerateOptions { guesses, max_tokens: 60, ..GenerateOptions::default() };
        let plain =
            with_stories(PROMPTS[1], 128, false, |mut stories| run(&mut stories, &sampler, &options(0), None).0);
        // A draft whose context ends before the text does guesses until then.
        for positions in [128, 40] {
            let (guessed, guesses) = with_stories(PROMPTS[1], 128, false, |mut stories| {
                with_model(&file, &LoadOptions { head, ..LoadOptions::default() }, |small| {
                    let session = Session::new(small, &cpu(), positions, CacheType::Q8).expect("memory");
                    let tokenizer = of_file.clone().for_model(small.model).expect("of one file");
                    let same = tokenizer.same_as(&stories.tokenizer).expect("one vocabulary");
                    run(&mut stories, &sampler, &options(4), Some(&mut Draft::new(session, same)))
                })
            });
            assert_eq!(guessed, plain);
            let least = if positions == 40 { 1 } else { 15 };
            assert!(guesses.right >= least, "{positions}: {guesses:?}");
        }
    }
    let letters = VocabularyData {
        model: "gpt2".to_owned(),
        pre: Some("gpt-2".to_owned()),
        tokens: ["h", "i", "hi"].map(str::to_owned).to_vec(),
        merges: Some(vec!["h i".to_owned()]),
        ..VocabularyData::default()
    };
    let other = Tokenizer::from_data(letters).expect("a tokenizer");
    with_stories(PROMPTS[1], 128, false, |stories| {
        let of_model = other.for_model(stories.session.transformer().model).expect("no more tokens than the model");
        assert!(matches!(of_model.same_as(&stories.tokenizer).err(), Some(NotSame::Item { index: 0, .. })));
    });
}
