//! What matrices of a model do with their input before they multiply it: rotations, one for each width that is folded,
//! and norms.
//!
//! What belongs here: these with the axes of a model. What does not: which matrices are folded
//! ([`Folding`]).

use super::claims::Claims;
use super::{LoadError, LoadProblem};
use crate::description::{Folding, Projection, Role};
use crate::network::Linear;
use trine_ops::Fold;
use trine_shapes::{DeltaWidth, Ffn, Hidden, Made, Model, NormRole, Normed, Plain, QWidth};

/// The rotations of inputs, by their axes.
pub(super) struct Folds<M> {
    pub hidden: Option<Fold<Hidden<M>>>,
    pub q_width: Option<Fold<QWidth<M>>>,
    pub ffn: Option<Fold<Ffn<M>>>,
    pub delta_width: Option<Fold<DeltaWidth<M>>>,
}

impl<M: Model> Folds<M> {
    /// Those that the matrices of a model need.
    pub fn new(model: M, claims: &Claims<'_>) -> Result<Self, LoadError> {
        let Some(folding) = &claims.config().folding else {
            return Ok(Folds { hidden: None, q_width: None, ffn: None, delta_width: None });
        };
        let refused = |error| LoadError::of_file(claims.label(), LoadProblem::Fold(error));
        let delta = match of(folding, DeltaWidth::of(model)).map_err(refused)? {
            Some(fold) if folding.grouped => {
                let lengths = model.dims().recurrent;
                let tiles = lengths.value_heads / lengths.key_heads;
                let heads = (tiles, lengths.key_heads, lengths.value_dim);
                Some(fold.of_tiles(DeltaWidth::of(model), heads).map_err(refused)?)
            }
            fold => fold,
        };
        Ok(Folds {
            hidden: of(folding, Hidden::of(model)).map_err(refused)?,
            q_width: of(folding, QWidth::of(model)).map_err(refused)?,
            ffn: of(folding, Ffn::of(model)).map_err(refused)?,
            delta_width: delta,
        })
    }
}

/// The rotation of an axis, where blocks make it up; no matrix of other widths is folded.
fn of<A: Plain>(folding: &Folding, axis: A) -> Result<Option<Fold<A>>, trine_ops::FoldError> {
    let width = axis.len();
    if width == 0 || !width.is_multiple_of(folding.block) {
        return Ok(None);
    }
    let signs = folding.signs(width);
    if signs.is_none() && !folding.signs.is_empty() {
        return Ok(None);
    }
    Fold::new(axis, folding.block, signs.as_deref()).map(Some)
}

/// A matrix of a block, with its rotation where it is folded, and behind its norm where it has one.
pub(super) fn linear<O: Made, R: NormRole, A: Plain>(
    claims: &mut Claims<'_>,
    (block, projection): (usize, Projection),
    (out, input): (O, A),
    fold: Option<&Fold<A>>,
) -> Result<Linear<O, Normed<R, A>>, LoadError> {
    let mut linear = claims.linear((block, projection), (out, Normed::of(input)))?;
    if claims.config().input_norms {
        linear = linear.with_input_norm(&claims.norm(Role::InputNorm(block, projection), input)?);
    }
    match (claims.config().folds(Role::Matrix(block, projection)), fold) {
        (true, Some(fold)) => Ok(linear.with_fold(fold.clone())),
        (true, None) => unreachable!("the configuration has compared widths, blocks and signs"),
        (false, _) => Ok(linear),
    }
}
