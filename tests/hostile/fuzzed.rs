//! What the fuzz targets do with bytes: shared by `fuzz/`, which looks for inputs, and by the tests, which replay those
//! that were found. Nothing here may panic, whatever the bytes are.

use bytes::Bytes;
use std::path::Path;
use std::sync::OnceLock;
use trine::kernels::packing::{I2sPacking, TernaryLayout, ternary_from_int8, ternary_from_packed_rows};
use trine::kernels::{CacheType, CpuOptions, Matrix, PackingKind};
use trine::loader::json::Object;
use trine::loader::{Access, Gguf, Safetensors, SafetensorsModel};
use trine::model::{
    ChatError, ChatTemplate, Config, HfDirectory, KvCache, LoadOptions, Message, Source, Tokenizer, TokenizerOptions,
    judge, load, open_model,
};
use trine::ops::Cpu;
use trine::shapes::{Dyn, Fixed, Idx, Vocab};
use trine::text::TokenizerFiles;

/// A target: its name, which is a folder of `fuzz/corpus`, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 10] = [
    ("gguf", gguf),
    ("model", model),
    ("tokenizer", tokenizer),
    ("ternary", ternary),
    ("safetensors", safetensors),
    ("directory", directory),
    ("template", template),
    ("path", path),
    ("steps", steps),
    ("tokenizer_json", tokenizer_json),
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

/// A chat template and the messages of a conversation: roles and contents, in turn.
pub fn template(data: &[u8]) {
    let mut parts = data.split(|byte| *byte == NEXT_FILE).map(String::from_utf8_lossy);
    let source = parts.next().unwrap_or_default();
    let parts: Vec<_> = parts.collect();
    let messages: Vec<Message> = parts.chunks_exact(2).map(|pair| Message::new(&*pair[0], &*pair[1])).collect();
    let one_line = |error: ChatError| assert!(!error.to_string().contains('\n'), "{error}");
    match ChatTemplate::new(&source, "<s>", "</s>") {
        Ok(template) => drop(template.render(&messages, true).map_err(one_line)),
        Err(error) => one_line(error),
    }
}

/// What files of a folder may be named.
const NAMES: [&str; 8] = [
    "m-00001-of-00002.gguf",
    "m-00002-of-00002.gguf",
    "m-00003-of-00002.gguf",
    "config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "inner",
];

/// A folder that is opened, and each file of it: for every part a byte that names it and one that says whether it is a
/// file, a folder or a link to another name, then its contents.
pub fn path(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let name = |byte: u8| folder.path().join(NAMES[usize::from(byte) % NAMES.len()]);
    for part in data.split(|byte| *byte == NEXT_FILE).take(NAMES.len()) {
        let [at, kind, contents @ ..] = part else { continue };
        // Names that are taken stay as they are.
        let _ = match kind % 4 {
            0 => std::fs::create_dir(name(*at)),
            #[cfg(unix)]
            1 => std::os::unix::fs::symlink(name(contents.first().copied().unwrap_or_default()), name(*at)),
            #[cfg(unix)]
            2 => std::os::unix::fs::symlink(".", name(*at)),
            _ => std::fs::write(name(*at), contents),
        };
    }
    for opened in [folder.path().to_owned()].into_iter().chain((0..8).map(name)) {
        if let Ok(source) = open_model(&opened, Access::Copy) {
            let _ = (source.config(), source.tokenizer(&TokenizerOptions::default()), source.tensors().len());
        }
    }
}

/// A model that loads takes two tokens in one step and in two, and gives the same bits.
pub fn steps(data: &[u8]) {
    let Ok(file) = Gguf::from_bytes("fuzzed", Bytes::copy_from_slice(data)) else { return };
    let Some(dims) = Config::from_gguf(&file).ok().filter(|config| config.context > 1).map(|config| config.dims) else {
        return;
    };
    Dyn::scope(dims, |model| {
        let Ok(loaded) = load(model, &file, &cpu(), &LoadOptions::default()) else { return };
        let all = || Idx::all(Vocab::of(model));
        let tokens: Vec<_> = all().take(1).chain(all().last()).collect();
        let logits = |steps: &[&[_]]| {
            let mut cache = KvCache::new(&loaded.transformer, Fixed::<1>, 2, CacheType::F32).expect("memory of two");
            let mut step =
                |tokens: &&[_]| cache.step(&[*tokens], |step| loaded.transformer.logits(&cpu(), step).into_data());
            steps.iter().flat_map(|tokens| step(tokens).expect("room for two").to_vec()).map(f32::to_bits).collect()
        };
        let (once, twice): (Vec<u32>, Vec<u32>) = (logits(&[&tokens]), logits(&[&tokens[..1], &tokens[1..]]));
        assert_eq!(once, twice);
    });
}

/// A `tokenizer.json` beside a `config.json` that asks for little.
pub fn tokenizer_json(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, contents: &[u8]| std::fs::write(folder.path().join(name), contents).expect("room");
    write("config.json", br#"{ "vocab_size": 300, "bos_token_id": 1, "eos_token_id": [2, 3] }"#);
    write("tokenizer.json", data);
    let config = Object::open(&folder.path().join("config.json")).expect("a sound file");
    if let Ok(tokenizer) = TokenizerFiles::new(folder.path(), &config).tokenizer(&TokenizerOptions::default()) {
        there_and_back(&tokenizer);
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
        TernaryLayout::Stq1_0,
    ];
    for layout in layouts {
        if let Ok(matrix) = Matrix::repack(layout, rows, 64 * usize::from(*blocks), bytes) {
            decode(&matrix);
        }
    }
    for &kind in PackingKind::CODED {
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
