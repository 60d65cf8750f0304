//! Corrections that a policy orders, made while tensors are claimed. What is ordered is in [`crate::policy`].

use super::{Corrected, Correction, Corrections};
use trine_kernels::packing::WeightScale;
use trine_kernels::{Matrix, PackingError};

/// Rescales the gains of a norm where that is ordered.
pub(super) fn gains(ordered: Option<&Corrections>, tensor: &str, gains: &mut [f32]) -> Option<Corrected> {
    let correction @ Correction::RescaleGains { rms } = ordered?.of_tensor(tensor)? else { return None };
    let before = root_mean_square(gains);
    if before == 0.0 {
        return None;
    }
    gains.iter_mut().for_each(|gain| *gain = (f64::from(*gain) * (rms / before)) as f32);
    Some(Corrected { tensor: tensor.to_owned(), correction, before, after: root_mean_square(gains) })
}

/// Inverts the scale of a ternary matrix where that is ordered, as a multiplier of its products.
pub(super) fn scale(
    ordered: Option<&Corrections>,
    tensor: &str,
    matrix: Matrix,
) -> Result<(Matrix, Option<Corrected>), PackingError> {
    let correction = ordered.and_then(|ordered| ordered.of_tensor(tensor));
    let (Some(Correction::InvertScale), Some(before)) = (correction, matrix.scale().filter(|scale| *scale != 0.0))
    else {
        return Ok((matrix, None));
    };
    let matrix = matrix.with_multiplier(WeightScale::new(1.0 / (before * before))?)?;
    let after = matrix.scale().map_or(f64::NAN, f64::from);
    let (tensor, before) = (tensor.to_owned(), f64::from(before));
    Ok((matrix, Some(Corrected { tensor, correction: Correction::InvertScale, before, after })))
}

fn root_mean_square(values: &[f32]) -> f64 {
    (values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}
