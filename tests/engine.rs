//! Engines as a program uses them: many models, many sequences, threads, identities. Only public items are used.

use crate::api::*;
use crate::support::{cpu, fixture, with_model};
use std::num::NonZeroUsize;

fn options() -> EngineOptions {
    EngineOptions { cpu: Some(cpu()), cache: CacheType::F32, ..EngineOptions::default() }
}

fn stories(options: EngineOptions) -> Engine {
    Engine::of_source(&trine::embedded_model().expect("a model"), options).unwrap_or_else(|error| panic!("{error}"))
}

fn greedy(max_tokens: usize) -> (SamplerChain, GenerateOptions) {
    let sampler = SamplerChain::new(SamplerOptions::greedy()).expect("a sampler");
    (sampler, GenerateOptions { max_tokens, ..GenerateOptions::default() })
}

fn text(sequence: &mut Sequence, prompt: &Prompt, max_tokens: usize) -> String {
    let (sampler, options) = greedy(max_tokens);
    sequence.generate_with(prompt, sampler, options).map(|piece| piece.expect("a piece").text).collect()
}

fn feed(sequence: &mut Sequence, prompt: &Prompt) -> Vec<f32> {
    let proceed = &mut || ControlFlow::Continue(());
    let logits = sequence.feed(prompt, LogitsRequest::All, proceed).unwrap_or_else(|error| panic!("{error}"));
    logits.expect("nothing interrupts it").into_dense()
}

#[test]
fn engines_and_sequences_can_be_kept_and_sent() {
    fn shared<T: Send + Sync + 'static>() {}
    fn sent<T: Send + 'static>() {}
    shared::<Engine>();
    shared::<Prompt>();
    sent::<Sequence>();
    sent::<Generation>();
}

#[test]
fn an_engine_generates_what_a_session_generates() {
    let engine = stories(options());
    let prompt = engine.prompt("The king").expect("a prompt");
    let found = text(&mut engine.sequence(), &prompt, 40);
    let file = trine::embedded_model().expect("a model");
    let expected = with_model(&file, &LoadOptions::default(), |transformer| {
        let mut session = Session::new(transformer, &cpu(), 256, CacheType::F32).expect("memory");
        let (sampler, options) = greedy(40);
        let tokenizer = engine.tokenizer().clone().for_model(transformer.model).expect("of one file");
        let prompt = session.tokens_of(prompt.ids()).expect("ids of the vocabulary");
        let steps = session.stream(prompt, &tokenizer, sampler, options);
        steps.map(|step| step.expect("a step").text).collect::<String>()
    });
    assert_eq!(found, expected);
    assert!(!found.is_empty());
}

#[test]
fn a_conversation_goes_on_where_it_was() {
    let engine = stories(options());
    let mut sequence = engine.sequence();
    let mut prompt = engine.prompt("The fox").expect("a prompt");
    text(&mut sequence, &prompt, 5);
    let decode = |ids: &[u32]| engine.tokenizer().decode(ids, false).expect("a text");
    let all = decode(prompt.ids()) + &text(&mut engine.sequence(), &prompt, 10);
    // The last token of a generation is not fed: four are there.
    prompt = engine.prompt_of_tokens(sequence.tokens()).expect("its own tokens");
    assert_eq!(decode(prompt.ids()) + &text(&mut sequence, &prompt, 6), all);
    let ids: Vec<u32> = sequence.tokens().map(|token| token.id()).collect();
    assert!(ids.len() > prompt.ids().len() && ids.starts_with(prompt.ids()));
}

/// A model of random weights with the vocabulary of Llama 2 and a chat template.
fn with_sentencepiece() -> Gguf {
    let vocabulary = Gguf::open(fixture("tokenizer/ggml-vocab-llama-spm.gguf")).expect("a vocabulary");
    let mut synthetic = Synthetic::tiny();
    synthetic.config.dims.vocab = 32_000;
    let file = synthetic.gguf().expect("a model");
    let mut writer = GgufWriter::new();
    let of_tokenizer = |key: &str| key.starts_with("tokenizer.");
    let entries = file.metadata().iter().filter(|(key, _)| !of_tokenizer(key));
    for (key, value) in entries.chain(vocabulary.metadata().iter().filter(|(key, _)| of_tokenizer(key))) {
        writer.set(key, value.clone()).expect("a new key");
    }
    writer.set("tokenizer.chat_template", "{{ messages[0].content }}:").expect("a new key");
    for tensor in file.tensors() {
        let dims = tensor.ne.row_major();
        writer.tensor(&tensor.name, &dims, tensor.kind, file.bytes(tensor)).expect("a tensor");
    }
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).expect("memory");
    Gguf::from_bytes("sentencepiece", bytes.into()).expect("a file")
}

#[test]
fn an_answer_is_a_text_of_its_own() {
    let engine = Engine::of_source(&with_sentencepiece(), options()).unwrap_or_else(|error| panic!("{error}"));
    let the = engine.tokenizer().id("\u{2581}the").expect("a token");
    let said = |prompt: &Prompt| -> String {
        let sampler = SamplerOptions { logit_bias: vec![(the, 1e6)], ..SamplerOptions::greedy() };
        let options = GenerateOptions { max_tokens: 2, ..GenerateOptions::default() };
        let sampler = SamplerChain::new(sampler).expect("a sampler");
        engine.sequence().generate_with(prompt, sampler, options).map(|piece| piece.expect("a piece").text).collect()
    };
    assert_eq!(said(&engine.prompt("Hello").expect("a prompt")), " the the");
    assert_eq!(said(&engine.chat_prompt(&[Message::new("user", "Hello")]).expect("a prompt")), "the the");
}

#[test]
fn what_is_of_another_engine_is_refused_with_both_names() {
    let (one, other) = (stories(options()), stories(options()));
    let prompt = other.prompt("The fox").expect("a prompt");
    let expected = format!("this is of {}, expected {}", other.id(), one.id());
    let message = |error: EngineError| error.to_string();
    let proceed = &mut || ControlFlow::Continue(());
    let mut sequence = one.sequence();
    let refused = [
        message(sequence.feed(&prompt, LogitsRequest::All, proceed).unwrap_err()),
        message(sequence.rewind(&prompt).unwrap_err()),
        message(sequence.generate(&prompt).next().expect("an item").unwrap_err()),
        message(one.step(&mut [(&mut sequence, &prompt)], LogitsRequest::All).unwrap_err()),
        message(one.prompt_of_tokens(feed_tokens(&other)).unwrap_err()),
    ];
    for refused in &refused {
        assert!(refused.starts_with(&expected), "{refused}");
    }
    assert_eq!((sequence.len(), sequence.generate(&prompt).count()), (0, 1));
    let own = one.prompt("The fox").expect("a prompt");
    let strange = message(one.step(&mut [(&mut other.sequence(), &own)], LogitsRequest::All).unwrap_err());
    assert!(strange.starts_with(&expected), "{strange}");
    assert!(one.prompt_of_ids(&[1 << 30]).unwrap_err().to_string().contains("Vocab"));
    let chat = message(one.chat_prompt(&[Message::new("user", "Hello")]).unwrap_err());
    assert!(chat.contains("has no chat template"), "{chat}");
}

fn feed_tokens(engine: &Engine) -> Vec<Token> {
    let mut sequence = engine.sequence();
    feed(&mut sequence, &engine.prompt("A").expect("a prompt"));
    sequence.tokens().collect()
}

/// Prompts of different lengths, behind different pasts, in one step.
#[test]
fn a_step_of_many_gives_each_the_bits_it_gets_alone() {
    let engine = stories(options());
    let texts = ["The king had a daughter who", "A", "Once upon a time there was a little girl. She", "fox"];
    let prompts: Vec<Prompt> = texts.iter().map(|text| engine.prompt(text).expect("a prompt")).collect();
    let next = engine.prompt_of_ids(&[5, 9, 11]).expect("ids");
    let alone: Vec<[Vec<f32>; 2]> = prompts
        .iter()
        .map(|prompt| {
            let mut sequence = engine.sequence();
            [feed(&mut sequence, prompt), feed(&mut sequence, &next)]
        })
        .collect();
    let mut sequences: Vec<Sequence> = prompts.iter().map(|_| engine.sequence()).collect();
    for (round, expected) in [(0, 0), (1, 1)] {
        let mut requests: Vec<(&mut Sequence, &Prompt)> = sequences
            .iter_mut()
            .zip(&prompts)
            .map(|(s, prompt)| (s, if round == 0 { prompt } else { &next }))
            .collect();
        let logits = engine.step(&mut requests, LogitsRequest::All).unwrap_or_else(|error| panic!("{error}"));
        for (logits, alone) in logits.into_iter().zip(&alone) {
            assert_eq!(logits.into_dense(), alone[expected]);
        }
    }
}

#[test]
fn forks_share_what_they_have_in_common() {
    let pages = EngineOptions { sequences: NonZeroUsize::new(2).unwrap(), ..options() };
    let path = fixture("qwen3/tied-f32.gguf");
    let engine = Engine::open(path, pages).unwrap_or_else(|error| panic!("{error}"));
    let free = || {
        struct Free;
        impl Visit for Free {
            type Out = (usize, usize);
            fn visit<M: Model>(self, opened: &Opened<M>) -> (usize, usize) {
                (opened.pool().free_pages(), opened.pool().pages())
            }
        }
        engine.visit(Free)
    };
    let all = free();
    assert_eq!(all.0, all.1);
    let mut one = engine.sequence();
    let ids: Vec<u32> = (0..300).map(|i| 3 + i % 90).collect();
    feed(&mut one, &engine.prompt_of_ids(&ids).expect("ids"));
    assert_eq!(free().0, all.0 - 2);
    let mut other = one.fork();
    assert_eq!(free().0, all.0 - 2, "a fork takes no memory");
    let next = engine.prompt_of_ids(&[7]).expect("ids");
    let after = feed(&mut other, &next);
    assert_eq!(free().0, all.0 - 3, "the page that is written to is copied");
    assert_eq!(feed(&mut one, &next), after, "the first sequence is as it was");
    drop((one, other));
    assert_eq!(free(), all);
}

#[test]
fn a_pool_without_pages_is_an_error_and_nothing_is_lost() {
    let (context, sequences) = (NonZeroUsize::new(256), NonZeroUsize::new(1).unwrap());
    let engine = stories(EngineOptions { context, sequences, ..options() });
    let prompt = engine.prompt("The king").expect("a prompt");
    let (mut one, mut other) = (engine.sequence(), engine.sequence());
    let before = feed(&mut one, &prompt);
    let proceed = &mut || ControlFlow::Continue(());
    let error = other.feed(&prompt, LogitsRequest::All, proceed).unwrap_err().to_string();
    assert!(error.contains("1 more pages of 256 positions are needed and 0 of the pool's 1 are free"), "{error}");
    assert!(other.is_empty());
    drop(one);
    assert_eq!(feed(&mut other, &prompt), before);
    let too_long = engine.prompt_of_ids(&[5; 256]).expect("ids");
    let error = other.feed(&too_long, LogitsRequest::All, proceed).unwrap_err().to_string();
    assert!(error.contains("the context is full"), "{error}");
    let more = EngineOptions { context: NonZeroUsize::new(1 << 20), ..options() };
    let error = Engine::of_source(&trine::embedded_model().expect("a model"), more).unwrap_err().to_string();
    assert!(error.contains("a context of 1048576 positions is asked for"), "{error}");
}

#[test]
fn an_engine_with_memory_of_its_own_takes_none_of_the_first() {
    let one = NonZeroUsize::new(1).expect("1");
    let engine = stories(EngineOptions { sequences: one, ..options() });
    let prompt = engine.prompt("The king").expect("a prompt");
    let mut first = engine.sequence();
    let logits = feed(&mut first, &prompt);
    // All pages of the engine are in use.
    let refused = engine.sequence().feed(&prompt, LogitsRequest::All, &mut || ControlFlow::Continue(()));
    assert!(refused.is_err());
    let second = engine.with_memory_of_its_own(one).expect("memory");
    let own = second.prompt("The king").expect("a prompt");
    assert_eq!(feed(&mut second.sequence(), &own), logits);
    // They are two engines: what is of one is not of the other.
    assert!(second.sequence().feed(&prompt, LogitsRequest::All, &mut || ControlFlow::Continue(())).is_err());
    let mut again = second.sequence_from_bytes(&first.to_bytes().expect("bytes")).expect("the same model");
    let more = |engine: &Engine| engine.prompt_of_ids(&[5, 9]).expect("ids");
    assert_eq!(feed(&mut again, &more(&second)), feed(&mut first, &more(&engine)));
}

#[test]
fn the_logits_behind_each_token_are_those_that_follow_it() {
    let engine = stories(options());
    // More than one batch, but for the context of the story model: parts of a prompt and the whole of it.
    let ids: Vec<u32> = (0..200).map(|at| at * 7 % 2048).collect();
    let prompt = engine.prompt_of_ids(&ids).expect("ids");
    let (mut each, mut sequence) = (Vec::new(), engine.sequence());
    let fed = sequence.feed_each(&prompt, &mut |logits| each.push(logits.into_dense()), &mut || ControlFlow::Break(()));
    assert!(fed.expect("room") && sequence.len() == 200, "nothing is asked before the first part");
    for count in [1, 2, 77, 200] {
        let beginning = engine.prompt_of_ids(&ids[..count]).expect("ids");
        assert_eq!(feed(&mut engine.sequence(), &beginning), each[count - 1], "{count}");
    }
    assert_eq!(each.len(), 200);
    let empty = engine.prompt_of_ids(&[]).expect("ids");
    assert!(sequence.feed_each(&empty, &mut |_| (), &mut || ControlFlow::Continue(())).is_err());
}

#[test]
fn threads_share_an_engine() {
    let engine = stories(options());
    let prompt = engine.prompt("The king").expect("a prompt");
    let expected = text(&mut engine.sequence(), &prompt, 24);
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let (engine, prompt) = (engine.clone(), prompt.clone());
            std::thread::spawn(move || text(&mut engine.sequence(), &prompt, 24))
        })
        .collect();
    for worker in workers {
        assert_eq!(worker.join().expect("no panic"), expected);
    }
}

/// Two models of one process, opened by path, a directory among them.
#[test]
fn any_number_of_models_is_open() {
    let (file, directory) = (fixture("qwen3/tied-f32.gguf"), fixture("qwen3/tied"));
    let open = |path| Engine::open(path, options()).unwrap_or_else(|error| panic!("{error}"));
    let engines = [open(file), open(directory), stories(options())];
    let logits =
        engines.each_ref().map(|engine| feed(&mut engine.sequence(), &engine.prompt_of_ids(&[5, 7, 9]).unwrap()));
    assert_eq!(engines.each_ref().map(|engine| engine.config().dims.vocab), logits.each_ref().map(Vec::len));
    assert_ne!(engines[0].id(), engines[1].id());
}

/// A saved sequence goes on in another engine of the same model with the bits that it would have had.
#[test]
fn a_saved_sequence_goes_on_where_it_stood() {
    // Beyond a page.
    let ids: Vec<u32> = (0..300).map(|i| i * 37 % 119).collect();
    let open =
        |options| Engine::open(fixture("qwen3/yarn-f32.gguf"), options).unwrap_or_else(|error| panic!("{error}"));
    for cache in [CacheType::F32, CacheType::F16, CacheType::Q8] {
        let engine = open(EngineOptions { cache, ..options() });
        let mut sequence = engine.sequence();
        feed(&mut sequence, &engine.prompt_of_ids(&ids).expect("ids"));
        let saved = sequence.to_bytes().expect("memory");
        let one_thread = Cpu::new(CpuOptions { threads: NonZeroUsize::new(1), isa: None }).expect("a thread");
        let other = open(EngineOptions { cache, cpu: Some(one_thread), ..options() });
        let mut again = other.sequence_from_bytes(&saved).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.tokens().map(|token| token.id()).collect::<Vec<_>>(), ids);
        assert_eq!(again.to_bytes().expect("memory"), saved);
        let next = |engine: &Engine| engine.prompt_of_ids(&[11, 12]).expect("ids");
        assert_eq!(feed(&mut again, &next(&other)), feed(&mut sequence, &next(&engine)), "{cache}");
    }
}

#[test]
fn saved_sequences_of_others_and_damaged_ones_are_refused() {
    let engine = stories(options());
    let mut sequence = engine.sequence();
    feed(&mut sequence, &engine.prompt_of_ids(&[1, 2, 3]).expect("ids"));
    let saved = sequence.to_bytes().expect("memory");
    let refused = |engine: &Engine, bytes: &[u8]| engine.sequence_from_bytes(bytes).unwrap_err().to_string();
    let of_another = "the saved sequence is of another model";
    let qwen3 = Engine::open(fixture("qwen3/tied-f32.gguf"), options()).unwrap_or_else(|error| panic!("{error}"));
    assert!(refused(&qwen3, &saved).contains(of_another));
    for other in [
        EngineOptions { cache: CacheType::F16, ..options() },
        EngineOptions { activations: Some(ActivationMode::F32), ..options() },
    ] {
        assert!(refused(&stories(other), &saved).contains(of_another));
    }
    let short = stories(EngineOptions { context: NonZeroUsize::new(2), ..options() });
    assert!(refused(&short, &saved).contains("has 3 tokens, and a sequence of this engine up to 2"));
    for bytes in [&b""[..], b"TRINESEQ", b"GGUF", &saved[1..]] {
        assert!(refused(&engine, bytes).contains("do not begin as a saved sequence"), "{}", bytes.len());
    }
    for length in [13, 24, 27, 36, 1000, saved.len() - 1] {
        assert!(refused(&engine, &saved[..length]).contains("is damaged"), "{length}");
    }
    for place in [12, 20, 25, 40, saved.len() / 2, saved.len() - 1] {
        let mut changed = saved.clone();
        changed[place] ^= 4;
        assert!(refused(&engine, &changed).contains("is damaged"), "byte {place}");
    }
    assert!(engine.sequence_from_bytes(&saved).is_ok());
    let empty = engine.sequence().to_bytes().expect("memory");
    assert!(engine.sequence_from_bytes(&empty).expect("an empty one").is_empty());
}
