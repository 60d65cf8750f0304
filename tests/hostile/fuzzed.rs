//! What the fuzz targets do with bytes: shared by `fuzz/`, which looks for inputs, and by the tests, which replay those
//! that were found. Nothing here may panic, whatever the bytes are.

use bytes::Bytes;
use trine::kernels::packing::{I2sPacking, TernaryLayout};
use trine::kernels::{Matrix, PackingKind};
use trine::loader::Gguf;
use trine::model::{Config, Tokenizer, TokenizerOptions, judge};

/// A target: its name, which is a folder of `fuzz/corpus`, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 4] = [("gguf", gguf), ("model", model), ("tokenizer", tokenizer), ("ternary", ternary)];

/// Header, metadata and tensor table; where they are sound, every byte of every tensor is there.
pub fn gguf(data: &[u8]) {
    if let Ok(file) = Gguf::from_bytes("fuzzed", Bytes::copy_from_slice(data)) {
        for tensor in file.tensors() {
            assert_eq!(file.bytes(tensor).len() as u64, tensor.len);
        }
        for (key, value) in file.metadata().iter() {
            assert_eq!(file.metadata().get(key).map(|found| found.value_type()), Some(value.value_type()));
        }
    }
}

/// Configuration and statistics of whatever tensors there are.
pub fn model(data: &[u8]) {
    if let Ok(file) = Gguf::from_bytes("fuzzed", Bytes::copy_from_slice(data)) {
        let config = Config::from_gguf(&file);
        for packing in [I2sPacking::X86, I2sPacking::Arm, I2sPacking::Interleaved4] {
            let judged = judge(&file, config.as_ref().ok(), packing);
            assert_eq!(judged.len(), file.tensors().len());
        }
    }
}

/// Tokenizer metadata; a tokenizer that is made of it encodes text.
pub fn tokenizer(data: &[u8]) {
    if let Ok(file) = Gguf::from_bytes("fuzzed", Bytes::copy_from_slice(data))
        && let Ok(tokenizer) = Tokenizer::from_gguf(&file, &TokenizerOptions::default())
        && let Ok(ids) = tokenizer.encode("A fox, 12 ŵ\n", trine::model::EncodeOptions::PROMPT)
    {
        tokenizer.decode(&ids, true).expect("ids of its own");
    }
}

/// Every ternary decoder: two bytes of dimensions, then the matrix.
pub fn ternary(data: &[u8]) {
    let [rows, blocks, bytes @ ..] = data else { return };
    let rows = usize::from(*rows);
    let layouts = [
        TernaryLayout::I2sArm,
        TernaryLayout::I2sInterleaved4,
        TernaryLayout::Iq1Bn,
        TernaryLayout::Iq2Bn,
        TernaryLayout::Iq2BnR4,
    ];
    for layout in layouts {
        if let Ok(matrix) = Matrix::repack(layout, rows, 64 * usize::from(*blocks), bytes) {
            decode(&matrix);
        }
    }
    for (kind, block) in [(PackingKind::I2S, 128), (PackingKind::Tq1_0, 256), (PackingKind::Tq2_0, 256)] {
        let cols = block * usize::from(*blocks);
        if let Ok(matrix) = Matrix::new(kind, rows, cols, Bytes::copy_from_slice(bytes)) {
            decode(&matrix);
        }
    }
}

/// Every weight of a sound matrix is finite.
fn decode(matrix: &Matrix) {
    let mut values = vec![f32::NAN; matrix.cols()];
    for row in 0..matrix.rows() {
        matrix.decode_row(row, &mut values);
        assert!(values.iter().all(|value| value.is_finite()));
    }
}
