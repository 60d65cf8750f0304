//! Files that other programs wrote: read exactly, and written again byte for byte.

use std::path::Path;

use trine_loader::{Array, Gguf, GgufWriter, TensorType, Value};

/// A file of the repository.
fn open(path: &str) -> Gguf {
    Gguf::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).expect("a valid file")
}

fn from_gguf_py() -> Gguf {
    open("loader/tests/data/from-gguf-py.gguf")
}

/// What our writer makes of the contents of a file.
fn rewritten(gguf: &Gguf) -> Vec<u8> {
    let mut writer = GgufWriter::new();
    writer.version(gguf.version()).unwrap();
    for (key, value) in gguf.metadata().iter() {
        writer.set(key, value.clone()).unwrap();
    }
    for tensor in gguf.tensors() {
        writer.tensor(&tensor.name, &tensor.ne.row_major(), tensor.kind, gguf.bytes(tensor)).unwrap();
    }
    let mut file = Vec::new();
    writer.write_to(&mut file).unwrap();
    file
}

#[test]
fn every_metadata_type_of_gguf_py() {
    let gguf = from_gguf_py();
    let value = |key| gguf.metadata().get(key).cloned().expect(key);
    assert_eq!(value("value.u8"), Value::U8(255));
    assert_eq!(value("value.i8"), Value::I8(-128));
    assert_eq!(value("value.u16"), Value::U16(65535));
    assert_eq!(value("value.i16"), Value::I16(-32768));
    assert_eq!(value("value.u32"), Value::U32(u32::MAX));
    assert_eq!(value("value.i32"), Value::I32(i32::MIN));
    assert_eq!(value("value.f32"), Value::F32(1e-5));
    assert_eq!(value("value.true"), Value::Bool(true));
    assert_eq!(value("value.false"), Value::Bool(false));
    assert_eq!(value("value.string"), Value::from("für Ω\n"));
    assert_eq!(value("value.u64"), Value::U64(u64::MAX));
    assert_eq!(value("value.i64"), Value::I64(i64::MIN));
    assert_eq!(value("value.f64"), Value::F64(0.1));
    assert_eq!(value("array.i32"), Value::from(vec![-1, 0, i32::MAX]));
    assert_eq!(value("array.f32"), Value::from(vec![0.5f32, -2.0]));
    assert_eq!(value("array.bool"), Value::from(vec![true, false, true]));
    assert_eq!(value("array.u8"), Value::from(vec![0u8, 127, 255]));
    assert_eq!(value("array.u32"), Value::from(vec![7, u32::MAX]));
    let nested = Array::Array(vec![Array::I32(vec![1, 2, 3]), Array::I32(vec![4])]);
    assert_eq!(value("array.array"), Value::Array(nested));
    let strings = gguf.metadata().string_array("array.string").unwrap();
    assert_eq!(strings.iter().collect::<Vec<_>>(), ["a", "", "ŵ→"]);
    assert_eq!((&strings[2], strings.get(3), strings.len()), ("ŵ→", None, 3));
}

#[test]
fn every_tensor_type_of_gguf_py() {
    let gguf = from_gguf_py();
    let expected: [(&str, &[usize], TensorType, u64); 9] = [
        ("f32", &[3, 5], TensorType::F32, 60),
        ("f16", &[2, 3, 7], TensorType::F16, 84),
        ("bf16", &[11], TensorType::BF16, 22),
        ("q8_0", &[3, 64], TensorType::Q8_0, 204),
        ("q4_0", &[5, 32], TensorType::Q4_0, 90),
        ("q4_1", &[2, 3, 2, 96], TensorType::Q4_1, 720),
        ("q6_k", &[3, 256], TensorType::Q6_K, 630),
        ("tq1_0", &[2, 512], TensorType::TQ1_0, 216),
        ("tq2_0", &[3, 256], TensorType::TQ2_0, 198),
    ];
    assert_eq!((gguf.tensors().len(), gguf.alignment(), gguf.version()), (expected.len(), 64, 3));
    for (number, (name, shape, kind, len)) in expected.into_iter().enumerate() {
        let tensor = gguf.tensor(name).expect(name);
        assert_eq!((tensor.ne.row_major(), tensor.kind, tensor.len), (shape.to_vec(), kind, len), "{name}");
        let bytes: Vec<u8> = (0..len as usize).map(|i| (31 * number + 7 * i) as u8).collect();
        assert_eq!(gguf.bytes(tensor), bytes, "{name}");
    }
}

#[test]
fn rewriting_gives_the_same_bytes() {
    for path in [
        "loader/tests/data/from-gguf-py.gguf",
        "assets/stories-i2_s.gguf",
        "tests/fixtures/tokenizer/ggml-vocab-gpt-2.gguf",
        "tests/fixtures/tokenizer/ggml-vocab-llama-spm.gguf",
    ] {
        let gguf = open(path);
        assert!(rewritten(&gguf) == std::fs::read(gguf.label()).unwrap(), "{path}");
    }
}

#[test]
fn i2_s_of_bitnet_cpp() {
    let gguf = open("assets/stories-i2_s.gguf");
    let gate = gguf.tensor("blk.0.ffn_gate.weight").expect("a ternary matrix");
    assert_eq!((gate.kind, gate.ne.row_major()), (TensorType::I2S, vec![768, 256]));
    let codes = 768 * 256 / 4;
    let bytes = gguf.bytes(gate);
    assert_eq!(bytes.len(), codes + 32);
    let scale = bytes[codes..][..4].try_into().map(f32::from_le_bytes).unwrap();
    assert!(scale.is_finite() && scale > 0.0, "{scale}");
    // No byte of the codes holds a 3 in any of its four fields.
    assert!(bytes[..codes].iter().all(|byte| byte & (byte >> 1) & 0x55 == 0));
}

#[test]
fn vocabulary_only_files_of_llama_cpp() {
    for (name, tokens) in [("gpt-2", 50_257), ("llama-spm", 32_000)] {
        let gguf = open(&format!("tests/fixtures/tokenizer/ggml-vocab-{name}.gguf"));
        assert!(gguf.tensors().is_empty());
        assert_eq!(gguf.metadata().string_array("tokenizer.ggml.tokens").unwrap().len(), tokens, "{name}");
        assert_eq!(gguf.metadata().i32_array("tokenizer.ggml.token_type").unwrap().len(), tokens, "{name}");
    }
}
