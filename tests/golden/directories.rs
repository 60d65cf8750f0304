//! Directories as HF transformers saves models, converted to GGUF files.
//!
//! `tools/golden/directories.py` let the `gguf` package decode every tensor of the files that two directories become,
//! and llama.cpp run them; it notes the digest of each file and llama.cpp's logits.

use super::checkpoints::{copy, edit_config, edit_tensors};
use crate::api::*;
use crate::support::{Reference, assert_close, cpu, fixture, logits_of, relative_error, with_model};
use serde_json::Value;
use trine::kernels::packing::I2sPacking;
use trine::model::{Conversion, Side, Warning, convert, diff, sha256};

const KINDS: [(&str, TensorType); 4] =
    [("i2_s", TensorType::I2S), ("tq1_0", TensorType::TQ1_0), ("tq2_0", TensorType::TQ2_0), ("f16", TensorType::F16)];

fn open(name: &str) -> HfDirectory {
    HfDirectory::open(fixture(name), Access::Map).unwrap_or_else(|error| panic!("{error}"))
}

/// What a directory becomes, and the warnings.
fn converted(source: &dyn Source, conversion: &Conversion) -> (Gguf, Vec<Warning>) {
    let mut bytes = Vec::new();
    let converted = convert(source, conversion, &cpu(), &|_, _| ()).unwrap_or_else(|error| panic!("{error}"));
    converted.writer.write_to(&mut bytes).expect("memory takes everything");
    (Gguf::from_bytes("converted", bytes.into()).expect("a sound file"), converted.warnings)
}

fn refused(source: &dyn Source, conversion: &Conversion) -> String {
    convert(source, conversion, &cpu(), &|_, _| ()).expect_err("it cannot be converted").to_string()
}

fn logits(source: &dyn Source, activations: Option<ActivationMode>, ids: &[u32]) -> Vec<f32> {
    with_model(source, &LoadOptions { activations, ..LoadOptions::default() }, |transformer| {
        logits_of(&cpu(), transformer, ids)
    })
}

/// The names of tensors that differ, and the keys.
fn differences(first: &dyn Source, second: &dyn Source) -> (Vec<String>, Vec<String>) {
    let side = |source| Side { source, i2s_packing: I2sPacking::X86 };
    let found =
        diff(side(first), side(second), &TokenizerOptions::default(), &cpu(), &|_, _| ()).expect("both are sound");
    let tensors = found.tensors.into_iter().filter(|tensor| tensor.values != Values::Same);
    (tensors.map(|tensor| tensor.name).collect(), found.metadata.into_iter().map(|key| key.key).collect())
}

#[test]
fn files_are_what_the_gguf_package_has_read() {
    let text = std::fs::read_to_string(fixture("directories/digests.json")).expect("a fixture");
    let digests: Value = serde_json::from_str(&text).expect("JSON");
    for name in ["bitnet", "llama"] {
        let directory = open(&format!("directories/{name}"));
        for (kind, matrices) in KINDS {
            let (file, _) = converted(&directory, &Conversion::to(matrices));
            assert_eq!(digests[format!("{name}-{kind}")], sha256(&file), "{name} {kind}");
        }
    }
}

#[test]
fn files_compute_what_llama_cpp_computes_with_them() {
    let reference = Reference::open("directories/expected.safetensors");
    for name in ["bitnet", "llama"] {
        let (directory, ids) = (open(&format!("directories/{name}")), reference.ids(&format!("{name}.ids")));
        for (kind, mode, tolerance) in [
            ("tq1_0", ActivationMode::Q8K, 2e-6),
            ("tq2_0", ActivationMode::Q8K, 2e-6),
            ("f16", ActivationMode::F32, 1.5e-3),
        ] {
            let matrices = KINDS.iter().find(|row| row.0 == kind).expect("a kind").1;
            let (file, _) = converted(&directory, &Conversion::to(matrices));
            let (found, expected) =
                (logits(&file, Some(mode), &ids), reference.floats(&format!("{name}-{kind}.logits")));
            eprintln!("{name} {kind}: relative error {:.1e}", relative_error(&found, &expected));
            assert_close(&format!("{name} {kind}"), &found, &expected, tolerance);
        }
    }
}

/// With f32 activations, a scale of the matrix is in each product and one beside it comes after their sum.
#[test]
fn a_file_gives_the_bits_of_its_directory() {
    let reference = Reference::open("directories/expected.safetensors");
    for name in ["bitnet", "llama"] {
        let (directory, ids) = (open(&format!("directories/{name}")), reference.ids(&format!("{name}.ids")));
        let [int8, f32] = [ActivationMode::Int8PerToken, ActivationMode::F32].map(Some);
        let (bits, floats) = (logits(&directory, int8, &ids), logits(&directory, f32, &ids));
        for (kind, matrices) in KINDS {
            let (file, _) = converted(&directory, &Conversion::to(matrices));
            assert!(logits(&file, int8, &ids) == bits, "{name} {kind}");
            assert_close(&format!("{name} {kind}"), &logits(&file, f32, &ids), &floats, 1e-6);
        }
    }
}

#[test]
fn a_file_and_its_directory_are_the_same_model_whatever_the_types() {
    for name in ["bitnet", "llama"] {
        let directory = open(&format!("directories/{name}"));
        for (kind, matrices) in KINDS {
            let (file, _) = converted(&directory, &Conversion::to(matrices));
            assert_eq!(differences(&directory, &file), (Vec::new(), Vec::new()), "{name} {kind}");
            assert_eq!(differences(&file, &directory), (Vec::new(), Vec::new()), "{name} {kind}");
        }
        assert_eq!(differences(&directory, &directory), (Vec::new(), Vec::new()), "{name}");
    }
    let (bitnet, llama) = (open("directories/bitnet"), open("directories/llama"));
    let (tensors, keys) = differences(&bitnet, &llama);
    assert!(tensors.contains(&"rope_freqs.weight".to_owned()) && tensors.contains(&"blk.0.attn_q.weight".to_owned()));
    assert!(keys.contains(&"general.architecture".to_owned()), "{keys:?}");
}

#[test]
fn the_tokenizer_and_the_template_of_a_directory_are_in_its_file() {
    for name in ["bitnet", "llama"] {
        let directory = open(&format!("directories/{name}"));
        let (file, _) = converted(&directory, &Conversion::to(TensorType::TQ2_0));
        let tokenizer = |source: &dyn Source| source.tokenizer(&TokenizerOptions::default()).expect("a tokenizer");
        let (there, here) = (tokenizer(&directory), tokenizer(&file));
        for text in ["Hello world, it's 12345 o'clock!\n\n", "na\u{ef}ve \u{1f600}", " <s>special</s> tokens<|eot|>"] {
            for options in [EncodeOptions::PROMPT, EncodeOptions::PLAIN] {
                assert_eq!(here.encode(text, options).unwrap(), there.encode(text, options).unwrap(), "{name} {text}");
            }
        }
        let conversation = [Message::new("user", "Who are you?")];
        let chat = |source: &dyn Source| source.chat_template(&here).expect("a template").render(&conversation, true);
        assert_eq!(chat(&file).expect("a conversation"), chat(&directory).expect("a conversation"), "{name}");
    }
}

/// Every ternary form, in widths that no ternary type holds.
#[test]
fn every_form_of_a_directory_becomes_a_file_with_the_same_logits() {
    for name in [
        "bitnet-packed",
        "bitnet-floats",
        "bitnet-online",
        "bitnet-1bitllm",
        "llama-packed",
        "llama-online",
        "llama-ternary",
        "llama-packed-biases",
        "llama-divided-biases",
    ] {
        let directory = open(&format!("checkpoints/{name}"));
        let ids = Reference::open("checkpoints/expected.safetensors").ids(&format!("{name}.ids"));
        let (file, warnings) = converted(&directory, &Conversion::to(TensorType::F16));
        let mode = Some(ActivationMode::Int8PerToken);
        assert!(logits(&file, mode, &ids) == logits(&directory, mode, &ids), "{name}");
        assert_eq!(differences(&directory, &file), (Vec::new(), Vec::new()), "{name}");
        let lacks_vocabulary = warnings.iter().any(|warning| matches!(warning, Warning::NoVocabulary { .. }));
        let has_vocabulary = fixture("checkpoints").join(name).join("tokenizer.json").exists();
        assert_eq!(lacks_vocabulary, !has_vocabulary, "{name}: {warnings:?}");
        let error = refused(&directory, &Conversion::to(TensorType::I2S));
        assert!(error.contains("multiple of 128") && error.ends_with("F16 holds rows of every length"), "{error}");
    }
}

/// A copy of a ternary Llama whose feed-forward matrices have biases.
fn with_feed_forward_biases(multiplies: bool) -> tempfile::TempDir {
    let folder = copy("llama-packed");
    let file = folder.path().join("model.safetensors");
    let bytes = std::fs::read(&file).expect("model.safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors").tensors();
    let bias = |width: usize| (0..width).map(|i| (i * 37 % 101) as f32 / 64.0 - 0.7).flat_map(f32::to_le_bytes);
    let widths = [("gate_proj", 76), ("up_proj", 76), ("down_proj", 52)];
    let biases = (0..2).flat_map(|block| widths.map(|(matrix, width)| (block, matrix, width)));
    let biases: Vec<(String, usize, Vec<u8>)> = biases
        .map(|(block, matrix, width)| (format!("model.layers.{block}.mlp.{matrix}.bias"), width, bias(width).collect()))
        .collect();
    let of_biases = biases.iter().map(|(name, width, bytes)| {
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![*width], bytes);
        (name.clone(), view.expect("matching lengths"))
    });
    let all: Vec<_> = tensors.into_iter().chain(of_biases).collect();
    std::fs::write(file, safetensors::serialize(all, None).expect("safetensors")).expect("a file of the copy");
    edit_config(folder.path(), |config| {
        config["mlp_bias"] = true.into();
        if multiplies {
            config["quantization_config"]["linear_class"] = "autobitlinear".into();
        }
    });
    folder
}

/// A scale in a tensor of its own multiplies the bias of a feed-forward matrix in a file.
#[test]
fn biases_keep_their_place_before_or_after_the_scale() {
    let folder = with_feed_forward_biases(true);
    let directory = HfDirectory::open(folder.path(), Access::Map).expect("a sound container");
    let (file, _) = converted(&directory, &Conversion::to(TensorType::F16));
    assert!(file.tensor("blk.1.ffn_up.scale").is_some() && file.tensor("blk.1.ffn_up.bias").is_some());
    let (mode, ids) = (Some(ActivationMode::Int8PerToken), [5, 190, 77, 3]);
    assert!(logits(&file, mode, &ids) == logits(&directory, mode, &ids));
    assert_eq!(differences(&directory, &file), (Vec::new(), Vec::new()));

    let folder = with_feed_forward_biases(false);
    let directory = HfDirectory::open(folder.path(), Access::Map).expect("a sound container");
    assert!(logits(&directory, mode, &ids) != logits(&file, mode, &ids));
    let error = refused(&directory, &Conversion::to(TensorType::F16));
    assert!(error.contains("model.layers.0.mlp.") && error.contains("_proj.bias`"), "{error}");
    assert!(error.ends_with("would multiply its bias too; I2_S holds every scale"), "{error}");
    // The scales of masters are no f16.
    let absmean = Conversion { quantize: Some(Quantize::Absmean), ..Conversion::to(TensorType::F16) };
    let masters = refused(&open("checkpoints/llama-biases"), &absmean);
    assert!(masters.contains("_proj.bias`") && masters.contains("would multiply its bias too"), "{masters}");
}

#[test]
fn floats_of_a_directory_are_quantized_only_where_asked() {
    for name in ["llama-linear", "llama-llama3"] {
        let directory = open(&format!("checkpoints/{name}"));
        let error = refused(&directory, &Conversion::to(TensorType::F16));
        assert!(error.contains("model.layers.0.") && error.contains("--quantize absmean"), "{error}");
        let absmean = Conversion { quantize: Some(Quantize::Absmean), ..Conversion::to(TensorType::F16) };
        let (file, _) = converted(&directory, &absmean);
        let ids = Reference::open("checkpoints/expected.safetensors").ids(&format!("{name}.ids"));
        let options = LoadOptions { quantize: Some(Quantize::Absmean), ..LoadOptions::default() };
        let expected = with_model(&directory, &options, |transformer| logits_of(&cpu(), transformer, &ids));
        assert!(logits(&file, None, &ids) == expected, "{name}: RoPE scaling, heads and order of rows");
    }
}

/// What loading refuses, converting does too, with the file and the tensor.
#[test]
fn a_directory_that_is_damaged_is_not_converted() {
    type Damage = fn(&mut safetensors::Dtype, &mut Vec<u8>);
    let cases: [(&str, &str, Damage, &str); 5] = [
        ("bitnet-packed", "mlp.down_proj.weight", |_, data| data[5] = 0b1100, "element 1 has code 3"),
        (
            "bitnet-packed",
            "mlp.up_proj.weight_scale",
            |dtype, _| *dtype = safetensors::Dtype::I32,
            "is I32, expected F32, F16 or BF16: a scale must not be quantized",
        ),
        (
            "llama-packed",
            "self_attn.q_proj.weight_scale",
            |_, data| data.fill(0),
            "holds [0.0], expected one scale, not zero",
        ),
        (
            "llama-packed",
            "input_layernorm.weight",
            |dtype, _| *dtype = safetensors::Dtype::I16,
            "is I16, expected F32, F16 or BF16",
        ),
        ("bitnet-floats", "mlp.gate_proj.weight", |_, data| data[1] = 0x40, "expected values -s, 0 and s with one s"),
    ];
    for (name, ending, damage, expected) in cases {
        let folder = copy(name);
        let tensor = format!("model.layers.1.{ending}");
        edit_tensors(folder.path(), |found, dtype, _, data| {
            if found == tensor {
                damage(dtype, data);
            }
        });
        let directory = HfDirectory::open(folder.path(), Access::Map).expect("a sound container");
        let error = refused(&directory, &Conversion::to(TensorType::F16));
        assert!(error.contains(expected) && error.contains(&tensor), "{tensor}: {error}");
        assert!(error.starts_with(folder.path().to_str().unwrap()) && !error.contains('\n'), "{tensor}: {error}");
    }
    let folder = copy("bitnet-packed");
    edit_config(folder.path(), |config| config["quantization_config"] = Value::Null);
    let directory = HfDirectory::open(folder.path(), Access::Map).expect("a sound container");
    let error = refused(&directory, &Conversion::to(TensorType::F16));
    assert!(error.contains("tensors have no role") && error.contains("weight_scale"), "{error}");
}

#[test]
fn a_file_whose_activations_are_others_by_default_is_warned_about() {
    let directory = open("directories/llama");
    let (_, warnings) = converted(&directory, &Conversion::to(TensorType::TQ2_0));
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    let expected = "int8 activations, and those of the file q8_k ones unless `--activations int8` is given";
    assert!(warning.to_string().ends_with(expected), "{warning}");
    assert_eq!(converted(&directory, &Conversion::to(TensorType::I2S)).1, []);
}

#[test]
fn the_head_of_a_directory_is_rounded_where_asked() {
    let directory = open("directories/llama");
    let conversion = Conversion { head: Some(TensorType::Q8_0), ..Conversion::to(TensorType::TQ1_0) };
    let (file, _) = converted(&directory, &conversion);
    assert_eq!(file.tensor("token_embd.weight").expect("the head").kind, TensorType::Q8_0);
    let (tensors, _) = differences(&directory, &file);
    assert_eq!(tensors, ["token_embd.weight"]);
}
