//! Models in several files: those that the `gguf` package wrote (`tools/golden/split.py`), and damaged ones.

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use trine_loader::{Access, Gguf, GgufWriter, TensorType};

const FIRST: &str = "llama-dense-q4_0-00001-of-00003.gguf";
const SECOND: &str = "llama-dense-q4_0-00002-of-00003.gguf";
const THIRD: &str = "llama-dense-q4_0-00003-of-00003.gguf";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures")
}

/// The three files in a folder of their own.
fn copies() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in [FIRST, SECOND, THIRD] {
        fs::copy(fixtures().join("split").join(name), folder.path().join(name)).unwrap();
    }
    folder
}

fn refusal(path: &Path) -> String {
    let message = Gguf::open(path).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

#[test]
fn the_parts_hold_what_the_whole_holds() {
    let whole = Gguf::open(fixtures().join("llama_cpp/llama-dense-q4_0.gguf")).unwrap();
    for access in [Access::Map, Access::Copy] {
        let parts = Gguf::open_with(fixtures().join("split").join(FIRST), access).unwrap();
        assert_eq!((parts.files(), parts.tensors().len()), (3, whole.tensors().len()));
        assert!(parts.label().ends_with(FIRST));
        for (key, value) in whole.metadata().iter() {
            assert_eq!(parts.metadata().get(key), Some(value), "{key}");
        }
        let mut labels = Vec::new();
        for tensor in whole.tensors() {
            let part = parts.tensor(&tensor.name).unwrap();
            assert_eq!((part.kind, part.ne), (tensor.kind, tensor.ne), "{}", tensor.name);
            assert_eq!(parts.bytes(part), whole.bytes(tensor), "{}", tensor.name);
            labels.push(parts.label_of(part).to_owned());
        }
        labels.dedup();
        assert_eq!(labels.len(), 3, "{labels:?}");
        let lengths =
            [FIRST, SECOND, THIRD].map(|name| fs::metadata(fixtures().join("split").join(name)).unwrap().len());
        assert_eq!(parts.file_len(), lengths.iter().sum::<u64>());
    }
}

#[test]
fn a_part_that_is_missing_is_named() {
    let folder = copies();
    fs::remove_file(folder.path().join(SECOND)).unwrap();
    let message = refusal(&folder.path().join(FIRST));
    assert!(message.contains(SECOND) && message.contains("cannot open it"), "{message}");
}

#[test]
fn another_part_than_the_first_says_which_is() {
    let message = refusal(&fixtures().join("split").join(THIRD));
    assert!(message.contains("part 3 of a model in 3 files") && message.ends_with(FIRST), "{message}");
}

#[test]
fn files_of_other_names_and_in_memory_are_refused() {
    let folder = copies();
    let renamed = folder.path().join("model.gguf");
    fs::rename(folder.path().join(FIRST), &renamed).unwrap();
    let message = refusal(&renamed);
    assert!(message.contains("NAME-00001-of-00003.gguf"), "{message}");
    let message = Gguf::from_bytes("memory", fs::read(&renamed).unwrap().into()).unwrap_err().to_string();
    assert!(message.starts_with("memory: ") && message.contains("NAME-00001-of-00003.gguf"), "{message}");
}

#[test]
fn a_part_in_the_place_of_another_is_refused() {
    let folder = copies();
    fs::copy(folder.path().join(SECOND), folder.path().join(THIRD)).unwrap();
    let message = refusal(&folder.path().join(FIRST));
    assert!(message.contains(THIRD) && message.contains("expected split.no 2"), "{message}");
}

#[test]
fn parts_of_other_models_are_refused() {
    let write = |folder: &Path, name: &str, number: u16, count: u16, tensor: &str| {
        let mut writer = GgufWriter::new();
        writer.set("split.no", number).unwrap().set("split.count", count).unwrap();
        writer.set("split.tensors.count", 2i32).unwrap();
        writer.tensor(tensor, &[3], TensorType::F32, vec![0; 12]).unwrap();
        writer.write_file(folder.join(name)).unwrap();
    };
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = ("m-00001-of-00002.gguf", "m-00002-of-00002.gguf");
    write(folder.path(), first, 0, 2, "a");
    write(folder.path(), second, 1, 2, "b");
    assert_eq!(Gguf::open(folder.path().join(first)).unwrap().tensors().len(), 2);
    write(folder.path(), second, 1, 2, "a");
    let message = refusal(&folder.path().join(first));
    assert!(message.contains("tensor \"a\"") && message.contains("has a tensor of this name too"), "{message}");
    write(folder.path(), second, 1, 3, "b");
    let message = refusal(&folder.path().join(first));
    assert!(message.contains(second) && message.contains("expected split.count 2"), "{message}");
    let mut two = GgufWriter::new();
    two.set("split.no", 1u16).unwrap().set("split.count", 2u16).unwrap();
    for name in ["b", "c"] {
        two.tensor(name, &[3], TensorType::F32, vec![0; 12]).unwrap();
    }
    two.write_file(folder.path().join(second)).unwrap();
    let message = refusal(&folder.path().join(first));
    assert!(message.contains("3 tensors together, expected 2"), "{message}");
}
