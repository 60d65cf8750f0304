//! Dense blocks: what the `gguf` package decodes them to, values that can be checked by hand, and what is refused.
//!
//! `tests/fixtures/blocks.safetensors` is written by `tools/golden/blocks.py`.

use bytes::Bytes;
use safetensors::SafeTensors;
use trine_kernels::packing::BlockFault;
use trine_kernels::{Matrix, PackingError, PackingKind};

/// 1.0, 0.5 and infinity in half precision.
const ONE: u16 = 0x3c00;
const HALF: u16 = 0x3800;
const INFINITE: u16 = 0x7c00;

fn fixture() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/blocks.safetensors");
    std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The bytes of type `name` decode to the values beside them, row by row.
fn matches(name: &str, kind: PackingKind) {
    let file = fixture();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let [bytes, values] = ["bytes", "values"].map(|part| tensors.tensor(&format!("{name}.{part}")).unwrap());
    let (rows, cols) = (values.shape()[0], values.shape()[1]);
    let matrix = Matrix::new(kind, rows, cols, Bytes::copy_from_slice(bytes.data())).unwrap();
    for (row, expected) in values.data().chunks_exact(4 * cols).enumerate() {
        let mut found = vec![f32::NAN; cols];
        matrix.decode_row(row, &mut found);
        let found: Vec<u8> = found.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(found, expected, "{name}, row {row}");
    }
}

#[test]
fn f16_is_what_gguf_reads() {
    matches("F16", PackingKind::F16);
}

#[test]
fn bf16_is_what_gguf_reads() {
    matches("BF16", PackingKind::BF16);
}

#[test]
fn q8_0_is_what_gguf_reads() {
    matches("Q8_0", PackingKind::Q8_0);
}

#[test]
fn q4_0_is_what_gguf_reads() {
    matches("Q4_0", PackingKind::Q4_0);
}

#[test]
fn q4_1_is_what_gguf_reads() {
    matches("Q4_1", PackingKind::Q4_1);
}

#[test]
fn q5_0_is_what_gguf_reads() {
    matches("Q5_0", PackingKind::Q5_0);
}

#[test]
fn q5_1_is_what_gguf_reads() {
    matches("Q5_1", PackingKind::Q5_1);
}

#[test]
fn q4_k_is_what_gguf_reads() {
    matches("Q4_K", PackingKind::Q4K);
}

#[test]
fn q5_k_is_what_gguf_reads() {
    matches("Q5_K", PackingKind::Q5K);
}

#[test]
fn q6_k_is_what_gguf_reads() {
    matches("Q6_K", PackingKind::Q6K);
}

/// One block of `len` bytes, zero but for the bytes given.
fn block(len: usize, bytes: &[(usize, u8)]) -> Vec<u8> {
    let mut block = vec![0; len];
    for &(at, byte) in bytes {
        block[at] = byte;
    }
    block
}

/// The block with half-precision numbers at the given offsets.
fn with_halves(mut block: Vec<u8>, halves: &[(usize, u16)]) -> Vec<u8> {
    for &(at, half) in halves {
        block[at..at + 2].copy_from_slice(&half.to_le_bytes());
    }
    block
}

/// Decodes a matrix of one row, and looks at some elements.
fn decodes(kind: PackingKind, cols: usize, block: Vec<u8>, expected: &[(usize, f32)]) {
    let mut row = vec![f32::NAN; cols];
    Matrix::new(kind, 1, cols, Bytes::from(block)).unwrap().decode_row(0, &mut row);
    for &(element, value) in expected {
        assert_eq!(row[element], value, "{kind:?}, element {element}");
    }
}

#[test]
fn blocks_decode_by_hand() {
    decodes(PackingKind::F32, 2, [(-1.5f32).to_le_bytes(), 3.25f32.to_le_bytes()].concat(), &[(0, -1.5), (1, 3.25)]);
    let q8_0 = with_halves(block(34, &[(2, 0xff), (33, 100)]), &[(0, HALF)]);
    decodes(PackingKind::Q8_0, 32, q8_0, &[(0, -0.5), (1, 0.0), (31, 50.0)]);
    let q4_0 = with_halves(block(18, &[(2, 0x9f), (17, 0x80)]), &[(0, HALF)]);
    decodes(PackingKind::Q4_0, 32, q4_0, &[(0, 3.5), (16, 0.5), (15, -4.0), (31, 0.0)]);
    let q4_1 = with_halves(block(20, &[(4, 0x9f), (19, 0x80)]), &[(0, HALF), (2, ONE)]);
    decodes(PackingKind::Q4_1, 32, q4_1, &[(0, 8.5), (16, 5.5), (15, 1.0), (31, 5.0)]);
    let q5_0 = with_halves(block(22, &[(4, 1), (5, 0x80), (6, 0x9f), (21, 0x80)]), &[(0, HALF)]);
    decodes(PackingKind::Q5_0, 32, q5_0, &[(0, -0.5), (16, 4.5), (15, -8.0), (31, 4.0)]);
    let q5_1 = with_halves(block(24, &[(6, 1), (7, 0x80), (8, 0x9f), (23, 0x80)]), &[(0, HALF), (2, ONE)]);
    decodes(PackingKind::Q5_1, 32, q5_1, &[(0, 8.5), (16, 13.5), (15, 1.0), (31, 13.0)]);
    // Sub-block 1 has scale 5 and minimum 9; sub-block 6 has scale 3 + 16 * 2 and minimum 4 + 16 * 1.
    let head = [(5, 5), (9, 9), (6, 0b10_000000), (10, 0b01_000000), (14, 0x43)];
    let q4_k = block(144, &[&head[..], &[(16, 0x20), (118, 0x07)]].concat());
    let codes = [(32, 0.5 * 5.0 * 2.0 - 9.0), (198, 0.5 * 35.0 * 7.0 - 20.0), (199, -20.0)];
    decodes(PackingKind::Q4K, 256, with_halves(q4_k, &[(0, HALF), (2, ONE)]), &codes);
    let q5_k = block(176, &[&head[..], &[(16, 0b10), (22, 0b100_0000), (48, 0x20), (150, 0x07)]].concat());
    let codes = [(32, 0.5 * 5.0 * 18.0 - 9.0), (198, 0.5 * 35.0 * 23.0 - 20.0), (199, -20.0)];
    decodes(PackingKind::Q5K, 256, with_halves(q5_k, &[(0, HALF), (2, ONE)]), &codes);
    // Elements 0, 32, 64 and 96 of the second half share their bytes; their groups have scales 1, -1, 2 and 3.
    let q6_k = block(210, &[(64, 0x21), (96, 0x43), (160, 0b11_10_01_00), (200, 1), (202, 0xff), (204, 2), (206, 3)]);
    let codes = [(128, -31.0), (160, -(19.0 - 32.0)), (192, 2.0 * (34.0 - 32.0)), (224, 3.0 * (52.0 - 32.0))];
    decodes(PackingKind::Q6K, 256, with_halves(q6_k, &[(208, ONE)]), &codes);
}

/// A matrix of three blocks in one row: a valid one twice, then `last`.
fn fault(kind: PackingKind, cols: usize, valid: &[u8], last: Vec<u8>) -> Option<BlockFault> {
    let len = valid.len();
    assert_eq!(last.len(), len);
    match Matrix::new(kind, 1, 3 * cols, Bytes::from([valid, valid, &last].concat())) {
        Ok(_) => None,
        Err(PackingError::Block { row: 0, block: 2, offset, fault, .. }) if offset == 2 * len => Some(fault),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn floats_that_are_not_finite_are_refused() {
    let refused = |kind, valid: &[u8], last: &[u8], value: f32| match fault(kind, 1, valid, last.to_vec()) {
        Some(BlockFault::NotFinite { name: "value", found }) => found.to_bits() == value.to_bits(),
        _ => false,
    };
    assert!(refused(PackingKind::F32, &1f32.to_le_bytes(), &f32::NAN.to_le_bytes(), f32::NAN));
    assert!(refused(PackingKind::F16, &ONE.to_le_bytes(), &0xfc00u16.to_le_bytes(), f32::NEG_INFINITY));
    assert!(refused(PackingKind::BF16, &0x3f80u16.to_le_bytes(), &0x7f80u16.to_le_bytes(), f32::INFINITY));
    // Far into a large matrix, by its row and column.
    let (rows, cols) = (70, 101);
    let mut bytes = [0; 2].repeat(rows * cols);
    bytes[2 * (69 * cols + 100) + 1] = 0x7c;
    let error = Matrix::new(PackingKind::F16, rows, cols, Bytes::from(bytes)).unwrap_err();
    let expected = "f16 block 100 of row 69 (byte 14138 of the tensor): the value is inf; it must be finite";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn scales_that_are_not_finite_are_refused() {
    let infinite = |name| Some(BlockFault::NotFinite { name, found: f32::INFINITY });
    for (kind, cols, len, at, name) in [
        (PackingKind::Q8_0, 32, 34, 0, "scale"),
        (PackingKind::Q4_0, 32, 18, 0, "scale"),
        (PackingKind::Q4_1, 32, 20, 0, "scale"),
        (PackingKind::Q4_1, 32, 20, 2, "minimum"),
        (PackingKind::Q5_0, 32, 22, 0, "scale"),
        (PackingKind::Q5_1, 32, 24, 0, "scale"),
        (PackingKind::Q5_1, 32, 24, 2, "minimum"),
        (PackingKind::Q4K, 256, 144, 0, "scale"),
        (PackingKind::Q4K, 256, 144, 2, "minimum"),
        (PackingKind::Q5K, 256, 176, 0, "scale"),
        (PackingKind::Q5K, 256, 176, 2, "minimum"),
        (PackingKind::Q6K, 256, 210, 208, "scale"),
    ] {
        let scale_at = if name == "minimum" { 0 } else { at };
        let valid = with_halves(block(len, &[]), &[(scale_at, ONE)]);
        let damaged = with_halves(valid.clone(), &[(at, INFINITE)]);
        assert_eq!(fault(kind, cols, &valid, damaged), infinite(name), "{kind:?}");
    }
}

#[test]
fn a_zero_scale_is_refused_over_what_it_would_erase() {
    let zeros = |len: usize, code: u8| vec![code; len];
    let erased = |element| Some(BlockFault::ZeroScale { element });
    assert_eq!(fault(PackingKind::Q8_0, 32, &zeros(34, 0), block(34, &[(7, 1)])), erased(5));
    // The code of zero is 8 in Q4_0, and 0 in Q4_1, whose minimum may be anything.
    let q4_0 = [vec![0, 0], zeros(16, 0x88)].concat();
    assert_eq!(fault(PackingKind::Q4_0, 32, &q4_0, q4_0.clone()), None);
    assert_eq!(fault(PackingKind::Q4_0, 32, &q4_0, [vec![0, 0x80], zeros(16, 0x78)].concat()), erased(16));
    let q4_1 = with_halves(zeros(20, 0), &[(2, ONE)]);
    assert_eq!(fault(PackingKind::Q4_1, 32, &q4_1, q4_1.clone()), None);
    assert_eq!(fault(PackingKind::Q4_1, 32, &q4_1, block(20, &[(4, 0x01)])), erased(0));
    // The code of zero is 16 in Q5_0, all of its fifth bits set, and 0 in Q5_1.
    let q5_0 = [zeros(2, 0), zeros(4, 0xff), zeros(16, 0)].concat();
    assert_eq!(fault(PackingKind::Q5_0, 32, &q5_0, q5_0.clone()), None);
    let fifth = [zeros(2, 0), vec![0xff, 0xff, 0xfb, 0xff], zeros(16, 0)].concat();
    assert_eq!(fault(PackingKind::Q5_0, 32, &q5_0, fifth), erased(18));
    let q5_1 = with_halves(zeros(24, 0), &[(2, ONE)]);
    assert_eq!(fault(PackingKind::Q5_1, 32, &q5_1, block(24, &[(7, 0x20)])), erased(29));
    // Sub-blocks of Q4_K and Q5_K whose scale is zero may have any codes, and a minimum may be anything.
    let q4_k = with_halves(zeros(144, 0), &[(2, ONE)]);
    let any = [zeros(16, 0), zeros(128, 0x5a)].concat();
    assert_eq!(fault(PackingKind::Q4K, 256, &q4_k, any), None);
    assert_eq!(fault(PackingKind::Q4K, 256, &q4_k, block(144, &[(6, 1), (50, 0x30), (51, 1)])), erased(67));
    let q5_k = zeros(176, 0);
    assert_eq!(fault(PackingKind::Q5K, 256, &q5_k, block(176, &[(4, 0x40), (12, 1), (20, 0x10)])), erased(132));
    // A block of Q6_K that is all zero bytes is how quantizers write zeros, though its codes mean -32.
    let q6_k = zeros(210, 0);
    assert_eq!(fault(PackingKind::Q6K, 256, &q6_k, q6_k.clone()), None);
    assert_eq!(fault(PackingKind::Q6K, 256, &q6_k, block(210, &[(193, 5)])), erased(16));
    let zero_codes = [zeros(128, 0), zeros(64, 0xaa), zeros(16, 5), zeros(2, 0)].concat();
    assert_eq!(fault(PackingKind::Q6K, 256, &q6_k, zero_codes), None);
}

#[test]
fn lengths_are_exact() {
    let message = |kind, rows, cols, len| Matrix::new(kind, rows, cols, vec![0; len].into()).unwrap_err().to_string();
    let expected = "q4_1 matrix of 3 rows and 64 columns takes 120 bytes, found 119";
    assert_eq!(message(PackingKind::Q4_1, 3, 64, 119), expected);
    assert_eq!(message(PackingKind::Q8_0, 2, 33, 68), "q8_0 matrix has 33 columns; the packing needs a multiple of 32");
    assert_eq!(message(PackingKind::F16, 2, 3, 16), "f16 matrix of 2 rows and 3 columns takes 12 bytes, found 16");
}
