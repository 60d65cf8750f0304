//! Safetensors files of other writers, hostile ones, and directories with an index.

use std::path::Path;
use trine_loader::{Access, Dtype, Safetensors, SafetensorsError, SafetensorsModel};

/// A file with this header and this many bytes of data.
fn file(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend((0..data).map(|byte| byte as u8));
    bytes
}

fn open(bytes: Vec<u8>) -> Result<Safetensors, SafetensorsError> {
    Safetensors::from_bytes("small.safetensors", bytes.into())
}

fn refused(bytes: Vec<u8>, expected: &str) {
    let error = open(bytes).expect_err(expected).to_string();
    assert!(error.starts_with("small.safetensors: ") && error.contains(expected), "{expected}: {error}");
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn a_file_of_the_crate_of_the_format_is_read() {
    let (gains, codes) = ([1.5f32, -2.0, 0.25].map(f32::to_le_bytes).concat(), [3u8, 4, 5, 6, 7, 8]);
    let view = |dtype, shape: &[usize], data| {
        safetensors::tensor::TensorView::new(dtype, shape.to_vec(), data).expect("matching lengths")
    };
    let tensors = [
        ("model.norm.weight", view(safetensors::Dtype::F32, &[3], &gains)),
        ("model.codes", view(safetensors::Dtype::U8, &[2, 3], &codes)),
        ("model.scale", view(safetensors::Dtype::BF16, &[], &codes[..2])),
    ];
    let metadata = [("format".to_owned(), "pt".to_owned())].into();
    let file = open(safetensors::serialize(tensors, Some(metadata)).expect("a file")).expect("a sound file");
    assert_eq!(file.tensors().len(), 3);
    let tensor = |name: &str| file.tensors().iter().find(|tensor| tensor.name == name).expect("written above");
    let norm = tensor("model.norm.weight");
    assert_eq!((norm.dtype, norm.shape.as_slice(), norm.len), (Dtype::F32, &[3][..], 12));
    assert_eq!(file.bytes(norm), gains);
    assert_eq!((tensor("model.codes").dtype, tensor("model.codes").shape.as_slice()), (Dtype::U8, &[2, 3][..]));
    assert_eq!(file.bytes(tensor("model.codes")).as_ref(), codes);
    assert_eq!((tensor("model.scale").dtype, tensor("model.scale").shape.len()), (Dtype::BF16, 0));
}

/// A header of one tensor.
fn line(name: &str, dtype: &str, shape: &str, begin: u64, end: u64) -> String {
    format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}"#)
}

#[test]
fn other_files_are_named() {
    refused(Vec::new(), "the header needs 8 bytes, but the file ends 0 bytes on");
    refused(b"GGUF\x03\0\0\0\0\0\0\0\0\0".to_vec(), "found first bytes \"GGUF\"");
    refused(b"version https://git-lfs.github.com/spec/v1\n".to_vec(), "found a git-lfs pointer");
    refused(b"<!DOCTYPE html><html><body>".to_vec(), "found an HTML page");
    refused(b"PK\x03\x04 a zip archive".to_vec(), "`save_pretrained`, which writes safetensors");
}

#[test]
fn headers_that_lie_about_their_length_are_refused() {
    let mut long = file("{}", 0);
    long[..8].copy_from_slice(&1000u64.to_le_bytes());
    refused(long.clone(), "the header needs 1000 bytes, but the file ends 2 bytes on");
    long[..8].copy_from_slice(&(1u64 << 25).to_le_bytes());
    refused(long, "expected at most 16777216 bytes of JSON, found 33554432");
    refused(file("{", 0), "the JSON is not of the form");
    refused(file(&format!("{{{}}}", line("a", "F32", "[1]", 0, 4)), 3), "expected a file of");
    refused(file(&format!("{{{}}}", line("a", "F32", "[1]", 0, 4)), 5), "expected a file of");
    refused(file("{}", 1), "expected a file of 10 bytes, which its tensors fill, found 11 bytes");
}

#[test]
fn lines_that_lie_about_their_tensor_are_refused() {
    let cases = [
        (line("a", "F4", "[2]", 0, 8), 8, "tensor \"a\": expected an element type among BOOL, U8"),
        (
            line("a", "F32", "[3,2]", 0, 20),
            20,
            "expected 24 bytes, as shape [3, 2] of F32 has, found data offsets 0 to 20",
        ),
        (line("a", "F32", "[2]", 8, 0), 8, "expected 8 bytes"),
        (line("a", "U8", "[4]", 18446744073709551612, 0), 4, "expected 4 bytes"),
        (line("a", "F32", "[4294967296,4294967296]", 0, 8), 8, "fits in memory"),
        (line("a", "U8", "[18446744073709551615]", 0, 8), 8, "fits in memory"),
        (line("a", "F32", "[1]", 4, 8), 8, "expected its data at offset 0 after the header"),
        (line("a", "F32", "[1,1,1,1,1,1,1,1,1]", 0, 4), 4, "the lengths of at most 8 axes"),
        (line("a", "F32", "[-1]", 0, 4), 4, "invalid value"),
        (line("a", "F32", "7", 0, 4), 4, "the lengths of at most 8 axes"),
        (r#""a":{"dtype":"F32","shape":[1]}"#.to_owned(), 4, "missing field `data_offsets`"),
        (r#""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}"#.to_owned(), 4, "unknown field `x`"),
        (r#""__metadata__":{"format":7}"#.to_owned(), 0, "expected a string"),
        (r#""a":[[[[[[[["#.repeat(40), 0, "the JSON is not of the form"),
    ];
    for (line, data, expected) in cases {
        refused(file(&format!("{{{line}}}"), data), expected);
    }
    let twice = [line("a", "F32", "[1]", 0, 4), line("a", "F32", "[1]", 4, 8)].join(",");
    refused(
        file(&format!("{{{twice}}}"), 8),
        "tensor \"a\": the JSON is not of the form that the format asks for: the name stands twice",
    );
    let overlapping = [line("a", "F32", "[2]", 0, 8), line("b", "F32", "[1]", 4, 8)].join(",");
    refused(file(&format!("{{{overlapping}}}"), 8), "tensor \"b\": expected its data at offset 8 after the header");
    let apart = [line("a", "F32", "[1]", 0, 4), line("b", "F32", "[1]", 8, 12)].join(",");
    refused(
        file(&format!("{{{apart}}}"), 12),
        "expected its data at offset 4 after the header, where the tensor before",
    );
}

/// Every change of one byte of a small file: an error or a file, and no panic.
#[test]
fn no_change_of_one_byte_panics() {
    let two = [line("a.weight", "F16", "[2,3]", 0, 12), line("b", "I8", "[5]", 12, 17)].join(",");
    let sound = file(&format!("{{{two},\"__metadata__\":{{\"format\":\"pt\"}}}}"), 17);
    open(sound.clone()).expect("a sound file");
    for at in 0..sound.len() - 17 {
        for value in 0..=u8::MAX {
            let mut changed = sound.clone();
            changed[at] = value;
            if let Ok(file) = open(changed) {
                for tensor in file.tensors() {
                    assert_eq!(file.bytes(tensor).len() as u64, tensor.len);
                }
            }
        }
    }
}

fn write(folder: &Path, name: &str, contents: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), contents).expect("a temporary file");
}

/// Two files with a tensor each.
fn shards(folder: &Path) {
    for (name, tensor) in [("one.safetensors", "a"), ("two.safetensors", "b")] {
        write(folder, name, file(&format!("{{{}}}", line(tensor, "U8", "[3]", 0, 3)), 3));
    }
}

fn index(folder: &Path, map: &str) -> Result<SafetensorsModel, SafetensorsError> {
    write(folder, "model.safetensors.index.json", format!(r#"{{"metadata":{{"total_size":6}},"weight_map":{map}}}"#));
    SafetensorsModel::open(folder, Access::Map)
}

#[test]
fn an_index_and_its_files_agree() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let none = SafetensorsModel::open(folder, Access::Map).unwrap_err().to_string();
    assert!(none.contains("found neither"), "{none}");
    write(folder, "pytorch_model.bin", "");
    let pickles = SafetensorsModel::open(folder, Access::Map).unwrap_err().to_string();
    assert!(pickles.contains("PyTorch checkpoints"), "{pickles}");

    shards(folder);
    let model = index(folder, r#"{"a":"one.safetensors","b":"two.safetensors"}"#).expect("a sound index");
    let names: Vec<_> = model.tensors().map(|(file, tensor)| (file.label().to_owned(), tensor.name.clone())).collect();
    assert_eq!(names.len(), 2);
    assert!(names[1].0.ends_with("two.safetensors") && names[1].1 == "b", "{names:?}");

    let cases = [
        (
            r#"{"a":"one.safetensors","b":"one.safetensors"}"#,
            "tensor \"b\": the index places it in \"one.safetensors\", which has",
        ),
        (
            r#"{"a":"two.safetensors","b":"two.safetensors"}"#,
            "tensor \"a\": the index places it in \"two.safetensors\", which",
        ),
        (r#"{"a":"one.safetensors","c":"two.safetensors"}"#, "tensor \"b\": the index places it nowhere"),
        (
            r#"{"a":"two.safetensors","b":"one.safetensors"}"#,
            "tensor \"a\": the index places it in \"two.safetensors\", but",
        ),
        (r#"{"a":"../one.safetensors"}"#, "the name of a file beside the index, found \"../one.safetensors\""),
        (r#"{"a":"/etc/hostname"}"#, "the name of a file beside the index"),
        (r#"{"a":".."}"#, "the name of a file beside the index"),
        (r#"{"a":"one.safetensors","a":"two.safetensors"}"#, "the name stands twice"),
        (r#"{"a":"three.safetensors"}"#, "three.safetensors: cannot open it"),
        (r#"{"a":7}"#, "expected a string"),
        (r#"["a"]"#, "an object of texts"),
    ];
    for (map, expected) in cases {
        let error = index(folder, map).expect_err(expected).to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        assert!(error.starts_with(folder.to_str().unwrap()), "{error}");
    }
}
