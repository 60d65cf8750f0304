//! The table of tensor types: number, name and exact byte length of each.
//!
//! This is the one place that knows how many bytes elements take. How the bytes encode values belongs to the kernels.
//! Which of several layouts a number stands for in a file is decided in `gguf`.
//! Sources: `docs/formats.md` (ternary types: microsoft/BitNet, llama.cpp), `GGML_QUANT_SIZES` of the `gguf` package.

use crate::{Ne, ShapeError};

/// An element type whose tensors can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TensorType {
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 half precision.
    F16,
    /// The upper half of single precision.
    BF16,
    /// 8-bit integers, one half-precision scale per 32.
    Q8_0,
    /// 4-bit integers, one half-precision scale per 32.
    Q4_0,
    /// 4-bit integers, one half-precision scale and minimum per 32.
    Q4_1,
    /// 5-bit integers, one half-precision scale per 32.
    Q5_0,
    /// 5-bit integers, one half-precision scale and minimum per 32.
    Q5_1,
    /// 4-bit integers in sub-blocks of 32 with scales and minima of 6 bits, two half-precision scales per 256.
    #[allow(non_camel_case_types, reason = "the name that every program of this field uses")]
    Q4_K,
    /// 5-bit integers in sub-blocks of 32 with scales and minima of 6 bits, two half-precision scales per 256.
    #[allow(non_camel_case_types, reason = "the name that every program of this field uses")]
    Q5_K,
    /// 6-bit integers in sub-blocks of 16 with 8-bit scales, one half-precision scale per 256.
    #[allow(non_camel_case_types, reason = "the name that every program of this field uses")]
    Q6_K,
    /// Ternary, 2 bits each, one single-precision scale per tensor in the 32 bytes after the codes. Three packings
    /// share this type; blocks are those of the one with the smallest.
    I2S,
    /// Ternary, base 3 in bytes (1.6875 bits each with the half-precision scale per 256).
    TQ1_0,
    /// Ternary, 2 bits each, one half-precision scale per 256.
    TQ2_0,
    /// Ternary, base 3 in bytes (1.625 bits each), one half-precision scale before each row (ik_llama.cpp).
    IQ1BN,
    /// Ternary, 2 bits each, one single-precision scale before each row (ik_llama.cpp).
    IQ2BN,
    /// As [`TensorType::IQ2BN`] with four rows interleaved (ik_llama.cpp).
    IQ2BNR4,
    /// Ternary where no code is 3, 2 bits each (values -1, 0, 1, 2), one half-precision scale per 64 (llama.cpp).
    Q2_0,
    /// As [`TensorType::Q2_0`] with one scale per 128 (PrismML). Their older files have it under the number of
    /// [`TensorType::Q2_0`], which a [`TypeLayout`](crate::TypeLayout) says.
    PQ2_0,
    /// Ternary, base 3 in bytes (1.75 bits each with the half-precision scale per 128) (PrismML).
    PTQ1_0,
    /// Binary, values -1 and 1 and no zero: 1 bit each, one half-precision scale per 128 (llama.cpp).
    Q1_0,
    /// Ternary with one zero in each group of four, 1.3125 bits each with the half-precision scale per 256 (Tencent).
    /// Their older files have it under the number of [`TensorType::Q2_0`].
    STQ1_0,
}

struct Row {
    kind: TensorType,
    /// Number in the tensor table of a file (`ggml_type`).
    id: u32,
    name: &'static str,
    /// `general.file_type` of a file whose matrices have this type, as published files have it. It decides nothing:
    /// 40 is I2_S in one program and Q1_0 in another.
    file_type: u32,
    /// Elements of one block; a row of a tensor is a whole number of blocks.
    block_elements: u64,
    /// Bytes of one block.
    block_bytes: u64,
    /// Bytes of each row besides its blocks.
    row_bytes: u64,
    /// Rows that are interleaved: a tensor has a multiple of them.
    row_group: u64,
    /// Bytes after the last block of a tensor.
    tail_bytes: u64,
}

/// A type whose rows are blocks and nothing else.
const fn row(
    kind: TensorType,
    (id, file_type): (u32, u32),
    name: &'static str,
    block_elements: u64,
    block_bytes: u64,
) -> Row {
    Row { kind, id, name, file_type, block_elements, block_bytes, row_bytes: 0, row_group: 1, tail_bytes: 0 }
}

/// In the order of the enumeration.
const TABLE: [Row; 22] = [
    row(TensorType::F32, (0, 0), "F32", 1, 4),
    row(TensorType::F16, (1, 1), "F16", 1, 2),
    row(TensorType::BF16, (30, 32), "BF16", 1, 2),
    row(TensorType::Q8_0, (8, 7), "Q8_0", 32, 34),
    row(TensorType::Q4_0, (2, 2), "Q4_0", 32, 18),
    row(TensorType::Q4_1, (3, 3), "Q4_1", 32, 20),
    row(TensorType::Q5_0, (6, 8), "Q5_0", 32, 22),
    row(TensorType::Q5_1, (7, 9), "Q5_1", 32, 24),
    row(TensorType::Q4_K, (12, 15), "Q4_K", 256, 144),
    row(TensorType::Q5_K, (13, 17), "Q5_K", 256, 176),
    row(TensorType::Q6_K, (14, 18), "Q6_K", 256, 210),
    Row { tail_bytes: 32, ..row(TensorType::I2S, (36, 40), "I2_S", 64, 16) },
    row(TensorType::TQ1_0, (34, 36), "TQ1_0", 256, 54),
    row(TensorType::TQ2_0, (35, 37), "TQ2_0", 256, 66),
    Row { row_bytes: 2, ..row(TensorType::IQ1BN, (134, 136), "IQ1_BN", 64, 13) },
    Row { row_bytes: 4, ..row(TensorType::IQ2BN, (135, 137), "IQ2_BN", 64, 16) },
    Row { row_bytes: 4, row_group: 4, ..row(TensorType::IQ2BNR4, (335, 337), "IQ2_BN_R4", 64, 16) },
    row(TensorType::Q2_0, (42, 41), "Q2_0", 64, 18),
    row(TensorType::PQ2_0, (142, 141), "PQ2_0", 128, 34),
    // The number of the tensor type, as no other is known from published files; programs do not decide by it.
    row(TensorType::PTQ1_0, (143, 143), "PTQ1_0", 128, 28),
    row(TensorType::Q1_0, (41, 40), "Q1_0", 128, 18),
    row(TensorType::STQ1_0, (43, 42), "STQ1_0", 256, 42),
];

const _: () = {
    let mut index = 0;
    while index < TABLE.len() {
        assert!(TABLE[index].kind as usize == index);
        index += 1;
    }
};

/// Types that other programs write and that are refused by name. Numbers from 100 on are ik_llama.cpp's.
const UNSUPPORTED: [(u32, &str); 27] = [
    (4, "Q4_2, removed from ggml"),
    (5, "Q4_3, removed from ggml"),
    (9, "Q8_1"),
    (10, "Q2_K"),
    (11, "Q3_K"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (28, "F64"),
    (29, "IQ1_M"),
    (31, "Q4_0_4_4, removed from ggml"),
    (32, "Q4_0_4_8, removed from ggml"),
    (33, "Q4_0_8_8, removed from ggml"),
    (37, "IQ4_NL_4_8, removed from ggml"),
    (38, "TL1 of bitnet.cpp"),
    (39, "MXFP4 of llama.cpp or TL2 of bitnet.cpp"),
    (40, "NVFP4 of llama.cpp or STQ1_0 of an early upload"),
];

impl TensorType {
    /// The type that [`TensorType::id`] gives this number; otherwise the name of the unsupported type, where the number
    /// is known. Of a number with several layouts, a file decides: [`Gguf::layouts`](crate::Gguf::layouts).
    pub fn from_id(id: u32) -> Result<TensorType, Option<&'static str>> {
        let unsupported = || UNSUPPORTED.iter().find(|known| known.0 == id).map(|known| known.1);
        TABLE.iter().find(|row| row.id == id).map(|row| row.kind).ok_or_else(unsupported)
    }

    /// Every supported type.
    pub fn all() -> impl Iterator<Item = TensorType> {
        TABLE.iter().map(|row| row.kind)
    }

    /// The names of all supported types, separated by commas.
    pub(crate) fn names() -> String {
        TABLE.map(|row| row.name).join(", ")
    }

    const fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Its number in the tensor table of a file that is written now.
    pub const fn id(self) -> u32 {
        self.row().id
    }

    /// `general.file_type` of a file whose matrices have this type (`llama_ftype`; of K types the medium mixture).
    pub const fn file_type(self) -> u32 {
        self.row().file_type
    }

    /// Its name as ggml's programs print it.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether each element is a number of its own: F32, F16 and BF16.
    pub const fn is_float(self) -> bool {
        matches!(self, TensorType::F32 | TensorType::F16 | TensorType::BF16)
    }

    /// Elements of one block: the row length of a tensor is a multiple of this.
    pub const fn block_elements(self) -> u64 {
        self.row().block_elements
    }

    /// Rows that are interleaved: a tensor has a multiple of this many. 1 but for IQ2_BN_R4.
    pub const fn row_group(self) -> u64 {
        self.row().row_group
    }

    /// The exact length in bytes of a tensor: that of its blocks, of what its rows have besides, and of what follows
    /// the last one.
    ///
    /// # Errors
    /// [`ShapeError::RowLength`] where the fastest dimension is no multiple of the block, [`ShapeError::Rows`] where
    /// rows are interleaved and do not come out even, [`ShapeError::TooLarge`] where the length exceeds 64 bits.
    pub fn byte_len(self, ne: &Ne) -> Result<u64, ShapeError> {
        let Row { name: kind, block_elements, block_bytes, row_bytes, row_group, tail_bytes, .. } = *self.row();
        let (found, elements) = (ne.fastest() as u64, ne.elements() as u64);
        if !found.is_multiple_of(block_elements) {
            return Err(ShapeError::RowLength { kind, expected: block_elements, found });
        }
        let rows = elements / found;
        if !rows.is_multiple_of(row_group) {
            return Err(ShapeError::Rows { kind, expected: row_group, found: rows });
        }
        // `rows * row_bytes` cannot overflow: a row has at least as many elements as bytes besides its blocks.
        (elements / block_elements)
            .checked_mul(block_bytes)
            .and_then(|bytes| bytes.checked_add(rows * row_bytes + tail_bytes))
            .ok_or_else(|| ShapeError::TooLarge { ne: ne.file_order().map(|n| n as u64).collect() })
    }
}

impl std::fmt::Display for TensorType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
