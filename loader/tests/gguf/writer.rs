//! What the writer refuses, and how it writes files.

use std::{fs, io::Write, path::Path};

use trine_loader::{Access, Array, Gguf, GgufWriter, TensorType, Value};

use crate::builder::valid;

/// The contents of `builder::valid`.
fn same_as_valid() -> GgufWriter {
    let mut writer = GgufWriter::new();
    writer.set("general.architecture", "llama").unwrap();
    writer.set("tokenizer.ggml.tokens", ["a", "", "ŵ"].into_iter().collect::<trine_loader::StringArray>()).unwrap();
    writer.set("llama.block_count", 7u32).unwrap();
    writer.tensor("norm", &[5, 3], TensorType::F32, vec![1; 60]).unwrap();
    writer.tensor("embd", &[2, 64], TensorType::Q8_0, vec![2; 136]).unwrap();
    writer
}

fn names_in(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn bytes_are_those_of_a_file_built_by_hand() {
    let mut file = Vec::new();
    same_as_valid().write_to(&mut file).unwrap();
    assert_eq!(file, valid().0);
}

/// Of a mapped file, what was checked is a copy; of a copied one, everything is.
#[test]
fn a_file_that_is_rewritten_in_place_keeps_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    for access in [Access::Map, Access::Copy] {
        let path = folder.path().join("model.gguf");
        fs::write(&path, valid().0).unwrap();
        let gguf = Gguf::open_with(&path, access).unwrap();
        let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.write_all(&vec![0xff; gguf.file_len() as usize]).unwrap();
        assert_eq!(gguf.metadata().str("general.architecture").unwrap(), "llama");
        assert_eq!(&gguf.metadata().string_array("tokenizer.ggml.tokens").unwrap()[2], "ŵ");
        let names: Vec<_> = gguf.tensors().iter().map(|tensor| (tensor.name.as_str(), tensor.len)).collect();
        assert_eq!(names, [("norm", 60), ("embd", 136)]);
        if access == Access::Copy {
            assert_eq!(gguf.bytes(&gguf.tensors()[1])[..], [2; 136]);
        }
    }
}

#[test]
fn files_are_replaced_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    same_as_valid().write_file(&path).unwrap();
    let before = Gguf::open(&path).unwrap();
    GgufWriter::new().write_file(&path).unwrap();
    assert_eq!(before.bytes(&before.tensors()[1])[..], [2; 136], "the mapped file is still there");
    assert!(Gguf::open(&path).unwrap().metadata().is_empty());
    assert_eq!(names_in(folder.path()), ["model.gguf"]);
}

#[test]
fn failures_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let occupied = folder.path().join("occupied");
    fs::create_dir(&occupied).unwrap();
    let error = same_as_valid().write_file(&occupied).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: cannot write it: ", occupied.display())), "{error}");
    assert_eq!(names_in(folder.path()), ["occupied"]);
    let nowhere = folder.path().join("absent/model.gguf");
    assert!(
        same_as_valid().write_file(&nowhere).unwrap_err().to_string().contains("absent/model.gguf: cannot write it")
    );
}

#[test]
fn opening_what_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &Path| Gguf::open(path).unwrap_err().to_string();
    assert!(message(folder.path()).ends_with(": expected a regular file, found a directory"));
    assert!(message(&folder.path().join("absent.gguf")).contains("absent.gguf: cannot open it: "));
    let empty = folder.path().join("empty.gguf");
    fs::write(&empty, b"").unwrap();
    assert!(message(&empty).contains("found an empty file"));
}

#[test]
fn metadata_that_cannot_be_written() {
    let mut writer = GgufWriter::new();
    writer.set("a", 1u32).unwrap();
    let mut refused = |key: &str, value: Value| writer.set(key, value).unwrap_err().to_string();
    assert_eq!(refused("a", Value::Bool(true)), "metadata key \"a\" was set twice");
    assert_eq!(refused("", Value::U8(1)), "expected a metadata key of 1 to 65535 bytes, found \"\" of 0");
    assert!(refused(&"k".repeat(70_000), Value::U8(1)).ends_with("... (70000 bytes) of 70000"));
    let deep = (0..4).fold(Array::U8(vec![1]), |inner, _| Array::Array(vec![inner]));
    assert_eq!(
        refused("deep", Value::Array(deep)),
        "metadata key \"deep\": expected arrays nested at most 4 deep, found more"
    );
    let alignment =
        "metadata key \"general.alignment\": expected a u32 that is a power of two from 8 to 1048576, found";
    assert_eq!(refused("general.alignment", Value::U32(24)), format!("{alignment} 24"));
    assert_eq!(refused("general.alignment", Value::U64(32)), format!("{alignment} u64"));
    assert_eq!(writer.version(1).unwrap_err().to_string(), "expected GGUF version 2 or 3, found version 1");
}

#[test]
fn tensors_that_cannot_be_written() {
    let mut writer = GgufWriter::new();
    writer.tensor("w", &[3, 5], TensorType::F32, vec![0; 60]).unwrap();
    let mut refused = |name: &str, shape: &[usize], kind, bytes: usize| {
        writer.tensor(name, shape, kind, vec![0; bytes]).unwrap_err().to_string()
    };
    assert_eq!(refused("w", &[3, 5], TensorType::F32, 60), "tensor \"w\" was added twice");
    assert_eq!(refused("v", &[3, 5], TensorType::F16, 60), "tensor \"v\": expected 30 bytes of F16, found 60");
    assert_eq!(
        refused("v", &[64, 48], TensorType::I2S, 800),
        "tensor \"v\": expected rows of a multiple of 64 elements, as I2_S packs them, found rows of 48"
    );
    assert_eq!(refused("v", &[], TensorType::F32, 4), "tensor \"v\": expected 1 to 4 dimensions, found 0");
    assert!(refused("v", &[1 << 40, 1 << 40], TensorType::F32, 4).contains("fits in memory"));
    assert!(refused(&"n".repeat(65), &[1], TensorType::F32, 4).starts_with("expected a tensor name of 1 to 64 bytes"));
}
