//! What the fuzz targets do with bytes: shared by `fuzz/`, which looks for inputs, and by the tests, which replay those
//! that were found. Nothing here may panic, whatever the bytes are.

use bytes::Bytes;
use std::path::Path;
use std::sync::OnceLock;
use trine::kernels::packing::{I2sPacking, TernaryLayout, ternary_from_int8, ternary_from_packed_rows};
use trine::kernels::{CpuOptions, Matrix, PackingKind};
use trine::loader::{Access, Gguf, Safetensors, SafetensorsModel};
use trine::model::{Config, HfDirectory, LoadOptions, Source, Tokenizer, TokenizerOptions, judge, load};
use trine::ops::Cpu;
use trine::shapes::Dyn;

/// A target: its name, which is a folder of `fuzz/corpus`, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 6] = [
    ("gguf", gguf),
    ("model", model),
    ("tokenizer", tokenizer),
    ("ternary", ternary),
    ("safetensors", safetensors),
    ("directory", directory),
];

/// The machine: one for all inputs, as threads take longer to start than most inputs to be read.
fn cpu() -> Cpu {
    static CPU: OnceLock<Cpu> = OnceLock::new();
    CPU.get_or_init(|| Cpu::new(CpuOptions::default()).expect("the threads of the machine")).clone()
}

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

/// Configuration, statistics of whatever tensors there are, and the model where they make up one.
pub fn model(data: &[u8]) {
    if let Ok(file) = Gguf::from_bytes("fuzzed", Bytes::copy_from_slice(data)) {
        let config = Config::from_gguf(&file);
        for packing in [I2sPacking::X86, I2sPacking::Arm, I2sPacking::Interleaved4] {
            let judged = judge(&file, config.as_ref().ok(), packing, &cpu());
            assert_eq!(judged.len(), file.tensors().len());
        }
        if let Ok(config) = config {
            let _ = Dyn::scope(config.dims, |model| load(model, &file, &cpu(), &LoadOptions::default()).map(drop));
        }
    }
}

/// Tokenizer metadata; a tokenizer that is made of it encodes text.
pub fn tokenizer(data: &[u8]) {
    if let Ok(file) = Gguf::from_bytes("fuzzed", Bytes::copy_from_slice(data))
        && let Ok(tokenizer) = Tokenizer::from_gguf(&file, &TokenizerOptions::default())
    {
        there_and_back(&tokenizer);
    }
}

fn there_and_back(tokenizer: &Tokenizer) {
    if let Ok(ids) = tokenizer.encode("A fox, 12 ŵ\n", trine::model::EncodeOptions::PROMPT) {
        tokenizer.decode(&ids, true).expect("ids of its own");
    }
}

/// The header of a safetensors file; where it is sound, every byte of every tensor is there.
pub fn safetensors(data: &[u8]) {
    if let Ok(file) = Safetensors::from_bytes("fuzzed", Bytes::copy_from_slice(data)) {
        for tensor in file.tensors() {
            assert_eq!(file.bytes(tensor).len() as u64, tensor.len);
        }
    }
}

/// The byte between the files of a directory; no JSON text has it.
const NEXT_FILE: u8 = 0xff;

/// `config.json`, `tokenizer.json`, `tokenizer_config.json` and an index of safetensors files, beside one tensor.
pub fn directory(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut parts = data.split(|byte| *byte == NEXT_FILE);
    let write = |name: &str, contents: Option<&[u8]>| {
        contents.inspect(|contents| std::fs::write(folder.path().join(name), contents).expect("room"));
    };
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors.index.json"] {
        write(name, parts.next());
    }
    if folder.path().join("model.safetensors.index.json").exists() {
        write("one.safetensors", Some(&one_tensor()));
        let _ = SafetensorsModel::open(folder.path(), Access::Copy);
    }
    write("model.safetensors", Some(&one_tensor()));
    described(folder.path());
}

/// A safetensors file of one gain, which belongs to the first block.
fn one_tensor() -> Vec<u8> {
    let header = br#"{"model.layers.0.input_layernorm.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    [&(header.len() as u64).to_le_bytes()[..], header, &1.5f32.to_le_bytes()].concat()
}

/// Everything that a directory says of its model but for the weights.
fn described(folder: &Path) {
    let Ok(directory) = HfDirectory::open(folder, Access::Copy) else { return };
    let _ = (directory.config(), directory.description(&TokenizerOptions::default()));
    if let Ok(tokenizer) = directory.tokenizer(&TokenizerOptions::default()) {
        there_and_back(&tokenizer);
        let _ = directory.chat_template(&tokenizer);
    }
}

/// Every decoder of codes: two bytes of dimensions, then the matrix.
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
    let packings = [
        PackingKind::I2S,
        PackingKind::Tq1_0,
        PackingKind::Tq2_0,
        PackingKind::Q2_0,
        PackingKind::Pq2_0,
        PackingKind::Ptq1_0,
        PackingKind::Q1_0,
    ];
    for kind in packings {
        let cols = kind.block() * usize::from(*blocks);
        if let Ok(matrix) = Matrix::new(kind, rows, cols, Bytes::copy_from_slice(bytes)) {
            decode(&matrix);
        }
    }
    let cols = usize::from(*blocks);
    let codes = [ternary_from_packed_rows(4 * rows, cols, bytes), ternary_from_int8(rows, cols, bytes)];
    codes.into_iter().flatten().for_each(|codes| decode(&Matrix::from(codes)));
}

/// Every weight of a sound matrix is finite.
fn decode(matrix: &Matrix) {
    let mut values = vec![f32::NAN; matrix.cols()];
    for row in 0..matrix.rows() {
        matrix.decode_row(row, &mut values);
        assert!(values.iter().all(|value| value.is_finite()));
    }
}
