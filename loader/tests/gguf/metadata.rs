//! Typed access to metadata.

use trine_loader::{Gguf, GgufWriter, Place, Problem};

fn written(fill: impl FnOnce(&mut GgufWriter)) -> Gguf {
    let mut writer = GgufWriter::new();
    fill(&mut writer);
    let mut file = Vec::new();
    writer.write_to(&mut file).expect("memory takes everything");
    Gguf::from_bytes("m.gguf", file.into()).expect("what the writer writes is valid")
}

#[test]
fn integers_convert_where_they_fit() {
    let gguf = written(|writer| {
        writer.set("u8", 200u8).unwrap().set("i64", 4_294_967_295i64).unwrap();
        writer.set("big", 4_294_967_296u64).unwrap().set("negative", -1i32).unwrap();
    });
    let metadata = gguf.metadata();
    assert_eq!(metadata.u32("u8").unwrap(), 200);
    assert_eq!(metadata.u32("i64").unwrap(), u32::MAX);
    assert_eq!(metadata.u64("big").unwrap(), 1 << 32);
    assert_eq!(metadata.opt_u32("absent").unwrap(), None);
    let message = |key| metadata.u32(key).unwrap_err().to_string();
    assert_eq!(
        message("big"),
        "m.gguf: metadata key \"big\", byte 62: expected a value of type u32, found u64 4294967296"
    );
    assert_eq!(
        message("negative"),
        "m.gguf: metadata key \"negative\", byte 85: expected a value of type u32, found i32 -1"
    );
}

#[test]
fn nothing_else_converts() {
    let gguf = written(|writer| {
        writer.set("f64", 0.5f64).unwrap().set("one", 1u8).unwrap().set("text", "1").unwrap();
        writer.set("numbers", vec![1u32, 2]).unwrap();
    });
    let metadata = gguf.metadata();
    let error = |result: Result<(), trine_loader::GgufError>| result.unwrap_err().to_string();
    assert!(error(metadata.f32("f64").map(drop)).ends_with("expected a value of type f32, found f64"));
    assert!(error(metadata.bool("one").map(drop)).ends_with("expected a value of type bool, found u8 1"));
    assert!(error(metadata.u32("text").map(drop)).ends_with("expected a value of type u32, found string"));
    assert!(error(metadata.str("one").map(drop)).ends_with("expected a value of type string, found u8 1"));
    assert!(
        error(metadata.opt_i32_array("numbers").map(drop))
            .ends_with("expected a value of type array of i32, found array of 2 u32")
    );
    assert_eq!(metadata.u32_array("numbers").unwrap(), [1, 2]);
}

#[test]
fn missing_keys_are_named() {
    let gguf = written(|_| {});
    let error = gguf.metadata().string_array("tokenizer.ggml.tokens").unwrap_err();
    assert_eq!(
        error.to_string(),
        "m.gguf: metadata key \"tokenizer.ggml.tokens\": expected a value of type array of string, but the file has no \
         such key"
    );
    assert_eq!(error.place(), &Place::Key("tokenizer.ggml.tokens".to_owned()));
    assert!(matches!(error.problem(), Problem::MissingKey { expected: "array of string" }));
    assert_eq!((error.file(), error.offset()), ("m.gguf", None));
}
