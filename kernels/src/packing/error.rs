//! Why bytes are not a matrix of a packing, with the place of the fault.

use alloc::string::String;

/// What is wrong with one block.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockFault {
    /// A ternary code is 3.
    #[error("element {element} has code 3; ternary codes are 0, 1 and 2 (-1, 0 and +1)")]
    Code {
        /// Index of the element in the block.
        element: usize,
    },
    /// A scale or offset is not finite.
    #[error("the {name} is {found}; it must be finite")]
    NotFinite {
        /// Which number of the block: `scale`, `minimum` or `value`.
        name: &'static str,
        /// The number.
        found: f32,
    },
    /// A scale is negative where it is a magnitude.
    #[error("the scale is {found}; scales of this type are magnitudes, so these bytes are of another type or damaged")]
    Negative {
        /// The scale.
        found: f32,
    },
    /// A scale of zero would erase codes that mean non-zero weights.
    #[error("the scale is 0 but element {element} has a non-zero code")]
    ZeroScale {
        /// Index in the block of the first element with a non-zero code.
        element: usize,
    },
}

impl BlockFault {
    /// The fault of a block's scale, if it has one: not finite, or 0 over the element that `first_non_zero` finds.
    pub(crate) fn of_scale(scale: f32, first_non_zero: impl FnOnce() -> Option<usize>) -> Option<BlockFault> {
        if !scale.is_finite() {
            Some(BlockFault::NotFinite { name: "scale", found: scale })
        } else if scale == 0.0 {
            first_non_zero().map(|element| BlockFault::ZeroScale { element })
        } else {
            None
        }
    }

    /// As [`BlockFault::of_scale`], for blocks that also have a minimum, which must be finite.
    pub(crate) fn of_scale_and_minimum(
        scale: f32,
        minimum: f32,
        first_non_zero: impl FnOnce() -> Option<usize>,
    ) -> Option<BlockFault> {
        if !minimum.is_finite() {
            return Some(BlockFault::NotFinite { name: "minimum", found: minimum });
        }
        BlockFault::of_scale(scale, first_non_zero)
    }
}

/// Why bytes are not a matrix, or a matrix cannot be used as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PackingError {
    /// A dimension is 0 or too large, or memory cannot hold the elements.
    #[error(
        "{packing} matrix of {rows} rows and {cols} columns: both must be positive, columns at most \
             {max_cols}, and memory must hold the elements"
    )]
    Dimensions {
        /// Packing.
        packing: &'static str,
        /// Rows found.
        rows: usize,
        /// Columns found.
        cols: usize,
        /// Columns allowed.
        max_cols: usize,
    },
    /// Rows are not whole blocks.
    #[error("{packing} matrix has {cols} columns; the packing needs a multiple of {multiple}")]
    Columns {
        /// Packing.
        packing: &'static str,
        /// Columns found.
        cols: usize,
        /// Elements of a block.
        multiple: usize,
    },
    /// Rows are not whole groups.
    #[error("{packing} matrix has {rows} rows; the packing needs a multiple of {multiple}")]
    Rows {
        /// Packing.
        packing: &'static str,
        /// Rows found.
        rows: usize,
        /// Rows of a group.
        multiple: usize,
    },
    /// The bytes are too many or too few.
    #[error("{packing} matrix of {rows} rows and {cols} columns takes {expected} bytes, found {found}")]
    Length {
        /// Packing.
        packing: &'static str,
        /// Rows.
        rows: usize,
        /// Columns.
        cols: usize,
        /// Bytes that the matrix takes.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// A block is not valid.
    #[error("{packing} block {block} of row {row} (byte {offset} of the tensor): {fault}")]
    Block {
        /// Packing.
        packing: &'static str,
        /// Row of the block.
        row: usize,
        /// Index of the block in its row.
        block: usize,
        /// First byte of the block, counted from the start of the matrix.
        offset: usize,
        /// What is wrong.
        fault: BlockFault,
    },
    /// The scale of the whole tensor is not finite, or negative.
    #[error("{packing} scale at byte {offset} of the tensor is {found}; it must be finite and not negative")]
    Scale {
        /// Packing.
        packing: &'static str,
        /// Byte of the scale, counted from the start of the matrix.
        offset: usize,
        /// The scale.
        found: f32,
    },
    /// A multiplier is not finite.
    #[error("the multiplier of a matrix is {found}; it must be finite")]
    Multiplier {
        /// The multiplier.
        found: f32,
    },
    /// Not one code for each element.
    #[error("{packing} matrix of {rows} rows and {cols} columns needs {expected} elements, found {found}")]
    Elements {
        /// Packing.
        packing: &'static str,
        /// Rows.
        rows: usize,
        /// Columns.
        cols: usize,
        /// Elements of the matrix.
        expected: usize,
        /// Elements found.
        found: usize,
    },
    /// A type whose elements are not weights.
    #[error("elements of type {packing} are not weights; expected F32, F16 or BF16")]
    NotWeights {
        /// The type.
        packing: &'static str,
    },
    /// A value to pack is NaN or infinite.
    #[error("column {col} of row {row} is {found}; a value to pack as {packing} must be finite")]
    NotFinite {
        /// Packing.
        packing: &'static str,
        /// Row of the value.
        row: usize,
        /// Its column.
        col: usize,
        /// The value.
        found: f32,
    },
    /// The packing has no rule for rounding f32 values to it.
    #[error("f32 values cannot be rounded to {packing}; they can to f32, f16, bf16, q8_0, q4_0 and q6_k")]
    NotFromFloat {
        /// Packing.
        packing: &'static str,
    },
    /// A coarse copy of a matrix that is as small itself.
    #[error("a shortlist is of F32, F16 or BF16 matrices; {packing} ones are read in full as fast")]
    Shortlist {
        /// Packing.
        packing: &'static str,
    },
    /// A code to pack is none of the packing.
    #[error(
        "element {element} to pack as {packing} has code {found}; codes are 0, 1 and 2 (-1, 0 and +1), in q1_0 0 and 2"
    )]
    Code {
        /// Packing.
        packing: &'static str,
        /// Index of the element in the matrix.
        element: usize,
        /// The code.
        found: u8,
    },
    /// The packing is not one of codes.
    #[error("{packing} holds other weights than -1, 0 and +1 times a scale")]
    NotCodes {
        /// Packing.
        packing: &'static str,
    },
    /// Not one scale for each block.
    #[error("{packing} matrix has {expected} blocks, found {found} scales")]
    ScaleCount {
        /// Packing.
        packing: &'static str,
        /// Blocks.
        expected: usize,
        /// Scales found.
        found: usize,
    },
    /// A scale to pack is not a half-precision number.
    #[error("scale {found} cannot be packed as {packing}: its scales are f16, which does not hold it exactly")]
    ScaleNotHalf {
        /// Packing.
        packing: &'static str,
        /// The scale.
        found: f32,
    },
    /// Rows or blocks differ in scale, and no packing that kernels read has their scales.
    #[error(
        "parts of this {packing} matrix differ in scale; that runs as tq2_0, which needs columns in multiples of 256, \
         one scale for each 256 and scales that f16 holds exactly; {cols} columns and scale {found} are not such"
    )]
    RowScales {
        /// Packing.
        packing: &'static str,
        /// Columns.
        cols: usize,
        /// The first scale that f16 does not hold, or the first scale.
        found: f32,
    },
    /// Scales differ among columns that have one scale in the other packing.
    #[error(
        "this {from} matrix has the scales {} and {} among {columns} columns that share one scale in {packing}",
        found[0], found[1]
    )]
    GroupScales {
        /// Packing of the matrix.
        from: &'static str,
        /// The other packing.
        packing: &'static str,
        /// Columns that share a scale there.
        columns: usize,
        /// Two scales of weights that are not 0.
        found: [f32; 2],
    },
    /// Blocks differ in scale, and the packing has one for the tensor.
    #[error("blocks differ in scale and cannot be packed as {packing}, which has one scale for the tensor")]
    ScalesDiffer {
        /// Packing.
        packing: &'static str,
    },
    /// The matrix cannot be multiplied with activations in this mode.
    #[error(
        "{packing} matrix of {cols} columns has no activation mode {mode}: int8, q8_0 and q8_k are for ternary and \
         binary packings, q8_0 for columns in multiples of 32, q8_k of 256, int8-group for packings with a scale for \
         64 or 128 columns, int16 for quantized dense packings; f32 is for all"
    )]
    ActivationMode {
        /// Packing.
        packing: &'static str,
        /// Columns.
        cols: usize,
        /// The mode asked for.
        mode: String,
    },
}
