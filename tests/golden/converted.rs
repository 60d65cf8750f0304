//! Converted files are those that other programs have read.
//!
//! `tools/golden/converted.py` lets the `gguf` package decode every tensor of what `trine convert` writes, compares the
//! values, and notes the digest of each file.

use crate::support::{cpu, fixture, open};
use serde_json::Value;
use trine::kernels::packing::I2sPacking;
use trine::model::{Conversion, convert, sha256};
use trine::prelude::*;

fn digest(file: &Gguf, matrices: TensorType) -> String {
    let conversion = Conversion { matrices, head: None, i2s_packing: I2sPacking::X86, quantize: None };
    let mut bytes = Vec::new();
    let writer = convert(file, &conversion, &cpu(), &|_, _| ()).unwrap_or_else(|error| panic!("{error}"));
    writer.write_to(&mut bytes).expect("memory takes everything");
    sha256(&Gguf::from_bytes("converted", bytes.into()).expect("a sound file"))
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
