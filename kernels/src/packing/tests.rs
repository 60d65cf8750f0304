//! Ternary layouts against their definition, checks of damaged matrices, and conversion between every pair.

use bytes::Bytes;
use half::f16;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::reference::ternary as reference;

fn codes(rows: usize, cols: usize) -> Vec<u8> {
    let mut random = ChaCha8Rng::seed_from_u64((1000 * rows + cols) as u64);
    (0..rows * cols).map(|_| random.random_range(0..3)).collect()
}

fn all_codes<P: Ternary>(packed: &Packed<P>) -> Vec<u8> {
    let mut codes = vec![0; packed.rows() * packed.cols()];
    for (row, out) in codes.chunks_exact_mut(packed.cols()).enumerate() {
        packed.row_codes(row, out);
    }
    codes
}

/// Packs codes, and finds each where the definition says.
fn matches_definition<P: Ternary>(definition: fn(&[u8], usize) -> u8) {
    let (rows, cols) = (3, 512);
    let codes = codes(rows, cols);
    let packed = Packed::<P>::pack(rows, cols, &codes, PackScales::One(0.375)).unwrap();
    let found: Vec<u8> = (0..codes.len()).map(|index| definition(packed.bytes(), index)).collect();
    assert_eq!(found, codes, "{}", P::NAME);
    assert_eq!(all_codes(&packed), codes, "{}", P::NAME);
    let mut row = vec![0.0; cols];
    packed.decode_row(2, &mut row);
    let expected: Vec<f32> = codes[2 * cols..].iter().map(|&code| 0.375 * (f32::from(code) - 1.0)).collect();
    assert_eq!(row, expected, "{}", P::NAME);
}

#[test]
fn layouts_match_their_definitions() {
    matches_definition::<I2S>(reference::i2s_code);
    matches_definition::<Tq1_0>(reference::tq1_0_code);
    matches_definition::<Tq2_0>(reference::tq2_0_code);
}

/// Every byte value, those that packing never writes too, means what the definition says.
#[test]
fn all_bytes_of_tq1_0_decode_as_defined() {
    for byte in 0..=255 {
        let mut block = vec![byte; Tq1_0::BLOCK_BYTES];
        block[52..].copy_from_slice(&f16::from_f32(2.0).to_le_bytes());
        let packed = Packed::<Tq1_0>::new(1, 256, Bytes::from(block.clone())).unwrap();
        let expected: Vec<u8> = (0..256).map(|index| reference::tq1_0_code(&block, index)).collect();
        assert_eq!(all_codes(&packed), expected, "byte {byte}");
    }
}

fn convert<P: Ternary, Q: Ternary>(scales: PackScales<'_>) {
    let (rows, cols) = (5, 768);
    let codes = codes(rows, cols);
    let from = Packed::<P>::pack(rows, cols, &codes, scales).unwrap();
    let from = from.with_multiplier(WeightScale::new(3.0).unwrap()).unwrap();
    let to = from.convert::<Q>().unwrap();
    let what = format!("{} to {}", P::NAME, Q::NAME);
    assert_eq!(all_codes(&to), codes, "{what}");
    assert_eq!(to.multiplier(), 3.0, "{what}");
    assert_eq!(to.shared(), from.shared(), "{what}");
    assert_eq!(to.convert::<P>().unwrap().bytes(), from.bytes(), "{what} and back");
}

#[test]
fn every_pair_converts_exactly() {
    let one = PackScales::One(0.0625);
    convert::<I2S, I2S>(one);
    convert::<I2S, Tq1_0>(one);
    convert::<I2S, Tq2_0>(one);
    convert::<Tq1_0, I2S>(one);
    convert::<Tq1_0, Tq1_0>(one);
    convert::<Tq1_0, Tq2_0>(one);
    convert::<Tq2_0, I2S>(one);
    convert::<Tq2_0, Tq1_0>(one);
    convert::<Tq2_0, Tq2_0>(one);
    let scales: Vec<f32> = (1..=15).map(|i| i as f32 / 32.0).collect();
    let blocks = PackScales::Blocks(&scales);
    convert::<Tq1_0, Tq1_0>(blocks);
    convert::<Tq1_0, Tq2_0>(blocks);
    convert::<Tq2_0, Tq1_0>(blocks);
    convert::<Tq2_0, Tq2_0>(blocks);
}

#[test]
fn conversion_refuses_what_the_other_packing_cannot_hold() {
    let differing = Packed::<Tq2_0>::pack(1, 512, &codes(1, 512), PackScales::Blocks(&[0.5, 0.25])).unwrap();
    assert_eq!(differing.convert::<I2S>().unwrap_err(), PackingError::ScalesDiffer { packing: "i2_s" });
    let scale = 0.1;
    let fine = Packed::<I2S>::pack(1, 512, &codes(1, 512), PackScales::One(scale)).unwrap();
    let error = PackingError::ScaleNotHalf { packing: "tq1_0", found: scale };
    assert_eq!(fine.convert::<Tq1_0>().unwrap_err(), error);
    let narrow = Packed::<I2S>::pack(2, 384, &codes(2, 384), PackScales::One(0.5)).unwrap();
    let error = PackingError::Columns { packing: "tq2_0", cols: 384, multiple: 256 };
    assert_eq!(narrow.convert::<Tq2_0>().unwrap_err(), error);
}

#[test]
fn rows_that_are_no_multiple_of_a_block_are_padded_with_zero_weights() {
    let codes = codes(3, 200);
    let packed = Packed::<I2S>::pack(3, 200, &codes, PackScales::One(0.5)).unwrap();
    assert_eq!((packed.row_bytes(), packed.bytes().len()), (64, 3 * 64 + 32));
    assert_eq!(all_codes(&packed), codes);
    let padding: Vec<u8> = (200..256).map(|index| reference::i2s_code(packed.row(1), index)).collect();
    assert_eq!(padding, [ZERO_CODE; 56]);
    let mut row = vec![0.0; 200];
    packed.decode_row(1, &mut row);
    assert_eq!(row[199], 0.5 * (f32::from(codes[399]) - 1.0));
    // As a file it would be ambiguous, and is refused.
    let error = Packed::<I2S>::new(3, 200, packed.bytes().clone()).unwrap_err();
    assert_eq!(error, PackingError::Columns { packing: "i2_s", cols: 200, multiple: 128 });
}

/// A valid matrix with `damage` done to its bytes.
fn damaged<P: Ternary>(rows: usize, cols: usize, damage: impl FnOnce(&mut Vec<u8>)) -> PackingError {
    let packed = Packed::<P>::pack(rows, cols, &codes(rows, cols), PackScales::One(0.5)).unwrap();
    let mut bytes = packed.bytes().to_vec();
    damage(&mut bytes);
    Packed::<P>::new(rows, cols, Bytes::from(bytes)).unwrap_err()
}

#[test]
fn wrong_lengths_are_refused() {
    let length = |expected, found| PackingError::Length { packing: "i2_s", rows: 5, cols: 384, expected, found };
    let short = damaged::<I2S>(5, 384, |bytes| bytes.truncate(511));
    assert_eq!(short, length(512, 511));
    assert_eq!(damaged::<I2S>(5, 384, |bytes| bytes.push(0)), length(512, 513));
    let empty = Packed::<Tq1_0>::new(0, 256, Bytes::new()).unwrap_err();
    assert!(matches!(empty, PackingError::Dimensions { rows: 0, cols: 256, .. }), "{empty}");
    let huge = Packed::<Tq1_0>::new(usize::MAX, 256, Bytes::new()).unwrap_err();
    assert!(matches!(huge, PackingError::Dimensions { rows: usize::MAX, .. }), "{huge}");
    let wide = Packed::<Tq1_0>::new(1, 1 << (usize::BITS - 1), Bytes::new()).unwrap_err();
    assert!(matches!(wide, PackingError::Dimensions { max_cols: MAX_COLS, .. }), "{wide}");
}

#[test]
fn code_3_is_refused_with_its_place() {
    // Row 2 starts at byte 192 = 2 * 96; byte 7 of its second block, second field: element 32 + 7.
    let found = damaged::<I2S>(4, 384, |bytes| bytes[192 + 32 + 7] |= 0x30);
    let fault = BlockFault::Code { element: 39 };
    assert_eq!(found, PackingError::Block { packing: "i2_s", row: 2, block: 1, offset: 224, fault });
    let message = "i2_s block 1 of row 2 (byte 224 of the tensor): element 39 has code 3; ternary codes are 0, 1 and 2 \
                   (-1, 0 and +1)";
    assert_eq!(found.to_string(), message);
    let found = damaged::<Tq2_0>(3, 512, |bytes| bytes[66 + 33] |= 0xc0);
    let fault = BlockFault::Code { element: 128 + 96 + 1 };
    assert_eq!(found, PackingError::Block { packing: "tq2_0", row: 0, block: 1, offset: 66, fault });
}

#[test]
fn scales_that_are_no_numbers_are_refused() {
    for scale in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let found = damaged::<I2S>(3, 256, |bytes| bytes[192..196].copy_from_slice(&scale.to_le_bytes()));
        assert!(matches!(found, PackingError::Scale { offset: 192, .. }), "{found}");
        let half = f16::from_f32(scale).to_le_bytes();
        let found = damaged::<Tq1_0>(2, 512, |bytes| bytes[54 * 3 + 52..][..2].copy_from_slice(&half));
        let PackingError::Block { row: 1, block: 1, offset: 162, fault, .. } = found else { panic!("{found}") };
        assert!(matches!(fault, BlockFault::NotFinite { name: "scale", .. }), "{fault}");
    }
}

#[test]
fn zero_scales_need_zero_codes() {
    let found = damaged::<I2S>(3, 256, |bytes| bytes[192..196].fill(0));
    let PackingError::Block { row: 0, block: 0, fault: BlockFault::ZeroScale { element }, .. } = found else {
        panic!("{found}")
    };
    assert_eq!(element, codes(3, 256).iter().position(|&code| code != 1).unwrap());
    let found = damaged::<Tq2_0>(3, 256, |bytes| bytes[66 + 64..66 + 66].copy_from_slice(&[0, 0x80]));
    assert!(matches!(found, PackingError::Block { row: 1, fault: BlockFault::ZeroScale { .. }, .. }), "{found}");

    let mut codes = codes(2, 512);
    codes[256..512].fill(ZERO_CODE);
    let scales = [0.5, 0.0, 0.5, 0.5];
    let packed = Packed::<Tq1_0>::pack(2, 512, &codes, PackScales::Blocks(&scales)).unwrap();
    assert_eq!(packed.shared(), Scales::Tensor(0.5), "a block of zeros has no say in the scale");
    let zeros = Packed::<Tq1_0>::pack(3, 256, &[ZERO_CODE; 768], PackScales::One(0.0)).unwrap();
    assert_eq!(zeros.shared(), Scales::Tensor(0.0));
}

#[test]
fn packing_refuses_bad_arguments() {
    let pack =
        |codes: &[u8], scales: &[f32]| Packed::<Tq2_0>::pack(1, 512, codes, PackScales::Blocks(scales)).unwrap_err();
    let codes = codes(1, 512);
    let none = Packed::<Tq2_0>::pack(0, usize::MAX, &[], PackScales::One(1.0)).unwrap_err();
    assert!(matches!(none, PackingError::Dimensions { rows: 0, cols: usize::MAX, .. }), "{none}");
    let elements = PackingError::Elements { packing: "tq2_0", rows: 1, cols: 512, expected: 512, found: 511 };
    assert_eq!(pack(&codes[1..], &[1.0; 2]), elements);
    assert_eq!(pack(&codes, &[1.0; 3]), PackingError::ScaleCount { packing: "tq2_0", expected: 2, found: 3 });
    let mut wrong = codes.clone();
    wrong[300] = 3;
    assert_eq!(pack(&wrong, &[1.0; 2]), PackingError::Code { packing: "tq2_0", element: 300, found: 3 });
    assert!(matches!(pack(&codes, &[1.0, f32::NAN]), PackingError::ScaleNotHalf { .. }));
    let large = || WeightScale::new(f32::MAX).unwrap();
    let twice = Packed::<Tq2_0>::pack(1, 512, &codes, PackScales::One(1.0)).unwrap().with_multiplier(large()).unwrap();
    assert!(matches!(twice.with_multiplier(large()).unwrap_err(), PackingError::Multiplier { .. }));
}

#[test]
fn float_matrices_of_three_values_are_ternary() {
    let codes = codes(7, 130);
    let values: Vec<f32> = codes.iter().map(|&code| 0.3 * (f32::from(code) - 1.0)).collect();
    let packed = ternary_from_f32(7, 130, &values).unwrap();
    assert_eq!(all_codes(&packed), codes);
    assert_eq!(packed.shared(), Scales::Tensor(0.3));
    let changed = |index: usize, value| {
        let mut values = values.clone();
        values[index] = value;
        ternary_from_f32(7, 130, &values)
    };
    for value in [0.300_000_04, -0.15, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE] {
        assert!(changed(900, value).is_none(), "{value}");
    }
    assert!(changed(901, -0.0).is_some());
    let zeros = ternary_from_f32(3, 5, &[0.0; 15]).unwrap();
    assert_eq!(zeros.shared(), Scales::Tensor(1.0), "of zeros any scale is right");
    assert!(ternary_from_f32(3, 1, &[f32::INFINITY, 0.0, -f32::INFINITY]).is_none());
}

#[test]
fn absmean_follows_the_formula() {
    // The mean magnitude is 1: halves are ties, which round to even.
    let (packed, expected) =
        (absmean(2, 3, &[0.5, -0.5, 0.500_001, -0.500_001, 2.0, -1.999_998]).unwrap(), [1, 1, 2, 0, 2, 0]);
    assert_eq!(packed.shared(), Scales::Tensor(1.0));
    assert_eq!(all_codes(&packed), expected);
    let tiny = absmean(1, 2, &[1e-9, -6e-6]).unwrap();
    assert_eq!((tiny.shared(), all_codes(&tiny)), (Scales::Tensor(ABSMEAN_FLOOR), vec![1, 0]));
    for value in [f32::NAN, f32::INFINITY] {
        assert!(matches!(absmean(1, 2, &[1.0, value]).unwrap_err(), PackingError::Scale { .. }));
    }
}

/// Blocks that several threads search: the first fault is told, whoever finds it.
#[test]
fn the_first_fault_of_a_large_matrix_is_told() {
    let (rows, in_row) = (1500, 70);
    let mut bytes = vec![0_u8; rows * in_row * Tq2_0::BLOCK_BYTES];
    assert!(bytes.len() > 3 * SEARCHED_BY_A_THREAD);
    // The scale is 1, and all codes are 0.
    bytes.chunks_exact_mut(Tq2_0::BLOCK_BYTES).for_each(|block| block[64..].copy_from_slice(&0x3c00_u16.to_le_bytes()));
    let check = |bytes: &[u8]| Packed::<Tq2_0>::new(rows, in_row * Tq2_0::BLOCK, bytes.to_vec().into());
    assert_eq!(check(&bytes).unwrap().shared(), Scales::Tensor(1.0));
    for (at, element) in [((1499, 69), 5), ((800, 3), 7), ((800, 2), 31), ((0, 1), 0)] {
        let offset = (at.0 * in_row + at.1) * Tq2_0::BLOCK_BYTES;
        bytes[offset + element] = 0b11;
        let Err(PackingError::Block { row, block, offset: found, fault, .. }) = check(&bytes) else {
            panic!("a fault in block {at:?}");
        };
        assert_eq!(((row, block), found, fault), (at, offset, BlockFault::Code { element }));
    }
}

/// With the limits of 32-bit machines and of this one. What 128 bits do not hold fits no limit either.
fn sizes_are_exact_or_refused<P: Packing>(rows: usize, cols: usize) {
    let elements = rows as u128 * cols as u128;
    let blocks = rows as u128 * cols.div_ceil(P::BLOCK) as u128;
    let bytes = blocks.saturating_mul(P::BLOCK_BYTES as u128).saturating_add(P::TRAILER as u128);
    for limit in [i32::MAX as usize, u32::MAX as usize, MAX_ELEMENTS] {
        let fits = (1..=MAX_COLS).contains(&cols) && rows > 0 && elements.max(bytes) <= limit as u128;
        let found = Packed::<P>::total_bytes_within(rows, cols, limit);
        assert_eq!(found, fits.then_some(bytes as usize), "{} {rows} x {cols}, limit {limit}", P::NAME);
    }
}

#[test]
fn the_largest_sizes_are_refused() {
    sizes_are_exact_or_refused::<F32>(usize::MAX, usize::MAX);
    sizes_are_exact_or_refused::<I2S>(usize::MAX, MAX_COLS);
    sizes_are_exact_or_refused::<Tq1_0>(1, usize::MAX);
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..400)
}

proptest! {
    #[test]
    fn sizes_of_matrices_are_exact_or_refused(
        bits in prop::array::uniform2(0..usize::BITS),
        any in any::<[usize; 2]>(),
    ) {
        let [rows, cols] = [any[0] >> bits[0], any[1] >> bits[1]];
        sizes_are_exact_or_refused::<I2S>(rows, cols);
        sizes_are_exact_or_refused::<Tq1_0>(rows, cols);
        sizes_are_exact_or_refused::<Q4_0>(rows, cols);
        sizes_are_exact_or_refused::<F32>(rows, cols);
    }

    #[test]
    fn absmean_equals_plain_loops(values in prop::collection::vec(-2.0_f32..2.0, 21)) {
        let packed = absmean(3, 7, &values).unwrap();
        let (codes, scale) = reference::absmean(&values);
        prop_assert_eq!(all_codes(&packed), codes);
        prop_assert_eq!(packed.shared(), Scales::Tensor(scale));
    }

    /// Any bytes either make a matrix, whose codes are then ternary, or an error; never a panic.
    #[test]
    fn any_bytes_are_checked(rows in 0_usize..4, cols in 0_usize..600, bytes in any_bytes()) {
        let bytes = Bytes::from(bytes);
        if let Ok(packed) = Packed::<Tq1_0>::new(rows, cols, bytes.clone()) {
            prop_assert!(all_codes(&packed).iter().all(|&code| code < 3));
        }
        if let Ok(packed) = Packed::<I2S>::new(rows, cols, bytes.clone()) {
            prop_assert!(all_codes(&packed).iter().all(|&code| code < 3));
        }
        if let Ok(packed) = Packed::<Tq2_0>::new(rows, cols, bytes) {
            prop_assert!(all_codes(&packed).iter().all(|&code| code < 3));
        }
    }
}
