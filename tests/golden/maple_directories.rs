//! Directories of Maple, with a tensor for each matrix of each expert and as MLX packs them, against a numpy model and
//! against a file of the same weights.

use super::checkpoints::{copy, edit_tensors};
use super::small::{check, check_with, directory, steps_give_the_same_bits};
use crate::api::*;
use crate::support::{Reference, cpu, logits_of, open, with_model};
use std::collections::BTreeMap;
use trine::kernels::packing::I2sPacking;
use trine::model::{Conversion, Side, convert, diff};

const FOLDER: &str = "maple_rows";

fn file() -> Gguf {
    open("maple_rows/tq2_0.gguf")
}

fn logits(source: &dyn Source, activations: Option<ActivationMode>, prompt: &str) -> Vec<f32> {
    let ids = Reference::open("maple_rows/expected.safetensors").ids(&format!("rows.{prompt}.ids"));
    let options = LoadOptions { activations, ..LoadOptions::default() };
    with_model(source, &options, |transformer| logits_of(&cpu(), transformer, &ids))
}

fn converted(source: &dyn Source) -> Gguf {
    let conversion = convert(source, &Conversion::to(TensorType::TQ2_0), &cpu(), &|_, _| ());
    let converted = conversion.unwrap_or_else(|error| panic!("{error}"));
    let mut bytes = Vec::new();
    converted.writer.write_to(&mut bytes).expect("memory takes everything");
    Gguf::from_bytes("converted", bytes.into()).expect("a sound file")
}

/// The type and the bytes of every tensor.
fn tensors(file: &Gguf) -> BTreeMap<String, (TensorType, Vec<u8>)> {
    file.tensors().iter().map(|tensor| (tensor.name.clone(), (tensor.kind, file.bytes(tensor).to_vec()))).collect()
}

#[test]
fn logits_are_those_of_numpy() {
    let exact = LoadOptions { activations: Some(ActivationMode::F32), ..LoadOptions::default() };
    let sources: [Box<dyn Source>; 3] =
        [Box::new(directory(FOLDER, "hf")), Box::new(directory(FOLDER, "mlx")), Box::new(file())];
    for source in sources {
        check_with(FOLDER, &*source, ("rows", "logits"), &exact, 1e-5);
    }
}

/// llama.cpp rounds activations to int8 in blocks of 256 before matrices, and of 32 before the head.
#[test]
fn logits_are_close_to_those_of_llama_cpp() {
    for name in ["hf", "mlx"] {
        check(FOLDER, &directory(FOLDER, name), "rows", "llama_cpp", 2e-2);
    }
}

#[test]
fn a_directory_in_words_has_the_bits_of_a_file_of_the_same_weights() {
    let mlx = directory(FOLDER, "mlx");
    for activations in [None, Some(ActivationMode::F32), Some(ActivationMode::Q8_0)] {
        for prompt in ["short", "long"] {
            assert!(logits(&mlx, activations, prompt) == logits(&file(), activations, prompt), "{activations:?}");
        }
    }
}

#[test]
fn steps_of_any_lengths_give_the_same_bits() {
    for name in ["hf", "mlx"] {
        steps_give_the_same_bits(FOLDER, &directory(FOLDER, name), "rows");
    }
}

/// Every matrix of a block becomes the packing that a GGUF file has, each expert by itself.
#[test]
fn matrices_are_codes_with_the_scales_of_their_rows() {
    for (name, tables) in [("hf", PackingKind::F32), ("mlx", PackingKind::Q4_1)] {
        with_model(&directory(FOLDER, name), &LoadOptions::default(), |transformer| {
            for block in Idx::all(Blocks::of(transformer.model)) {
                let FeedForward::Experts(mixture) = &transformer.blocks[block].feed_forward else { panic!("{name}") };
                for expert in mixture.experts.iter() {
                    let matrices = [expert.gate.data(), expert.up.data(), expert.down.data()];
                    assert_eq!(matrices.map(|matrix| matrix.kind()), [PackingKind::Tq2_0; 3], "{name}");
                    assert_eq!(matrices.map(|matrix| matrix.activation_mode()), [ActivationMode::Q8K; 3], "{name}");
                }
                assert_eq!(mixture.router.data().kind(), PackingKind::BF16, "{name}");
            }
            assert_eq!((transformer.embedding.data().kind(), transformer.head.data().kind()), (tables, tables));
        });
    }
}

/// What a directory becomes is, tensor by tensor, the file of the same weights, but for floats in place of four bits.
#[test]
fn directories_become_the_file_of_the_same_weights() {
    let file = file();
    let mut expected = tensors(&file);
    assert!(tensors(&converted(&directory(FOLDER, "mlx"))) == expected);
    let mut found = tensors(&converted(&directory(FOLDER, "hf")));
    for table in ["token_embd.weight", "output.weight"] {
        assert_eq!(found.remove(table).map(|(kind, _)| kind), Some(TensorType::F32));
        expected.remove(table);
    }
    assert!(found == expected);
    for name in ["hf", "mlx"] {
        let (directory, there) = (directory(FOLDER, name), converted(&directory(FOLDER, name)));
        for prompt in ["short", "long"] {
            assert!(logits(&directory, None, prompt) == logits(&there, None, prompt), "{name}");
        }
        let side = |source| Side { source, i2s_packing: I2sPacking::X86 };
        let options = TokenizerOptions::default();
        for other in [&there, &file] {
            let found = diff(side(&directory), side(other), &options, &cpu(), &|_, _| ()).expect("both are sound");
            let differ = |tensor: &&TensorDifference| tensor.values != Values::Same;
            assert_eq!(found.tensors.iter().filter(differ).count(), 0, "{name}: {:?}", found.tensors);
        }
    }
}

/// A scale of four bits that no f16 holds makes f32 of the table, with the same values.
#[test]
fn four_bits_that_no_type_holds_are_floats() {
    let folder = copy("../maple_rows/mlx");
    // bf16: 2^-30, below what f16 has.
    edit_tensors(folder.path(), |name, _, _, data| {
        if name == "lm_head.scales" {
            data[..2].copy_from_slice(&0x3080u16.to_le_bytes());
        }
    });
    let changed = HfDirectory::open(folder.path(), Access::Copy).expect("a directory");
    let rows = |source: &dyn Source| {
        with_model(source, &LoadOptions::default(), |transformer| {
            let head = transformer.head.data();
            let mut rows = vec![0.0; 2 * head.cols()];
            rows.chunks_exact_mut(head.cols()).enumerate().for_each(|(row, values)| head.decode_row(row, values));
            (head.kind(), rows)
        })
    };
    let ((found, values), (usual, before)) = (rows(&changed), rows(&directory(FOLDER, "mlx")));
    assert_eq!((found, usual), (PackingKind::F32, PackingKind::Q4_1));
    assert!(values[64..] == before[64..], "other groups have the same values");
    let scale = 2f32.powi(-30);
    let (least, most) = values[..64].iter().fold((f32::MAX, f32::MIN), |(a, b), value| (a.min(*value), b.max(*value)));
    assert!(least != before[0] && most - least <= 16.0 * scale, "{least} to {most}");
    assert_eq!(tensors(&converted(&changed))["output.weight"].0, TensorType::F32);
}
