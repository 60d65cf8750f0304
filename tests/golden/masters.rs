//! Float masters against HF transformers: quantized at loading as transformers does online, and run as they are. The
//! widths of this model are multiples of no quantized type's block.

use crate::api::*;
use crate::support::{FeedIds, Reference, argmax, assert_close, cpu, logits_of, open, relative_error, with_model};
use std::sync::Arc;
use trine::model::{Conversion, convert};

/// Two files with the same values.
const FILES: [&str; 2] = ["hf/m-f32.gguf", "hf/m-bf16.gguf"];

const TOLERANCE: f64 = 1e-5;

/// Runs `body` on both files, loaded with `quantize`, and what was noticed meanwhile.
fn for_every_file(quantize: Option<Quantize>, body: impl Fn(&str, &Reference, &Arc<Transformer<Dyn<'_>>>, &[Warning])) {
    let reference = Reference::open("hf/m.safetensors");
    let options = LoadOptions { quantize, ..LoadOptions::default() };
    for name in FILES {
        let file = open(name);
        let config = Config::from_gguf(&file).unwrap_or_else(|error| panic!("{error}"));
        Dyn::scope(config.dims, |model| {
            let loaded = load(model, &file, &cpu(), &options).unwrap_or_else(|error| panic!("{error}"));
            body(name, &reference, &loaded.transformer, &loaded.warnings);
        });
    }
}

#[test]
fn quantized_masters_give_the_logits_of_transformers() {
    let cpu = cpu();
    for_every_file(Some(Quantize::Absmean), |name, reference, transformer, warnings| {
        assert!(transformer.matrices().all(Matrix::is_ternary), "{name}");
        assert!(warnings.is_empty(), "{name}: {warnings:?}");
        let found = logits_of(&cpu, transformer, &reference.ids("prompt.ids"));
        assert_close(name, &found, &reference.floats("logits"), TOLERANCE);
    });
}

#[test]
fn quantized_masters_continue_as_transformers_does() {
    let cpu = cpu();
    for_every_file(Some(Quantize::Absmean), |name, reference, transformer, _| {
        let (prompt, expected) = (reference.ids("prompt.ids"), reference.ids("greedy.ids"));
        let expected_logits = reference.floats("greedy.logits");
        assert_eq!(expected.len(), 64);
        let capacity = prompt.len() + expected.len();
        let mut session = Session::new(transformer, &cpu, capacity, CacheType::F32).expect("it fits in memory");
        let mut logits = session.feed_ids(&prompt);
        for (step, (token, wanted)) in expected.iter().zip(expected_logits.chunks_exact(logits.len())).enumerate() {
            assert_close(&format!("{name}, step {step}"), &logits, wanted, TOLERANCE);
            assert_eq!(argmax(&logits), *token, "{name}: step {step}");
            logits = session.feed_ids(&[*token]);
        }
    });
}

#[test]
fn masters_as_they_are_make_another_model_and_a_warning() {
    let cpu = cpu();
    for_every_file(None, |name, reference, transformer, warnings| {
        assert!(transformer.matrices().all(|matrix| !matrix.is_ternary()), "{name}");
        let [warning] = warnings else { panic!("{name}: {warnings:?}") };
        let says = warning.to_string();
        assert!(says.contains(name) && says.contains("absmean"), "{says}");
        let found = logits_of(&cpu, transformer, &reference.ids("prompt.ids"));
        assert_close(name, &found, &reference.floats("unquantized.logits"), TOLERANCE);
        assert!(relative_error(&found, &reference.floats("logits")) > 1e-2, "{name}: the quantized model");
    });
}

/// As 1bitLLM's 3B model, whose widths are 3200 and 8640.
#[test]
fn widths_that_no_ternary_type_holds_are_converted_to_f16_alone() {
    let (cpu, reference) = (cpu(), Reference::open("hf/m.safetensors"));
    let file = open("hf/m-bf16.gguf");
    let converted = |matrices| {
        let quantize = Some(Quantize::Absmean);
        let conversion = Conversion { quantize, ..Conversion::to(matrices) };
        convert(&file, &conversion, &cpu, &|_, _| ()).map_err(|error| error.to_string())
    };
    for (kind, block) in [(TensorType::I2S, 128), (TensorType::TQ1_0, 256), (TensorType::TQ2_0, 256)] {
        let error = converted(kind).map(drop).expect_err("no row is whole blocks");
        for part in ["m-bf16.gguf", "blk.0.attn_q.weight", "108 columns", &format!("multiple of {block}"), "F16 holds"]
        {
            assert!(error.contains(part), "{error}");
        }
    }
    let mut bytes = Vec::new();
    converted(TensorType::F16).expect("scales in tensors of their own").writer.write_to(&mut bytes).expect("memory");
    let file = Gguf::from_bytes("m-f16.gguf", bytes.into()).unwrap_or_else(|error| panic!("{error}"));
    with_model(&file, &LoadOptions::default(), |transformer| {
        assert!(transformer.matrices().all(Matrix::is_ternary));
        let found = logits_of(&cpu, transformer, &reference.ids("prompt.ids"));
        assert_close("hf/m, converted to F16", &found, &reference.floats("logits"), TOLERANCE);
    });
}
