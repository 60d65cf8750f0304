//! Converted files are those that other programs have read.
//!
//! `tools/golden/converted.py` lets the `gguf` package decode every tensor of what `trine convert` writes, compares the
//! values, and notes the digest of each file.

use crate::api::*;
use crate::support::{cpu, fixture, open};
use bytes::Bytes;
use serde_json::Value;
use trine::model::{Conversion, convert, sha256};

fn converted(file: &Gguf, matrices: TensorType) -> Gguf {
    let mut bytes = Vec::new();
    let converted = convert(file, &Conversion::to(matrices), &cpu(), &|_, _| ());
    let converted = converted.unwrap_or_else(|error| panic!("{error}"));
    converted.writer.write_to(&mut bytes).expect("memory takes everything");
    Gguf::from_bytes("converted", bytes.into()).expect("a sound file")
}

fn digest(file: &Gguf, matrices: TensorType) -> String {
    sha256(&converted(file, matrices))
}

#[test]
fn conversions_are_what_the_gguf_package_has_read() {
    let text = std::fs::read_to_string(fixture("converted.json")).expect("a fixture");
    let digests: Value = serde_json::from_str(&text).expect("JSON");
    let embedded = trine::embedded_model().expect("the embedded model");
    for (name, kind) in [("tq1_0", TensorType::TQ1_0), ("tq2_0", TensorType::TQ2_0), ("f16", TensorType::F16)] {
        assert_eq!(digests[name], digest(&embedded, kind), "{name}");
    }
    assert_eq!(digests["i2_s"], digest(&open("llama_cpp/bitnet-tq2_0.gguf"), TensorType::I2S));
}

/// The bytes of I2_S that have a meaning: all but the 28 after the scale.
fn meaningful(file: &Gguf, name: &str) -> Bytes {
    let tensor = file.tensor(name).expect("a tensor of the embedded model");
    let trailer = if tensor.kind == TensorType::I2S { 28 } else { 0 };
    file.bytes(tensor).slice(..tensor.len as usize - trailer)
}

#[test]
fn what_comes_back_to_i2_s_has_the_bytes_that_bitnet_cpp_wrote() {
    let embedded = trine::embedded_model().expect("the embedded model");
    for (name, kind) in [("tq1_0", TensorType::TQ1_0), ("tq2_0", TensorType::TQ2_0), ("f16", TensorType::F16)] {
        let back = converted(&converted(&embedded, kind), TensorType::I2S);
        for tensor in embedded.tensors() {
            let name_of = &tensor.name;
            assert!(meaningful(&back, name_of) == meaningful(&embedded, name_of), "{name_of} by way of {name}");
        }
    }
}
