//! Directories of ternary and binary models with a scale for each group, as floats and as MLX has them, against HF
//! transformers and against files of the same weights; and what converts to what without loss.

use crate::api::*;
use crate::support::{Reference, assert_close, cpu, fixture, logits_of, open, with_model};
use std::collections::BTreeMap;
use trine::kernels::packing::I2sPacking;
use trine::model::{Conversion, Side, convert, diff};

/// Directories, and files of the same weights.
const DIRECTORIES: [(&str, &str, &str); 4] = [
    ("tied", "unpacked", "pq2_0"),
    ("tied", "mlx", "pq2_0"),
    ("binary", "unpacked", "q1_0"),
    ("binary", "mlx", "q1_0"),
];

/// Files of the model `tied`, and the types of their matrices.
const TIED: [(&str, TensorType); 3] =
    [("q2_0", TensorType::Q2_0), ("pq2_0", TensorType::PQ2_0), ("ptq1_0", TensorType::PTQ1_0)];

fn directory(model: &str, kind: &str) -> HfDirectory {
    let path = fixture(&format!("grouped/{model}-{kind}"));
    HfDirectory::open(path, Access::Map).unwrap_or_else(|error| panic!("{error}"))
}

fn file(model: &str, packing: &str) -> Gguf {
    open(&format!("grouped/{model}-{packing}.gguf"))
}

fn logits(source: &dyn Source, activations: Option<ActivationMode>, ids: &[u32]) -> Vec<f32> {
    let options = LoadOptions { activations, ..LoadOptions::default() };
    with_model(source, &options, |transformer| logits_of(&cpu(), transformer, ids))
}

fn converted(source: &dyn Source, to: TensorType) -> Result<Gguf, String> {
    let converted = convert(source, &Conversion::to(to), &cpu(), &|_, _| ()).map_err(|error| error.to_string())?;
    let other = converted.warnings.iter().find(|warning| matches!(warning, Warning::OtherActivations { .. }));
    assert!(other.is_none(), "{other:?}");
    let mut bytes = Vec::new();
    converted.writer.write_to(&mut bytes).expect("memory takes everything");
    Ok(Gguf::from_bytes("converted", bytes.into()).expect("a sound file"))
}

/// The type and the bytes of every tensor.
fn tensors(file: &Gguf) -> BTreeMap<String, (TensorType, Vec<u8>)> {
    file.tensors().iter().map(|tensor| (tensor.name.clone(), (tensor.kind, file.bytes(tensor).to_vec()))).collect()
}

fn same_model(a: &dyn Source, b: &dyn Source) -> bool {
    let side = |source| Side { source, i2s_packing: I2sPacking::X86 };
    diff(side(a), side(b), &TokenizerOptions::default(), &cpu(), &|_, _| ()).expect("both are sound").is_none()
}

#[test]
fn logits_are_those_of_transformers() {
    let reference = Reference::open("grouped/expected.safetensors");
    for (model, kind, _) in DIRECTORIES {
        for prompt in ["short", "long"] {
            let ids = reference.ids(&format!("{model}.{prompt}.ids"));
            let expected = reference.floats(&format!("{model}.{prompt}.transformers"));
            let found = logits(&directory(model, kind), Some(ActivationMode::F32), &ids);
            let last = &found[found.len() - expected.len()..];
            assert_close(&format!("{model}-{kind}, {prompt}"), last, &expected, 1e-5);
        }
    }
}

#[test]
fn a_directory_has_the_bits_of_a_file_of_the_same_weights() {
    let reference = Reference::open("grouped/expected.safetensors");
    for (model, kind, packing) in DIRECTORIES {
        let ids = reference.ids(&format!("{model}.short.ids"));
        for activations in [None, Some(ActivationMode::Q8_0), Some(ActivationMode::F32)] {
            let same =
                logits(&directory(model, kind), activations, &ids) == logits(&file(model, packing), activations, &ids);
            assert!(same, "{model}-{kind}, {activations:?}");
        }
        with_model(&directory(model, kind), &LoadOptions::default(), |transformer| {
            let all = transformer.matrices().chain([transformer.head.data()]);
            for matrix in all {
                assert!(matrix.has_codes(), "{model}-{kind}");
                assert_eq!(matrix.is_ternary(), model == "tied", "{model}-{kind}");
                assert_eq!(matrix.activation_mode(), ActivationMode::Int8PerGroup, "{model}-{kind}");
            }
        });
    }
}

/// What a directory becomes is, tensor by tensor, the file that the golden data have of the same weights.
#[test]
fn directories_become_the_files_of_the_same_weights() {
    for kind in ["unpacked", "mlx"] {
        for (packing, to) in TIED {
            let found = converted(&directory("tied", kind), to).unwrap();
            assert!(tensors(&found) == tensors(&file("tied", packing)), "tied-{kind} to {packing}");
        }
        let found = converted(&directory("binary", kind), TensorType::Q1_0).unwrap();
        assert!(tensors(&found) == tensors(&file("binary", "q1_0")), "binary-{kind}");
    }
}

/// Groups of 128 and of 64, four codes a byte and five, and floats: all hold the same weights, and each way back ends
/// in the bytes of its beginning.
#[test]
fn types_of_the_same_groups_convert_to_each_other_byte_for_byte() {
    let file_types = [(TensorType::Q2_0, 41), (TensorType::PQ2_0, 141), (TensorType::F16, 1)];
    for (from, _) in TIED {
        for (packing, to) in TIED {
            let found = converted(&file("tied", from), to).unwrap();
            assert!(tensors(&found) == tensors(&file("tied", packing)), "{from} to {packing}");
        }
        let floats = converted(&file("tied", from), TensorType::F16).unwrap();
        assert!(floats.tensors().iter().all(|tensor| tensor.kind.is_float()), "{from} as floats");
        for (packing, to) in TIED {
            let back = converted(&floats, to).unwrap();
            assert!(tensors(&back) == tensors(&file("tied", packing)), "{from} as floats to {packing}");
        }
    }
    let legacy = converted(&file("tied", "q2_0-legacy"), TensorType::Q2_0).unwrap();
    assert!(tensors(&legacy) == tensors(&file("tied", "q2_0")));
    for (to, expected) in file_types {
        let found = converted(&file("tied", "ptq1_0"), to).unwrap();
        let found = found.metadata().get("general.file_type").cloned();
        assert_eq!(found, Some(trine::loader::Value::U32(expected)), "{to}");
    }
}

#[test]
fn binary_weights_are_weights_of_ternary_types_and_come_back() {
    let binary = file("binary", "q1_0");
    for to in [TensorType::F16, TensorType::Q2_0, TensorType::PQ2_0, TensorType::PTQ1_0] {
        let ternary = converted(&binary, to).unwrap_or_else(|error| panic!("{error}"));
        assert!(same_model(&binary, &ternary), "{to}");
        let back = converted(&ternary, TensorType::Q1_0).unwrap_or_else(|error| panic!("{to} and back: {error}"));
        assert!(same_model(&binary, &back), "{to} and back");
    }
}

#[test]
fn a_type_of_larger_blocks_than_groups_becomes_smaller_groups() {
    for name in ["llama_cpp/llama-tq2_0-q6_k", "llama_cpp/bitnet-tq2_0"] {
        let source = open(&format!("{name}.gguf"));
        for (_, to) in TIED {
            let conversion = convert(&source, &Conversion::to(to), &cpu(), &|_, _| ());
            let mut bytes = Vec::new();
            conversion.unwrap_or_else(|error| panic!("{error}")).writer.write_to(&mut bytes).expect("memory");
            let there = Gguf::from_bytes("converted", bytes.into()).expect("a sound file");
            assert!(there.tensor("blk.0.ffn_up.weight").is_some_and(|tensor| tensor.kind == to), "{name} to {to}");
            assert!(same_model(&source, &there), "{name} to {to}");
        }
    }
}

#[test]
fn what_a_type_cannot_hold_is_refused_by_name() {
    let refused = |source: &dyn Source, to| converted(source, to).expect_err("it has other scales");
    let halves = refused(&file("halves", "q2_0"), TensorType::PQ2_0);
    assert!(halves.contains("`: this q2_0 matrix has the scales ") && halves.contains("tensor `blk.0."), "{halves}");
    assert!(halves.contains("among 128 columns that share one scale in pq2_0"), "{halves}");
    assert!(same_model(&file("halves", "q2_0"), &converted(&file("halves", "q2_0"), TensorType::Q2_0).unwrap()));
    let ternary = refused(&file("tied", "pq2_0"), TensorType::Q1_0);
    assert!(ternary.contains("tensor `blk.0.") && ternary.contains("q1_0 has code 1"), "{ternary}");
    let one = refused(&file("tied", "pq2_0"), TensorType::I2S);
    assert!(one.contains("tensor `blk.0.") && one.contains("blocks differ in scale"), "{one}");
}
