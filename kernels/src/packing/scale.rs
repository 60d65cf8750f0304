//! Factors of whole matrices: which way round they are, and that each is applied once.
//!
//! What belongs here: the two types and the conversion between them. What does not: scales inside a packing's blocks.

use super::PackingError;

/// The factor of a matrix: `y = (W x) * scale`. Neither `Copy` nor `Clone`, so it is applied once.
///
/// ```
/// use trine_kernels::packing::WeightScale;
/// use trine_kernels::{Matrix, PackingError};
///
/// fn scaled(matrix: Matrix, scale: WeightScale) -> Result<Matrix, PackingError> {
///     matrix.with_multiplier(scale)
/// }
/// ```
/// A scale that was applied is gone:
/// ```compile_fail,E0382
/// # use trine_kernels::packing::WeightScale;
/// # use trine_kernels::{Matrix, PackingError};
/// fn scaled(matrix: Matrix, scale: WeightScale) -> Result<Matrix, PackingError> {
///     matrix.with_multiplier(scale)?.with_multiplier(scale)
/// }
/// ```
#[derive(Debug, PartialEq)]
pub struct WeightScale(f32);

impl WeightScale {
    /// A factor.
    ///
    /// # Errors
    /// [`PackingError::Multiplier`] unless it is finite.
    pub fn new(scale: f32) -> Result<WeightScale, PackingError> {
        if scale.is_finite() { Ok(WeightScale(scale)) } else { Err(PackingError::Multiplier { found: scale }) }
    }

    /// The number, for instance to write it to a file.
    pub fn into_inner(self) -> f32 {
        self.0
    }
}

/// What a matrix is divided by: `y = (W x) / inverse`, as some checkpoints have it under the name `weight_scale`.
///
/// ```
/// use trine_kernels::packing::InverseScale;
/// use trine_kernels::{Matrix, PackingError};
///
/// fn scaled(matrix: Matrix, divisor: InverseScale) -> Result<Matrix, PackingError> {
///     matrix.with_multiplier(divisor.reciprocal()?)
/// }
/// ```
/// It is not a factor:
/// ```compile_fail,E0308
/// # use trine_kernels::packing::InverseScale;
/// # use trine_kernels::{Matrix, PackingError};
/// fn scaled(matrix: Matrix, divisor: InverseScale) -> Result<Matrix, PackingError> {
///     matrix.with_multiplier(divisor)
/// }
/// ```
#[derive(Debug, PartialEq)]
pub struct InverseScale(f32);

impl InverseScale {
    /// A divisor.
    pub fn new(inverse: f32) -> InverseScale {
        InverseScale(inverse)
    }

    /// `1 / inverse`, rounded once.
    ///
    /// # Errors
    /// [`PackingError::Multiplier`] where that is not finite: of 0, and of NaN.
    pub fn reciprocal(self) -> Result<WeightScale, PackingError> {
        WeightScale::new(1.0 / self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_divisor_becomes_a_factor_by_name_alone() {
        assert_eq!(InverseScale::new(8.0).reciprocal(), WeightScale::new(0.125));
        assert_eq!(InverseScale::new(0.0).reciprocal(), Err(PackingError::Multiplier { found: f32::INFINITY }));
        assert_eq!(WeightScale::new(f32::NEG_INFINITY), Err(PackingError::Multiplier { found: f32::NEG_INFINITY }));
    }
}
