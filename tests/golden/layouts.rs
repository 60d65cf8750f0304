//! Ternary layouts that are repacked when they are loaded, in whole models: the logits must not change by a bit.
//!
//! What other programs wrote is in `layouts.safetensors` (`tools/golden/layouts.py`): one matrix of the embedded model
//! in each layout. The other packings of I2_S concern a whole file, so its matrices are laid out again here, in plain
//! loops from the specification (`docs/formats.md`).

use crate::api::*;
use crate::support::{Reference, cpu, logits_of, with_model};
use bytes::Bytes;
use trine::kernels::packing::I2sPacking;
use trine::loader::{GgufWriter, TensorInfo, TensorType};

const MATRIX: &str = "blk.0.attn_k.weight";
const IDS: [u32; 6] = [0, 391, 17, 802, 5, 1203];

/// The embedded model with tensors replaced.
fn with_tensors(replace: impl Fn(&Gguf, &TensorInfo) -> Option<(TensorType, Vec<u8>)>) -> Gguf {
    let model = trine::embedded_model().expect("the embedded model");
    let mut writer = GgufWriter::new();
    for (key, value) in model.metadata().iter() {
        writer.set(key, value.clone()).expect("as it was");
    }
    for tensor in model.tensors() {
        let (kind, bytes) = match replace(&model, tensor) {
            Some((kind, bytes)) => (kind, Bytes::from(bytes)),
            None => (tensor.kind, model.bytes(tensor)),
        };
        writer.tensor(&tensor.name, &tensor.ne.row_major(), kind, bytes).expect("of the length of its type");
    }
    let mut file = Vec::new();
    writer.write_to(&mut file).expect("memory takes everything");
    Gguf::from_bytes("changed", file.into()).expect("a sound file")
}

fn logits(file: &Gguf, i2s_packing: I2sPacking) -> Vec<f32> {
    let options = LoadOptions { i2s_packing, ..LoadOptions::default() };
    with_model(file, &options, |transformer| logits_of(&cpu(), transformer, &IDS))
}

fn expected() -> Vec<f32> {
    logits(&trine::embedded_model().expect("the embedded model"), I2sPacking::X86)
}

#[test]
fn matrices_by_ik_llama_cpp_give_the_same_logits() {
    let (reference, expected) = (Reference::open("layouts.safetensors"), expected());
    for (name, kind) in
        [("IQ1_BN", TensorType::IQ1BN), ("IQ2_BN", TensorType::IQ2BN), ("IQ2_BN_R4", TensorType::IQ2BNR4)]
    {
        let file = with_tensors(|_, tensor| {
            (tensor.name == MATRIX).then(|| (kind, reference.raw(&format!("{name}.{MATRIX}.bytes"))))
        });
        assert_eq!(file.tensor(MATRIX).expect("a tensor").kind, kind);
        assert_eq!(logits(&file, I2sPacking::X86), expected, "{name}");
    }
}

/// The codes of an I2_S tensor in the published packing, and what follows them.
fn codes(file: &Gguf, tensor: &TensorInfo) -> (Vec<u8>, Vec<u8>) {
    let bytes = file.bytes(tensor);
    let (packed, rest) = bytes.split_at(tensor.ne.elements() / 4);
    let code = |element: usize| packed[element / 128 * 32 + element % 32] >> (6 - 2 * (element % 128 / 32)) & 3;
    ((0..tensor.ne.elements()).map(code).collect(), rest.to_vec())
}

#[test]
fn every_packing_of_i2_s_gives_the_same_logits() {
    let expected = expected();
    let arm = |codes: &[u8], _: usize, byte: usize| {
        (0..4).map(|n| codes[byte / 16 * 64 + n * 16 + byte % 16] << (6 - 2 * n)).sum::<u8>()
    };
    let interleaved = |codes: &[u8], cols: usize, byte: usize| {
        (0..4).map(|n| codes[(byte / cols * 4 + n) * cols + byte % cols] << (6 - 2 * n)).sum::<u8>()
    };
    let packings: [(I2sPacking, &dyn Fn(&[u8], usize, usize) -> u8); 2] =
        [(I2sPacking::Arm, &arm), (I2sPacking::Interleaved4, &interleaved)];
    for (packing, byte_of) in packings {
        let file = with_tensors(|model, tensor| {
            let (codes, rest) = (tensor.kind == TensorType::I2S).then(|| codes(model, tensor))?;
            let bytes = (0..codes.len() / 4).map(|byte| byte_of(&codes, tensor.ne.fastest(), byte));
            Some((TensorType::I2S, bytes.chain(rest).collect()))
        });
        assert_eq!(logits(&file, packing), expected, "{packing:?}");
        assert_ne!(logits(&file, I2sPacking::X86), expected, "{packing:?} read as x86");
    }
}
