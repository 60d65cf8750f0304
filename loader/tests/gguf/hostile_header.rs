//! Files that are no GGUF, of other versions, with counts that they cannot hold, and cut short.

use crate::builder::{Builder, U32, valid};

const DAMAGED: &str = "the file is truncated or damaged; download or copy it again";

#[track_caller]
fn not_gguf(start: &[u8], found: &str, advice: &str) {
    let message = format!("header, byte 0: expected a GGUF file (first bytes \"GGUF\"), found {found}; {advice}");
    Builder(start.to_vec()).refused(&message);
}

#[test]
fn other_formats_are_named() {
    let safetensors = [&64u64.to_le_bytes()[..], b"{\"a\":{\"dtype\":\"F32\""].concat();
    let convert = "convert it to GGUF first, for instance with llama.cpp's convert_hf_to_gguf.py";
    not_gguf(b"", "an empty file", "download or copy it again");
    not_gguf(b"GG", "a file of fewer than 4 bytes", "download or copy it again");
    not_gguf(
        b"version https://git-lfs.github.com/spec/v1\noid",
        "a git-lfs pointer",
        "fetch the file itself with `git lfs pull`",
    );
    let link = "the download gave a web page: take the link to the file itself";
    not_gguf(b"\n <!DOCTYPE html><html>", "an HTML page", link);
    not_gguf(b"<html lang=en>", "an HTML page", link);
    let directory = "give the directory that holds it, its config.json and its tokenizer.json";
    not_gguf(&safetensors, "a safetensors file", directory);
    not_gguf(b"PK\x03\x04rest", "a zip archive (a PyTorch checkpoint?)", convert);
    not_gguf(b"\x80\x02}q\x00", "a Python pickle (an old PyTorch checkpoint?)", convert);
    not_gguf(b"\x1f\x8b\x08\x00", "a compressed file", "decompress it first");
    not_gguf(
        b"tjgg\x03\0\0\0",
        "a GGML file, which preceded GGUF",
        "this format is obsolete: convert the original model to GGUF",
    );
    not_gguf(b"{\"model_type\": 1}", "JSON text", "give the file that holds the weights");
    not_gguf(b"\x7fELF\x02", "first bytes \"\\x7fELF\"", "give a file with the extension .gguf");
}

#[test]
fn versions_other_than_2_and_3() {
    let version = |version: u32| {
        let mut file = valid();
        file.0[4..8].copy_from_slice(&version.to_le_bytes());
        file
    };
    assert_eq!(version(2).open().expect("version 2 is read").version(), 2);
    assert_eq!(version(3).open().expect("version 3 is read").version(), 3);
    version(1).refused(
        "header, byte 4: expected GGUF version 2 or 3, found version 1; version 1 is obsolete: convert the original \
         model again with a current converter",
    );
    for newer in [0, 4, u32::MAX] {
        version(newer).refused(&format!(
            "header, byte 4: expected GGUF version 2 or 3, found version {newer}; this file is newer than this \
             program, or damaged"
        ));
    }
}

#[test]
fn big_endian_files() {
    let message =
        "expected a little-endian file, found a big-endian one; convert the model again with little-endian output";
    let big_version = Builder::default().raw(b"GGUF").raw(3u32.to_be_bytes()).raw([0; 16]);
    big_version.refused(&format!("header, byte 4: {message}"));
    Builder::default().raw(b"FUGG").raw(3u32.to_be_bytes()).raw([0; 16]).refused(&format!("header, byte 0: {message}"));
}

#[test]
fn counts_that_the_file_cannot_hold() {
    Builder::header(u64::MAX, 0).refused(&format!(
        "header, byte 8: 18446744073709551615 tensors need at least 33 bytes each, but only 8 bytes follow: {DAMAGED}"
    ));
    Builder::header(0, 1 << 60).zeros(20).refused(&format!(
        "header, byte 16: 1152921504606846976 metadata entries need at least 14 bytes each, but only 20 bytes follow: \
         {DAMAGED}"
    ));
    // Enough bytes for the metadata and the table alone, not for both.
    let both = Builder::header(3, 1).key("general.file_type", U32).u32(40).zeros(98);
    both.refused(&format!("byte 57: 3 tensors need at least 33 bytes each, but only 98 bytes follow: {DAMAGED}"));
}

#[test]
fn every_truncation_is_refused() {
    let whole = valid();
    let data_end = whole.0.iter().rposition(|&byte| byte == 2).expect("the last tensor is of twos") + 1;
    for length in 0..whole.0.len() {
        let cut = Builder(whole.0[..length].to_vec());
        match length < data_end {
            true => cut.refused_with(&[]),
            false => assert_eq!(cut.open().expect("only padding is missing").tensors().len(), 2),
        }
    }
}

#[test]
fn truncations_at_section_boundaries_say_what_is_missing() {
    let cut = |length: usize, parts: &[&str]| Builder(valid().0[..length].to_vec()).refused_with(parts);
    let position = |text: &str| {
        let file = valid().0;
        file.windows(text.len()).position(|window| window == text.as_bytes()).expect("in the file")
    };
    cut(4, &["header, byte 4: the version needs 4 bytes, but the file ends 0 bytes on", DAMAGED]);
    cut(8, &["header, byte 8: a count needs 8 bytes"]);
    cut(24, &["header, byte 8: 2 tensors need at least 33 bytes each, but only 8 bytes follow"]);
    let table = position("norm") - 8;
    cut(table, &[&format!("byte {table}: 2 tensors need at least 33 bytes each, but only 0 bytes follow")]);
    let second = position("embd") - 8;
    cut(second + 30, &[&format!("tensor \"embd\", byte {}: a dimension needs 8 bytes", second + 24)]);
    let data = valid().len() as usize - 160 - 64;
    cut(data, &["tensor \"norm\"", &format!("its data occupies bytes {data} to {}", data + 60), DAMAGED]);
    cut(data + 60, &["tensor \"embd\"", &format!("but the file has {} bytes", data + 60)]);
    cut(
        data + 64 + 135,
        &["tensor \"embd\"", &format!("its data occupies bytes {} to {}", data + 64, data + 64 + 136)],
    );
}
