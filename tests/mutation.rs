//! Single wrong bytes of small whole models, a GGUF file and a directory: loaded, or refused with one line; never
//! a panic, an overflow or an access out of bounds, and never more memory than the length of the files and a
//! constant. A program of its own, because it counts every allocation of the process.

use bytes::Bytes;
use cap::Cap;
use std::alloc::System;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;
use trine::kernels::CpuOptions;
use trine::loader::{Access, Gguf, TensorType};
use trine::model::{
    Config, Conversion, HfDirectory, LoadOptions, Source, Tokenizer, TokenizerOptions, convert, judge, load,
};
use trine::ops::Cpu;
use trine::shapes::Dyn;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Memory besides the length of the files: mostly for the longest context that is believed.
const BESIDES: usize = 8 << 20;

/// One test at a time: memory is that of the process.
static ALONE: Mutex<()> = Mutex::new(());

/// Every byte in turn with another value, which differs from place to place; `step` leaves some out.
fn mutations(file: &[u8], step: usize) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (0..file.len()).step_by(step).map(|at| {
        let mut changed = file.to_vec();
        changed[at] ^= [0xff, 0x01, 0x80, 0x20, 0x10, 0x7f, 0x02][at % 7];
        (at, changed)
    })
}

fn one_line(what: &str, at: usize, error: impl ToString) {
    let message = error.to_string();
    assert!(!message.contains('\n') && message.len() < 2000, "{what}, byte {at}: {message}");
}

fn within_limits(what: &str, at: usize, length: usize) {
    let most = ALLOCATOR.max_allocated();
    assert!(most <= length + BESIDES, "{what}, byte {at}: {most} bytes for files of {length}");
}

/// Everything that is done with a GGUF file before the first token.
fn try_file(at: usize, bytes: Vec<u8>, cpu: &Cpu) {
    let refused = |error: &dyn ToString| one_line("GGUF", at, error.to_string());
    let file = match Gguf::from_bytes("changed", Bytes::from(bytes)) {
        Ok(file) => file,
        Err(error) => return refused(&error),
    };
    let config = Config::from_gguf(&file);
    judge(&file, config.as_ref().ok(), Default::default(), cpu);
    match config {
        Ok(config) => drop(Dyn::scope(config.dims, |model| {
            load(model, &file, cpu, &LoadOptions::default()).map(drop).map_err(|error| refused(&error))
        })),
        Err(error) => refused(&error),
    }
    Tokenizer::from_gguf(&file, &TokenizerOptions::default()).map(drop).unwrap_or_else(|error| refused(&error));
}

/// The same for a directory; `with_tokenizer` where its files may have changed.
fn try_directory(what: &str, at: usize, path: &Path, with_tokenizer: bool, cpu: &Cpu) {
    let refused = |error: &dyn ToString| one_line(what, at, error.to_string());
    let directory = match HfDirectory::open(path, Access::Copy) {
        Ok(directory) => directory,
        Err(error) => return refused(&error),
    };
    match directory.config() {
        Ok(config) => drop(Dyn::scope(config.dims, |model| {
            load(model, &directory, cpu, &LoadOptions::default()).map(drop).map_err(|error| refused(&error))
        })),
        Err(error) => refused(&error),
    }
    let converted = convert(&directory, &Conversion::to(TensorType::F16), cpu, &|_, _| ());
    converted.map(drop).unwrap_or_else(|error| refused(&error));
    if !with_tokenizer {
        return;
    }
    directory.tokenizer(&TokenizerOptions::default()).map(drop).unwrap_or_else(|error| refused(&error));
}

#[test]
fn no_wrong_byte_of_a_file_does_harm() {
    let _alone = ALONE.lock();
    let cpu = Cpu::new(CpuOptions { threads: NonZeroUsize::new(1), isa: None }).expect("a thread");
    let file = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/model/model")).expect("a model");
    let sound = Gguf::from_bytes("sound", file.clone().into()).expect("a sound file");
    assert_eq!(sound.tensors().len(), 13);
    let data = sound.tensors()[0].offset as usize;
    for (at, changed) in mutations(&file, 1).filter(|(at, _)| *at < data).chain(mutations(&file, 17)) {
        try_file(at, changed, &cpu);
        within_limits("GGUF", at, file.len());
    }
}

#[test]
fn no_wrong_byte_of_a_directory_does_harm() {
    let _alone = ALONE.lock();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints/llama-packed");
    let folder = tempfile::tempdir().expect("a folder");
    let cpu = Cpu::new(CpuOptions { threads: NonZeroUsize::new(1), isa: None }).expect("a thread");
    let names = ["config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "model.safetensors"];
    let read = |name: &str| std::fs::read(from.join(name)).expect("a file of the checkpoint");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("room");
    names.iter().for_each(|name| write(name, &read(name)));
    let length: usize = names.iter().map(|name| read(name).len()).sum();
    for (name, step) in [("config.json", 2), ("tokenizer.json", 17), ("tokenizer_config.json", 3)] {
        for (at, changed) in mutations(&read(name), step) {
            write(name, &changed);
            try_directory(name, at, folder.path(), true, &cpu);
            within_limits(name, at, length);
        }
        write(name, &read(name));
    }
    let weights = read("model.safetensors");
    let header = 8 + u64::from_le_bytes(*weights.first_chunk().expect("a length")) as usize;
    let of_data = mutations(&weights, 97).filter(|(at, _)| *at >= header);
    for (at, changed) in
        mutations(&weights[..header], 2).map(|(at, start)| (at, [&start, &weights[header..]].concat())).chain(of_data)
    {
        write("model.safetensors", &changed);
        try_directory("model.safetensors", at, folder.path(), false, &cpu);
        within_limits("model.safetensors", at, length);
    }
}
