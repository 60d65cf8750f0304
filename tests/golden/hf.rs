//! Whole models against HF transformers' `BitNetForCausalLM`: logits at every position, greedy tokens, batches, and the
//! equality of one prompt processed at once and token by token.

use crate::api::*;
use crate::support::{
    FeedIds, Reference, argmax, assert_close, cpu, logits_of, open, relative_error, tokens, with_model,
};

/// Two models, and the files that hold them.
const FILES: [(&str, &[&str]); 2] = [("a", &["i2_s", "tq1_0", "tq2_0", "f32"]), ("b", &["i2_s", "tq1_0", "tq2_0"])];

/// Runs `body` on every file, which must all behave as the one reference of their model.
fn for_every_file(body: impl Fn(&str, &Reference, &Cpu, &Gguf)) {
    let cpu = cpu();
    for (model, kinds) in FILES {
        let reference = Reference::open(&format!("hf/{model}.safetensors"));
        for kind in kinds {
            let name = format!("hf/{model}-{kind}.gguf");
            body(&name, &reference, &cpu, &open(&name));
        }
    }
}

#[test]
fn logits_at_every_position_agree() {
    for_every_file(|name, reference, cpu, file| {
        with_model(file, &LoadOptions::default(), |transformer| {
            let found = logits_of(cpu, transformer, &reference.ids("prompt.ids"));
            assert_close(name, &found, &reference.floats("logits"), 1e-4);
        });
    });
}

#[test]
fn greedy_tokens_are_identical_for_64_steps() {
    for_every_file(|name, reference, cpu, file| {
        with_model(file, &LoadOptions::default(), |transformer| {
            let (prompt, expected) = (reference.ids("prompt.ids"), reference.ids("greedy.ids"));
            let expected_logits = reference.floats("greedy.logits");
            assert_eq!(expected.len(), 64);
            let capacity = prompt.len() + expected.len();
            let mut session = Session::new(transformer, cpu, capacity, CacheType::F32).expect("it fits in memory");
            let mut logits = session.feed_ids(&prompt);
            let vocab = logits.len();
            for (step, token) in expected.iter().enumerate() {
                let wanted = &expected_logits[step * vocab..][..vocab];
                assert_close(&format!("{name}, step {step}"), &logits, wanted, 1e-4);
                assert_eq!(argmax(&logits), *token, "{name}: step {step}");
                logits = session.feed_ids(&[*token]);
            }
        });
    });
}

#[test]
fn a_prompt_at_once_and_token_by_token_give_the_same_logits() {
    for_every_file(|name, reference, cpu, file| {
        with_model(file, &LoadOptions::default(), |transformer| {
            let ids = reference.ids("prompt.ids");
            let at_once = logits_of(cpu, transformer, &ids);
            let mut session = Session::new(transformer, cpu, ids.len(), CacheType::F32).expect("it fits in memory");
            for (id, expected) in ids.iter().zip(at_once.chunks_exact(at_once.len() / ids.len())) {
                let single = session.feed_ids(&[*id]);
                assert!(relative_error(&single, expected) <= 1e-5, "{name}");
            }
        });
    });
}

#[test]
fn a_batch_whose_sequences_do_not_fit_is_refused_and_stays() {
    for_every_file(|name, reference, cpu, file| {
        with_model(file, &LoadOptions::default(), |transformer| {
            let (length, ids) = (reference.shape("batch.ids")[1], reference.ids("batch.ids"));
            let tokens = tokens(transformer.model, &ids);
            let rows: Vec<_> = tokens.chunks_exact(length).collect();
            let mut cache = KvCache::new(transformer, Fixed::<3>, length, CacheType::F32).expect("it fits in memory");
            for (slices, expected) in [
                (vec![rows[0], rows[1], &rows[2][1..]], "sequence 2 of the batch brings"),
                (vec![&rows[0][1..], rows[1], rows[2]], "sequence 1 of the batch brings"),
                (vec![rows[0], rows[1]], "2 slices of tokens are given for 3 sequences"),
                (vec![&rows[0][..0]; 3], "a step needs at least one token"),
            ] {
                let refused = cache.step(&slices, |step| drop(step)).expect_err("no such step").to_string();
                assert!(refused.contains(expected), "{name}: {refused}");
                assert_eq!(cache.len(), 0, "{name}");
            }
            cache.step(&rows, |step| drop(transformer.logits(cpu, step))).expect("a step of the whole batch");
        });
    });
}

#[test]
fn a_batch_of_three_equals_three_runs() {
    for_every_file(|name, reference, cpu, file| {
        with_model(file, &LoadOptions::default(), |transformer| {
            let shape = reference.shape("batch.ids");
            let (ids, expected) = (reference.ids("batch.ids"), reference.floats("batch.logits"));
            assert_eq!(shape[0], 3);
            let cache = KvCache::new(transformer, Fixed::<3>, shape[1], CacheType::F32);
            let mut cache = cache.expect("it fits in memory");
            let tokens = tokens(transformer.model, &ids);
            let tokens: Vec<_> = tokens.chunks_exact(shape[1]).collect();
            let batch = cache.step(&tokens, |step| transformer.logits(cpu, step).into_data()).expect("they fit");
            assert_close(name, &batch, &expected, 1e-4);
            let alone = ids.chunks_exact(shape[1]).flat_map(|ids| logits_of(cpu, transformer, ids));
            assert_eq!(batch.to_vec(), alone.collect::<Vec<_>>(), "{name}: the batch and single runs differ");
        });
    });
}

#[test]
fn the_f32_file_is_taken_as_ternary() {
    let file = open("hf/a-f32.gguf");
    let scales = |file: &Gguf| {
        with_model(file, &LoadOptions::default(), |transformer| {
            transformer.matrices().map(|matrix| (matrix.is_ternary(), matrix.scale())).collect::<Vec<_>>()
        })
    };
    let found = scales(&file);
    assert!(found.iter().all(|(ternary, scale)| *ternary && scale.is_some()));
    assert_eq!(found, scales(&open("hf/a-i2_s.gguf")));
}

/// The older upload of BitNet b1.58 2B4T has another name for its architecture, and a head of its own.
#[test]
fn the_older_upload_gives_the_same_logits() {
    let (cpu, file) = (cpu(), open("hf/a-i2_s.gguf"));
    let mut writer = GgufWriter::new();
    for (key, value) in file.metadata().iter() {
        let value = if key == "general.architecture" { "bitnet-25".into() } else { value.clone() };
        writer.set(key.replace("bitnet-b1.58.", "bitnet-25."), value).expect("a valid entry");
    }
    for tensor in file.tensors() {
        let names = match tensor.name.as_str() {
            "token_embd.weight" => vec!["token_embd.weight", "output.weight"],
            name => vec![name],
        };
        for name in names {
            writer.tensor(name, &tensor.ne.row_major(), tensor.kind, file.bytes(tensor)).expect("a valid tensor");
        }
    }
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).expect("memory takes everything");
    let older = Gguf::from_bytes("older.gguf", bytes.into()).unwrap_or_else(|error| panic!("{error}"));
    let ids = Reference::open("hf/a.safetensors").ids("prompt.ids");
    let [found, expected] = [&older, &file]
        .map(|file| with_model(file, &LoadOptions::default(), |transformer| logits_of(&cpu, transformer, &ids)));
    with_model(&older, &LoadOptions::default(), |transformer| {
        assert_eq!(transformer.config.architecture, Architecture::Bitnet25);
        assert!(!transformer.is_tied());
    });
    assert_eq!(found, expected);
}
