//! Guessed tokens change nothing but the number of steps.

use super::{Stories, ids, with_stories};
use crate::api::*;

/// Tokens, text, why it ended, the bits of log-probabilities, and the tokens that the session has afterwards.
type Everything = (Vec<u32>, String, Finish, Vec<u64>, Vec<u32>);

fn run<M: Model>(
    stories: &mut Stories<M>,
    sampler: &SamplerOptions,
    options: &GenerateOptions,
) -> (Everything, Guesses) {
    let Stories { session, tokenizer, prompt } = stories;
    let mut sampler = SamplerChain::new(sampler.clone()).expect("a sampler");
    let mut text = String::new();
    let mut on_text = |piece: &str| {
        text += piece;
        ControlFlow::Continue(())
    };
    let generated = session.generate(prompt, tokenizer, &mut sampler, options, &mut on_text).expect("a text");
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
                        with_stories(prompt, positions, shortlist, |mut stories| run(&mut stories, sampler, &options))
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
            let (transformer, cpu) = (session.transformer().clone(), crate::support::cpu());
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
