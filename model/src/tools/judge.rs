//! What the numbers of a file look like, tensor by tensor, and what is unusual about them.
//!
//! What belongs here: statistics and the ranges that sound files keep. What does not: refusing a file. Nothing here
//! changes a weight, and no statistic is a reason to: a file that breaks a range is unusual, not wrong.
//!
//! The ranges are those of files that are known to work, widened; `docs/judging.md` has the measured values.

#[cfg(test)]
mod tests;

use super::inspect::number;
use crate::description::{Architecture, BlockNorm, Config, Role};
use crate::files::{Source, SourceTensor};
use crate::parallel::{self, Threads};
use crate::weights::scaled;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use trine_kernels::packing::I2sPacking;
use trine_kernels::{Matrix, PackingError, PackingKind};
use trine_ops::Cpu;

/// What the values of one tensor are like.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The packing that its products run in; another than its type where it is repacked when it is loaded.
    pub packing: &'static str,
    /// The one scale of a ternary matrix, a separate one included; `None` where there are several or none.
    pub scale: Option<f32>,
    /// The share of values that are 0, from 0 to 1.
    pub zeros: f64,
    /// The root mean square of the values, `sqrt(mean(x^2))`, the separate scale of a matrix included.
    pub rms: f64,
}

/// A tensor's statistics, and what is unusual about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The statistics, or why the contents are not valid.
    pub statistics: Result<Statistics, PackingError>,
    /// What is unusual, one sentence each.
    pub remarks: Vec<String>,
}

/// How far the gains of a norm may be from the median of the same norm in other blocks, as a factor.
const FROM_MEDIAN: f64 = 32.0;

/// Shares of zeros that ternary matrices have. Random codes have a third, absmean of normal weights 0.31.
const ZEROS: RangeInclusive<f64> = 0.02..=0.98;

/// Judges every tensor in file order, on the threads of `cpu`. `config` tells roles and architecture; without it there
/// are only statistics.
pub fn judge(source: &dyn Source, config: Option<&Config>, i2s_packing: I2sPacking, cpu: &Cpu) -> Vec<Judgement> {
    let tensors = source.tensors();
    let by_role: HashMap<Role, &SourceTensor> =
        tensors.iter().filter_map(|tensor| Some((tensor.role?, tensor))).collect();
    let scale_of = |tensor: &SourceTensor| by_role.get(&tensor.role?.scale()?).copied();
    let of = |tensor| statistics(tensor, scale_of(tensor), i2s_packing);
    let statistics: Vec<_> = Threads::of(cpu).run(|| tensors.iter().map(of).collect());
    let Some(config) = config else {
        let alone = |statistics| Judgement { statistics, remarks: Vec::new() };
        return statistics.into_iter().map(alone).collect();
    };
    let roles: Vec<Option<Role>> = tensors.iter().map(|tensor| tensor.role).collect();
    let of_norm = |norm| {
        let gains =
            roles.iter().zip(&statistics).filter(|(role, _)| matches!(role, Some(Role::Norm(_, n)) if *n == norm));
        median(gains.filter_map(|(_, found)| Some(found.as_ref().ok()?.rms)).collect())
    };
    let medians: Vec<_> = BlockNorm::all().map(|norm| (norm, of_norm(norm))).collect();
    let judged = roles.iter().zip(statistics).map(|(role, statistics)| {
        let remarks = match (role, &statistics) {
            (Some(role), Ok(statistics)) => remarks(*role, statistics, config.architecture, &medians),
            _ => Vec::new(),
        };
        Judgement { statistics, remarks }
    });
    judged.collect()
}

fn statistics(
    tensor: &SourceTensor,
    scale: Option<&SourceTensor>,
    i2s_packing: I2sPacking,
) -> Result<Statistics, PackingError> {
    let matrix = scaled(tensor, scale, i2s_packing)?;
    let (zeros, squares) = sums(&matrix);
    let count = tensor.elements() as f64;
    let (packing, scale) = (matrix.kind().name(), matrix.scale());
    Ok(Statistics { packing, scale, zeros: zeros as f64 / count, rms: (squares / count).sqrt() })
}

/// How many values are 0, and the sum of the squares of all. Rows are added in an order that does not depend on the
/// number of threads.
fn sums(matrix: &Matrix) -> (usize, f64) {
    let row = |values: &mut Vec<f32>, row| {
        matrix.decode_row(row, values);
        let zeros = values.iter().filter(|&&value| value == 0.0).count();
        (zeros, values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>())
    };
    let rows = parallel::map(matrix.rows(), || vec![0.0; matrix.cols()], row);
    rows.into_iter().fold((0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// The range of the root mean square that tensors of this role keep.
pub fn usual_rms(role: Role, architecture: Architecture) -> Option<RangeInclusive<f64>> {
    match role {
        Role::Scale(..) | Role::Bias(..) | Role::InputNorm(..) => None,
        _ => Some(role.slot().entry().usual_rms?.of(&architecture.graph())),
    }
}

fn remarks(
    role: Role,
    found: &Statistics,
    architecture: Architecture,
    medians: &[(BlockNorm, Option<f64>)],
) -> Vec<String> {
    let mut remarks = Vec::new();
    let Statistics { rms, zeros, scale, .. } = *found;
    if let Some(usual) = usual_rms(role, architecture).filter(|usual| !usual.contains(&rms)) {
        let (least, most) = usual.into_inner();
        remarks.push(format!("an RMS of {} is unusual: {least} to {most} is known of such tensors", number(rms, 4)));
    }
    if let Role::Norm(_, norm) = role
        && let Some((_, Some(median))) = medians.iter().find(|(of, _)| *of == norm)
        && (rms > median * FROM_MEDIAN || rms * FROM_MEDIAN < *median)
    {
        let (rms, median) = (number(rms, 4), number(*median, 4));
        remarks.push(format!("an RMS of {rms} is far from {median}, the median of this norm over all blocks"));
    }
    let is_ternary = scale.is_some() && found.packing != PackingKind::Q1_0.name();
    if is_ternary && matches!(role, Role::Matrix(..)) && !ZEROS.contains(&zeros) {
        remarks.push(format!("a share of {zeros:.3} zeros is unusual for a ternary matrix"));
    }
    remarks
}
