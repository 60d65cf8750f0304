//! The same generation by hand, as an iterator and with a callback.

use super::{Outcome, Stories, ids, with_stories};
use crate::api::*;
use crate::support::{cpu, with_model};

/// Drives the state machine in the open.
fn by_hand<M: Model>(stories: &mut Stories<M>, chain: SamplerChain, options: &GenerateOptions) -> Outcome {
    let Stories { session, tokenizer, prompt } = stories;
    session.rewind(&[]);
    let positions = session.capacity();
    let generation = Generation::new(ids(prompt), tokenizer.tokenizer().clone(), chain, options.clone());
    let mut generation = generation.with_context(positions);
    let mut text = String::new();
    let mut logits = session.feed_for(prompt, generation.request()).expect("a prompt");
    loop {
        let step = generation.advance(&logits).expect("a step");
        text += &step.text;
        match step.next {
            Next::Feed(id) => {
                assert_eq!(step.token, Some(id));
                let token = session.tokens_of(&[id]).expect("an id of the vocabulary");
                logits = session.feed_for(&token, generation.request()).expect("it fits");
            }
            Next::Done(finish) => {
                assert_eq!(generation.finish(), Some(&finish));
                let again = generation.advance(&logits).expect("nothing");
                assert_eq!((again.token, again.text.as_str(), again.next), (None, "", Next::Done(finish.clone())));
                return Outcome { tokens: generation.generated().to_vec(), text, finish };
            }
        }
    }
}

fn as_iterator<M: Model>(stories: &mut Stories<M>, chain: SamplerChain, options: &GenerateOptions) -> Outcome {
    let Stories { session, tokenizer, prompt } = stories;
    session.rewind(&[]);
    let (mut tokens, mut text) = (Vec::new(), String::new());
    let mut stream = session.stream(prompt.clone(), &*tokenizer, chain, options.clone());
    for step in &mut stream {
        let step = step.expect("a step");
        tokens.extend(step.token);
        text += &step.text;
    }
    assert_eq!(stream.generated(), tokens);
    let finish = stream.finish().expect("the end").clone();
    Outcome { tokens: ids(&tokens), text, finish }
}

fn with_callback<M: Model>(stories: &mut Stories<M>, mut chain: SamplerChain, options: &GenerateOptions) -> Outcome {
    let Stories { session, tokenizer, prompt } = stories;
    session.rewind(&[]);
    let mut text = String::new();
    let mut on_text = |piece: &str| {
        text += piece;
        ControlFlow::Continue(())
    };
    let generated = session.generate(prompt, tokenizer, &mut chain, options, &mut on_text).expect("a generation");
    Outcome { tokens: ids(&generated.tokens), text, finish: generated.finish }
}

/// All three ways, which are one.
fn generate<M: Model>(stories: &mut Stories<M>, sampler: &SamplerOptions, options: &GenerateOptions) -> Outcome {
    let chain = || SamplerChain::new(sampler.clone()).expect("sound options");
    let outcome = with_callback(stories, chain(), options);
    assert_eq!(by_hand(stories, chain(), options), outcome);
    assert_eq!(as_iterator(stories, chain(), options), outcome);
    outcome
}

fn drawn() -> SamplerOptions {
    SamplerOptions { seed: 11, frequency_penalty: 0.2, repetition_penalty: 1.1, ..SamplerOptions::default() }
}

#[test]
fn every_way_of_driving_a_generation_gives_the_same() {
    for shortlist in [false, true] {
        with_stories("The little fox", 200, shortlist, |mut stories| {
            let options = GenerateOptions { max_tokens: 40, ..GenerateOptions::default() };
            for sampler in [SamplerOptions::greedy(), drawn()] {
                let whole = generate(&mut stories, &sampler, &options);
                assert_eq!((whole.tokens.len(), &whole.finish), (40, &Finish::MaxTokens), "{whole:?}");
                let decoded = whole.tokens.iter().fold(Vec::new(), |mut bytes, &id| {
                    stories.tokenizer.tokenizer().decode_into(id, false, &mut bytes).expect("its own id");
                    bytes
                });
                assert_eq!(whole.text, String::from_utf8_lossy(&decoded));
            }
        });
    }
}

#[test]
fn a_stop_string_across_tokens_is_cut_out() {
    with_stories("The little fox", 200, false, |mut stories| {
        let options = GenerateOptions { max_tokens: 40, ..GenerateOptions::default() };
        for sampler in [SamplerOptions::greedy(), drawn()] {
            let whole = generate(&mut stories, &sampler, &options);
            // From the middle of one token over the next ones.
            let stop: String = whole.text.chars().skip(37).take(9).collect();
            let stopped = GenerateOptions { stop_strings: vec!["never".to_owned(), stop.clone()], ..options.clone() };
            let outcome = generate(&mut stories, &sampler, &stopped);
            assert_eq!(outcome.finish, Finish::StopString(stop.clone()));
            assert_eq!(outcome.text, whole.text[..whole.text.find(&stop).expect("it is in the text")]);
            assert!(outcome.tokens.len() < whole.tokens.len() && whole.tokens.starts_with(&outcome.tokens));
        }
    });
}

#[test]
fn ids_counts_and_the_context_end_a_generation() {
    with_stories("The little fox", 30, false, |mut stories| {
        let sampler = SamplerOptions::greedy();
        let options = GenerateOptions { max_tokens: 12, ..GenerateOptions::default() };
        let whole = generate(&mut stories, &sampler, &options);
        let stop = whole.tokens[7];
        let first = whole.tokens.iter().position(|&id| id == stop).expect("it is there");
        let outcome = generate(&mut stories, &sampler, &GenerateOptions { stop_ids: vec![stop], ..options.clone() });
        assert_eq!((outcome.finish, &outcome.tokens[..]), (Finish::Token(stop), &whole.tokens[..first]));

        let outcome = generate(&mut stories, &sampler, &GenerateOptions { max_tokens: 0, ..options.clone() });
        assert_eq!(outcome, Outcome { tokens: Vec::new(), text: String::new(), finish: Finish::MaxTokens });

        let endless = GenerateOptions { max_tokens: usize::MAX, stop_at_end_of_text: false, ..options };
        let outcome = generate(&mut stories, &sampler, &endless);
        // One token for each free position, and the one that follows the last.
        let expected = 30 - stories.prompt.len() + 1;
        assert_eq!((outcome.finish, outcome.tokens.len()), (Finish::ContextFull, expected));
    });
}

#[test]
fn the_end_of_a_text_ends_a_generation() {
    with_stories("Once upon a time", 250, false, |mut stories| {
        let end = stories.tokenizer.tokenizer().end_of_generation()[0];
        // Whatever the model would say, the end is likelier.
        let sampler = SamplerOptions { logit_bias: vec![(end, 1e6)], ..SamplerOptions::greedy() };
        let outcome = generate(&mut stories, &sampler, &GenerateOptions::default());
        assert_eq!(outcome, Outcome { tokens: Vec::new(), text: String::new(), finish: Finish::Token(end) });
        let options = GenerateOptions { stop_at_end_of_text: false, max_tokens: 3, ..GenerateOptions::default() };
        let outcome = generate(&mut stories, &sampler, &options);
        assert_eq!(outcome, Outcome { tokens: vec![end; 3], text: String::new(), finish: Finish::MaxTokens });
    });
}

#[test]
fn a_generation_can_be_ended_from_outside() {
    with_stories("The little fox", 100, false, |stories| {
        let Stories { mut session, tokenizer, prompt } = stories;
        let options = GenerateOptions { stop_strings: vec!["zebra".to_owned()], ..GenerateOptions::default() };
        let generation = || Generation::new(ids(&prompt), &tokenizer, SamplerChain::greedy(), options.clone());
        // A letter that may begin the stop string is held back until the end.
        let bias = |id| SamplerChain::new(SamplerOptions { logit_bias: vec![(id, 1e6)], ..SamplerOptions::greedy() });
        let z = *tokenizer.tokenizer().encode("z", EncodeOptions::PLAIN).expect("a letter").last().expect("an id");
        let logits = session.feed_for(&prompt, LogitsRequest::All).expect("a prompt");
        for (finish, text) in [(Finish::ContextFull, "z"), (Finish::Interrupted, "")] {
            let mut held = Generation::new(ids(&prompt), &tokenizer, bias(z).expect("options"), options.clone());
            let step = held.advance(&logits).expect("a step");
            assert_eq!((step.token, step.text.as_str()), (Some(z), ""));
            let end = held.end(finish.clone());
            assert_eq!((end.text.as_str(), end.next), (text, Next::Done(finish.clone())));
            assert_eq!(held.end(Finish::MaxTokens).next, Next::Done(finish));
        }
        assert_eq!(generation().generated(), [0u32; 0]);
    });
}

#[test]
fn an_interrupted_prompt_counts_what_was_processed() {
    let stories = trine::embedded_model().expect("a model");
    let tokenizer = Tokenizer::from_gguf(&stories, &TokenizerOptions::default()).expect("a tokenizer");
    let mut synthetic = Synthetic::tiny();
    synthetic.config.dims.vocab = tokenizer.len();
    with_model(&synthetic.gguf().expect("a model"), &LoadOptions::default(), |transformer| {
        let mut session = Session::new(transformer, &cpu(), 1000, CacheType::F32).expect("memory");
        let tokenizer = tokenizer.for_model(transformer.model).expect("as many tokens");
        let prompt = session.tokens_of(&[7; 600]).expect("ids of the vocabulary");
        let (mut chain, options) = (SamplerChain::greedy(), GenerateOptions::default());
        let mut stop = |_: &str| ControlFlow::Break(());
        let generated = session.generate(&prompt, &tokenizer, &mut chain, &options, &mut stop).expect("a beginning");
        assert_eq!((generated.finish, generated.prompt.0), (Finish::Interrupted, 256));
        assert_eq!((session.tokens().len(), generated.decode.0), (256, 0));
    });
}

#[test]
fn an_iterator_ends_with_its_error() {
    with_stories("The little fox", 100, false, |stories| {
        let Stories { mut session, tokenizer, prompt } = stories;
        let unknown = SamplerOptions { logit_bias: vec![(9_999_999, 1.0)], ..SamplerOptions::greedy() };
        let chain = || SamplerChain::new(unknown.clone()).expect("sound options");
        let mut stream = session.stream(prompt, &tokenizer, chain(), GenerateOptions::default());
        let error = stream.next().expect("an error").unwrap_err();
        assert!(error.to_string().starts_with("token 9999999 has a logit bias"), "{error}");
        assert!(stream.next().is_none() && stream.next().is_none());
        let mut empty = session.stream([], &tokenizer, chain(), GenerateOptions::default());
        assert!(matches!(empty.next(), Some(Err(GenerateError::Session(_)))));
        assert!(empty.next().is_none());
    });
}

/// A program may keep generations and move them between threads.
#[test]
fn a_generation_owns_what_it_needs() {
    fn owned<T: Send + 'static>(value: T) -> T {
        value
    }
    with_stories("The little fox", 100, false, |stories| {
        let Stories { mut session, tokenizer, prompt } = stories;
        let generation = Generation::new(
            ids(&prompt),
            tokenizer.tokenizer().clone(),
            SamplerChain::greedy(),
            GenerateOptions::default(),
        );
        let mut generation: Generation = owned(generation);
        let logits = session.feed_for(&prompt, generation.request()).expect("a prompt");
        let step = std::thread::scope(|scope| scope.spawn(|| generation.advance(&logits)).join()).expect("no panic");
        assert!(matches!(step.expect("a step").next, Next::Feed(_)));
    });
}
