//! Hostile files: every file of the corpus is refused with one clear line, before anything is computed from it.

pub mod corpus;
pub mod directories;
mod fuzzed;

use crate::support::cpu;
use bytes::Bytes;
use corpus::Case;
use std::path::Path;
use trine::loader::{Access, Gguf};
use trine::model::{Config, HfDirectory, LoadOptions, Source, Tokenizer, TokenizerOptions, load};
use trine::shapes::Dyn;

/// Loads everything that a run needs of a file; the error is the line that it prints.
pub fn load_all(file: Vec<u8>) -> Result<(), String> {
    let file = Gguf::from_bytes("hostile.gguf", Bytes::from(file)).map_err(|error| error.to_string())?;
    let config = Config::from_gguf(&file).map_err(|error| error.to_string())?;
    Tokenizer::from_gguf(&file, &TokenizerOptions::default()).map_err(|error| error.to_string())?;
    Dyn::scope(config.dims, |model| load(model, &file, &cpu(), &LoadOptions::default()).map(drop))
        .map_err(|error| error.to_string())
}

/// What is wrong with the refusal of a file, if anything is.
fn fault(case: &Case) -> Option<String> {
    let name = &case.name;
    let Err(message) = load_all(case.file()) else { return Some(format!("{name}: the file loads")) };
    if message.contains('\n') || !message.starts_with("hostile.gguf: ") {
        return Some(format!("{name}: not one line that begins with the file: {message}"));
    }
    let unsaid = case.says.iter().find(|part| !message.contains(part.as_str()))?;
    Some(format!("{name}: expected {unsaid:?} in: {message}"))
}

/// The same for a directory.
fn load_directory(path: &Path) -> Result<(), String> {
    let directory = HfDirectory::open(path, Access::Copy).map_err(|error| error.to_string())?;
    let config = directory.config().map_err(|error| error.to_string())?;
    let tokenizer = directory.tokenizer(&TokenizerOptions::default()).map_err(|error| error.to_string())?;
    directory.chat_template(&tokenizer).map_err(|error| error.to_string())?;
    Dyn::scope(config.dims, |model| load(model, &directory, &cpu(), &LoadOptions::default()).map(drop))
        .map_err(|error| error.to_string())
}

fn directory_fault(case: &directories::Case) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    case.write(folder.path());
    let name = case.name;
    let Err(message) = load_directory(folder.path()) else { return Some(format!("{name}: the directory loads")) };
    let begins = message.starts_with(folder.path().to_str().expect("a path of text"));
    if message.contains('\n') || !begins {
        return Some(format!("{name}: not one line that begins with the file: {message}"));
    }
    (!message.contains(case.says)).then(|| format!("{name}: expected {:?} in: {message}", case.says))
}

#[test]
fn every_damaged_directory_is_refused_with_one_clear_line() {
    let cases = directories::cases();
    let faults: Vec<String> = cases.iter().filter_map(directory_fault).collect();
    assert!(faults.is_empty(), "{} of {} directories:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

#[test]
fn the_undamaged_file_loads() {
    let file = include_bytes!("../../assets/stories-i2_s.gguf").to_vec();
    assert_eq!(load_all(file), Ok(()));
}

#[test]
fn every_damaged_file_is_refused_with_one_clear_line() {
    let cases = corpus::cases();
    assert!(cases.iter().all(|case| !case.says.is_empty()), "each case has its message");
    let faults: Vec<String> = cases.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{} of {} files:\n{}", faults.len(), cases.len(), faults.join("\n"));
}

/// Inputs of `fuzz/corpus`: the first ones, and those that the fuzzer found.
#[test]
fn no_input_of_the_fuzz_targets_panics() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in fuzzed::TARGETS {
        let files = std::fs::read_dir(corpus.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let files: Vec<_> = files.map(|file| file.expect("a readable folder").path()).collect();
        assert!(!files.is_empty(), "no input for {name}");
        for file in files {
            target(&std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())));
        }
    }
}
