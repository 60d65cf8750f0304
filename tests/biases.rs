//! Biases of matrices in GGUF files: where they belong, what is refused, and that conversion and comparison keep them.
//!
//! That they compute what llama.cpp and HF transformers compute is in `golden`.

use crate::api::*;
use crate::support::{cpu, logits_of, open, relative_error, with_model};
use trine::kernels::packing::I2sPacking;
use trine::model::{Conversion, Quantize, Side, Values, convert, diff, inspect};

const QUERY: &str = "blk.0.attn_q";

/// The file with some tensors of its own, which take the place of those of the same name.
fn with(file: &Gguf, own: &[(&str, TensorType, Vec<f32>)]) -> Gguf {
    let mut writer = GgufWriter::new();
    for (key, value) in file.metadata().iter() {
        writer.set(key, value.clone()).expect("a valid entry");
    }
    for tensor in file.tensors().iter().filter(|tensor| own.iter().all(|(name, ..)| tensor.name != *name)) {
        writer.tensor(&tensor.name, &tensor.ne.row_major(), tensor.kind, file.bytes(tensor)).expect("a valid tensor");
    }
    for (name, kind, values) in own {
        let matrix = Matrix::from_f32(&cpu(), packing(*kind), 1, values.len(), values).expect("numbers");
        writer.tensor(*name, &[values.len()], *kind, matrix.bytes().clone()).expect("a valid tensor");
    }
    written(&writer)
}

fn packing(kind: TensorType) -> PackingKind {
    match kind {
        TensorType::F16 => PackingKind::F16,
        TensorType::Q8_0 => PackingKind::Q8_0,
        _ => PackingKind::F32,
    }
}

fn written(writer: &GgufWriter) -> Gguf {
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).expect("memory takes everything");
    Gguf::from_bytes("biases.gguf", bytes.into()).unwrap_or_else(|error| panic!("{error}"))
}

/// Numbers that f16 holds.
fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i * 37 % 101) as f32 / 64.0 - 0.75).collect()
}

fn bias(name: &str, count: usize) -> Vec<(&str, TensorType, Vec<f32>)> {
    vec![(name, TensorType::F32, numbers(count))]
}

/// A ternary model of the `llama` architecture: 256 wide, queries 512, keys 64, inside 768.
fn ternary() -> Gguf {
    open("llama_cpp/llama-tq2_0.gguf")
}

fn logits(file: &Gguf) -> Vec<f32> {
    let ids = [3, 250, 17, 91, 5, 204];
    with_model(file, &LoadOptions::default(), |transformer| logits_of(&cpu(), transformer, &ids))
}

fn refused(file: &Gguf) -> String {
    let config = Config::from_gguf(file).expect("a model");
    Dyn::scope(config.dims, |model| load(model, file, &cpu(), &LoadOptions::default()).map(drop))
        .expect_err("it is refused")
        .to_string()
}

#[test]
fn every_matrix_may_have_one_and_each_changes_the_model() {
    let plain = logits(&ternary());
    for (stem, width) in [
        ("attn_q", 512),
        ("attn_k", 64),
        ("attn_v", 64),
        ("attn_output", 256),
        ("ffn_gate", 768),
        ("ffn_up", 768),
        ("ffn_down", 256),
    ] {
        let name = format!("blk.0.{stem}.bias");
        let file = with(&ternary(), &bias(&name, width));
        let error = relative_error(&logits(&file), &plain);
        assert!(error > 1e-3, "{stem}: {error}");
        let halves = with(&file, &[(&name, TensorType::F16, numbers(width))]);
        assert_eq!(logits(&halves), logits(&file), "{stem} in half precision");
        let report = inspect::tensors(&file, Some(&Config::from_gguf(&file).expect("a model")));
        let report = report.into_iter().find(|report| report.name == name).expect("the bias");
        assert!(report.role.expect("a role").starts_with("bias of the "), "{stem}");
        assert_eq!(report.axes.len(), 1, "{stem}");
        assert!(refused(&with(&ternary(), &bias(&name, width + 1))).contains(&name), "{stem}");
    }
}

#[test]
fn what_is_no_bias_of_a_matrix_is_refused() {
    let name = format!("{QUERY}.bias");
    let quantized = with(&ternary(), &[(&name, TensorType::Q8_0, numbers(512))]);
    let expected = format!("tensor `{name}` is Q8_0, expected F32, F16 or BF16: a bias must not be quantized");
    assert!(refused(&quantized).contains(&expected), "{}", refused(&quantized));
    let norm = refused(&with(&ternary(), &bias("blk.0.attn_norm.bias", 256)));
    assert!(norm.contains("`blk.0.attn_norm.bias`; a norm with a bias is a LayerNorm"), "{norm}");
    let head = refused(&with(&ternary(), &bias("output.bias", 264)));
    assert!(head.contains("tensors have no role in architecture `llama`: `output.bias`"), "{head}");
    let bitnet = refused(&with(&open("llama_cpp/bitnet-tq2_0.gguf"), &bias(&name, 256)));
    assert!(bitnet.contains("`bitnet`: `blk.0.attn_q.bias`; its matrices have no biases"), "{bitnet}");
}

fn converted(file: &Gguf, matrices: TensorType, quantize: Option<Quantize>) -> Result<Gguf, String> {
    let conversion = Conversion { quantize, ..Conversion::to(matrices) };
    let converted = convert(file, &conversion, &cpu(), &|_, _| ()).map_err(|error| error.to_string())?;
    Ok(written(&converted.writer))
}

#[test]
fn conversion_keeps_biases_and_comparison_sees_them() {
    let name = format!("{QUERY}.bias");
    let file = with(&ternary(), &bias(&name, 512));
    let difference = |a: &Gguf, b: &Gguf| {
        let side = |source| Side { source, i2s_packing: I2sPacking::X86 };
        diff(side(a), side(b), &TokenizerOptions::default(), &cpu(), &|_, _| ()).expect("files describe themselves")
    };
    let values = |a: &Gguf, b: &Gguf| {
        let difference = difference(a, b);
        let tensor = difference.tensors.into_iter().find(|tensor| tensor.name == name);
        (tensor.expect("the bias").values, difference.metadata.is_empty())
    };
    for kind in [TensorType::I2S, TensorType::TQ1_0, TensorType::F16] {
        let other = converted(&file, kind, None).expect("f16 holds every scale");
        assert!(difference(&file, &other).is_none(), "{kind}");
    }
    assert_eq!(values(&file, &ternary()), (Values::Missing, true));
    let changed = with(&file, &[(&name, TensorType::F32, vec![0.25; 512])]);
    assert!(matches!(values(&file, &changed).0, Values::Differ { elements: 512, .. }));
    // Scales of masters are no f16, and a tensor of their own would multiply the bias too.
    let masters = open("llama_cpp/llama-bias-f32.gguf");
    let error = converted(&masters, TensorType::F16, Some(Quantize::Absmean)).expect_err("block 0 has biases");
    assert!(error.contains("blk.0.attn_q.weight") && error.contains("cannot be packed as f16"), "{error}");
}
