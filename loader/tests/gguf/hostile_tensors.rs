//! Tensor tables with wrong names, shapes, types and places.

use crate::builder::{Builder, F32, I2_S, Q8_0, U32, valid};

const DAMAGED: &str = "the file is truncated or damaged; download or copy it again";

/// A file with one line in its tensor table (which starts at byte 24), and bytes enough for any tensor of the tests.
fn one(ne: &[u64], kind: u32) -> Builder {
    Builder::header(1, 0).line("w", ne, kind, 0).zeros(4096)
}

#[test]
fn names_that_are_empty_long_or_not_utf8() {
    let named = |name: &[u8]| Builder::header(1, 0).string(name).u32(1).u64(3).u32(F32).u64(0).pad(32).zeros(12);
    named(b"").zeros(32).refused("tensor table line 0, byte 24: expected a tensor name of 1 to 64 bytes, found 0");
    named(&[b'n'; 65]).refused("tensor table line 0, byte 24: expected a tensor name of 1 to 64 bytes, found 65");
    assert!(named(&[b'n'; 64]).open().is_ok());
    named(b"blk.0.\xc3(").refused(
        "tensor table line 0, byte 24: tensor name is not valid UTF-8: the first wrong byte is at byte 38 of the file",
    );
}

#[test]
fn names_that_occur_twice() {
    Builder::header(2, 0)
        .line("w", &[3], F32, 0)
        .line("w", &[5], F32, 32)
        .pad(32)
        .zeros(64)
        .refused("tensor \"w\", byte 57: occurs twice; it was first at byte 24");
}

#[test]
fn dimension_counts_of_none_and_too_many() {
    one(&[], F32).refused("tensor \"w\", byte 33: expected 1 to 4 dimensions, found 0");
    one(&[2, 3, 1, 1, 1], F32).refused("tensor \"w\", byte 33: expected 1 to 4 dimensions, found 5");
    let mut file = one(&[3, 5], F32);
    file.0[33..37].copy_from_slice(&u32::MAX.to_le_bytes());
    file.refused("tensor \"w\", byte 33: expected 1 to 4 dimensions, found 4294967295");
}

#[test]
fn dimensions_of_zero() {
    one(&[0], F32)
        .refused("tensor \"w\", byte 33: expected dimensions of at least 1, found 0 as dimension 0 in file order");
    one(&[3, 5, 0], F32)
        .refused("tensor \"w\", byte 33: expected dimensions of at least 1, found 0 as dimension 2 in file order");
}

#[test]
fn dimensions_whose_product_overflows() {
    let huge = "tensor \"w\", byte 33: expected a tensor that fits in memory, found dimensions";
    one(&[1 << 32, 1 << 32], F32).refused(&format!("{huge} [4294967296, 4294967296] in file order"));
    one(&[u64::MAX], F32).refused(&format!("{huge} [18446744073709551615] in file order"));
    one(&[1 << 21, 1 << 21, 1 << 21, 2], F32).refused(&format!("{huge} [2097152, 2097152, 2097152, 2] in file order"));
    // The elements can be counted, their bytes cannot.
    one(&[1 << 62], F32).refused(&format!("{huge} [4611686018427387904] in file order"));
}

#[test]
fn types_that_are_unknown_or_not_supported() {
    let supported = "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K, I2_S, TQ1_0, TQ2_0, IQ1_BN, \
                     IQ2_BN, IQ2_BN_R4, Q2_0, PQ2_0, PTQ1_0, Q1_0, STQ1_0";
    let refused = |id: u32, name: &str, advice: &str| {
        one(&[256, 3], id).refused(&format!(
            "tensor \"w\", byte 53: expected a tensor type among {supported}, found {name} (id {id}); {advice}"
        ));
    };
    let other = "quantize the model to one of them with the program that wrote this file, or take another file of this \
                 model";
    let lookup = "if it is TL1 or TL2, its bytes are laid out for one machine and the kernels generated there: convert \
                  the checkpoint that it was made from, or its F32, F16 or I2_S file, to I2_S";
    refused(11, "Q3_K", other);
    refused(20, "IQ4_NL", other);
    refused(38, "TL1 of bitnet.cpp", lookup);
    refused(39, "MXFP4 of llama.cpp or TL2 of bitnet.cpp", lookup);
    refused(136, "an unknown type", other);
    refused(u32::MAX, "an unknown type", other);
}

#[test]
fn rows_that_are_no_whole_blocks() {
    for (kind, name, block) in [
        (8, "Q8_0", 32),
        (2, "Q4_0", 32),
        (3, "Q4_1", 32),
        (6, "Q5_0", 32),
        (7, "Q5_1", 32),
        (12, "Q4_K", 256),
        (13, "Q5_K", 256),
        (14, "Q6_K", 256),
        (I2_S, "I2_S", 64),
        (134, "IQ1_BN", 64),
        (335, "IQ2_BN_R4", 64),
        (42, "Q2_0", 64),
        (142, "PQ2_0", 128),
        (143, "PTQ1_0", 128),
        (43, "STQ1_0", 256),
        (41, "Q1_0", 128),
        (34, "TQ1_0", 256),
        (35, "TQ2_0", 256),
    ] {
        // As many elements as whole blocks have, in rows that blocks would straddle.
        one(&[block / 2, 6], kind).refused(&format!(
            "tensor \"w\", byte 33: expected rows of a multiple of {block} elements, as {name} packs them, found rows \
             of {}",
            block / 2
        ));
    }
}

#[test]
fn interleaved_rows_come_out_even() {
    one(&[64, 6], 335)
        .refused("tensor \"w\", byte 33: expected a multiple of 4 rows, which IQ2_BN_R4 interleaves, found 6");
}

#[test]
fn exact_lengths_of_every_type() {
    // 3 rows of 512 elements: bytes as the `gguf` package computes them, and as `docs/formats.md` has the ternary ones.
    let of_gguf = [(0, 6144), (1, 3072), (30, 3072), (8, 1632), (2, 864), (3, 960), (6, 1056), (7, 1152), (12, 864)];
    let of_gguf = of_gguf.into_iter().chain([(13, 1056), (14, 1260), (34, 324), (35, 396)]);
    for (kind, bytes) in
        of_gguf.chain([(36, 416), (134, 318), (135, 396), (142, 408), (143, 336), (41, 216), (43, 252)])
    {
        let file = |bytes| Builder::header(1, 0).line("w", &[512, 3], kind, 0).pad(32).zeros(bytes);
        let gguf = file(bytes).open().expect("the exact length is enough");
        let tensor = gguf.tensor("w").expect("the only tensor");
        assert_eq!((tensor.len, gguf.bytes(tensor).len()), (bytes as u64, bytes));
        assert_eq!(tensor.ne.row_major(), [3, 512]);
        file(bytes - 1).refused_with(&["tensor \"w\"", "its data occupies bytes 96 to", DAMAGED]);
    }
}

#[test]
fn offsets_off_the_alignment() {
    Builder::header(1, 0).line("w", &[3], F32, 8).zeros(128).refused(
        "tensor \"w\", byte 24: expected the data at a multiple of 32 bytes, found offset 8 in the data section",
    );
}

#[test]
fn offsets_beyond_the_file() {
    for offset in [1 << 20, u64::MAX - 31] {
        let file = Builder::header(1, 0).line("w", &[3, 5], F32, offset).pad(32).zeros(64);
        let start = 96u64.saturating_add(offset);
        file.refused(&format!(
            "tensor \"w\", byte 24: its data occupies bytes {start} to {}, but the file has 160 bytes: {DAMAGED}",
            start.saturating_add(60)
        ));
    }
}

#[test]
fn tensors_that_share_bytes() {
    let second_at = |offset| {
        let table = Builder::header(2, 0).line("a", &[3, 5], F32, 0).line("b", &[64, 2], Q8_0, offset);
        table.pad(32).zeros(64 + 160)
    };
    assert!(second_at(64).open().is_ok());
    for offset in [0, 32] {
        second_at(offset).refused(&format!(
            "tensor \"b\", byte {at}: its data starts at byte {at}, inside tensor \"a\", which ends at byte 188",
            at = 128 + offset
        ));
    }
}

#[test]
fn bytes_between_tensors_that_belong_to_none() {
    let at = |first, second| {
        let table = Builder::header(2, 0).line("a", &[3, 5], F32, first).line("b", &[64, 2], Q8_0, second);
        table.pad(32).zeros(512)
    };
    at(0, 96).refused_with(&["tensor \"b\", byte 224: expected its data at byte 192", "found it at byte 224"]);
    at(32, 96).refused_with(&["tensor \"a\", byte 160: expected its data at byte 128", "found it at byte 160"]);
}

#[test]
fn bytes_after_the_last_tensor() {
    valid().zeros(1).refused(&format!(
        "byte {}: expected the end of the file at byte {len}, after the last tensor and its padding, found {} bytes: \
         the rest belongs to nothing",
        valid().len() - 24,
        valid().len() + 1,
        len = valid().len(),
    ));
}

#[test]
fn tables_in_another_order_than_the_data() {
    let file = Builder::header(2, 0).line("b", &[64, 2], Q8_0, 64).line("a", &[3, 5], F32, 0).pad(32);
    let gguf = file.raw([1; 60]).pad(32).raw([2; 136]).open().expect("order is free");
    assert_eq!(gguf.tensors().iter().map(|tensor| tensor.name.as_str()).collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(gguf.bytes(gguf.tensor("a").expect("there"))[..], [1; 60]);
    assert_eq!(gguf.bytes(gguf.tensor("b").expect("there"))[..], [2; 136]);
}

#[test]
fn another_alignment() {
    let start = Builder::header(2, 1).key("general.alignment", U32).u32(128);
    let gguf = start
        .line("a", &[3, 5], F32, 0)
        .line("b", &[64, 2], Q8_0, 128)
        .pad(128)
        .raw([1; 60])
        .pad(128)
        .raw([2; 136])
        .open()
        .expect("a lawful alignment");
    assert_eq!(gguf.alignment(), 128);
    let offsets: Vec<u64> = gguf.tensors().iter().map(|tensor| tensor.offset).collect();
    assert_eq!(offsets, [256, 384]);
    assert_eq!(gguf.bytes(&gguf.tensors()[1])[..], [2; 136]);
}
