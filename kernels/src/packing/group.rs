//! Which weights of a packing share a scale, as a type, and which packings hold every matrix of another.
//!
//! What belongs here: groups and what follows from their lengths alone. What does not: conversions that depend on the
//! weights ([`Packed::convert`]).

use core::fmt::Debug;

use super::{Coded, Packed, Ternary};

/// The weights that share a scale.
pub trait ScaleGroup: Debug + Copy + Send + Sync + 'static {
    /// Columns of a row with one scale, where not all of the matrix has one.
    const COLUMNS: Option<usize>;
}

/// A group whose scale, written once or several times, is a scale of each group `G`: as long, or some times as long.
#[diagnostic::on_unimplemented(
    message = "scales of `{Self}` are not scales of `{G}`",
    note = "a scale can be written several times, for shorter groups; several scales cannot become one"
)]
pub trait SplitsInto<G: ScaleGroup>: ScaleGroup {}

/// Defines groups, and which others each of them splits into.
macro_rules! groups {
    ($($(#[$doc:meta])* $group:ident: $columns:expr => $($shorter:ident),+;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub struct $group;

            impl ScaleGroup for $group {
                const COLUMNS: Option<usize> = $columns;
            }

            $(
                #[diagnostic::do_not_recommend]
                impl SplitsInto<$shorter> for $group {}
            )+
        )+
    };
}

groups! {
    /// One f32 scale for all weights of a matrix.
    WholeMatrix: None => WholeMatrix;
    /// One f16 scale for each 256 columns of a row, which are a block.
    Groups256: Some(256) => Groups256, Groups128, Groups64;
    /// One f16 scale for each 128 columns of a row, which are a block.
    Groups128: Some(128) => Groups128, Groups64;
    /// One f16 scale for each 64 columns of a row, which are a block.
    Groups64: Some(64) => Groups64;
}

/// A packing all of whose matrices are matrices of the packing `Q`, weight by weight.
///
/// Ternary packings hold binary weights too; a binary packing holds no weight 0.
#[diagnostic::on_unimplemented(
    message = "not every matrix of `{Self}` is a matrix of `{Q}`",
    note = "`Packed::convert` looks at the weights and scales of a matrix and refuses those that do not fit"
)]
pub trait Lossless<Q: Coded>: Coded {}

#[diagnostic::do_not_recommend]
impl<P: Coded, Q: Ternary> Lossless<Q> for P where P::Group: SplitsInto<Q::Group> {}

impl<P: Coded> Packed<P> {
    /// The same weights in the packing `Q`, which has a place for each of them; the multiplier is kept.
    ///
    /// ```
    /// use trine_kernels::packing::{Packed, Pq2_0, Q2_0};
    ///
    /// fn in_groups_of_64(matrix: &Packed<Pq2_0>) -> Packed<Q2_0> {
    ///     matrix.recoded()
    /// }
    /// ```
    /// Groups of 64 columns may have scales that differ within 128:
    /// ```compile_fail,E0277
    /// # use trine_kernels::packing::{Packed, Pq2_0, Q2_0};
    /// fn in_groups_of_128(matrix: &Packed<Q2_0>) -> Packed<Pq2_0> {
    ///     matrix.recoded()
    /// }
    /// ```
    ///
    /// # Panics
    /// If memory does not hold the codes.
    pub fn recoded<Q: Coded>(&self) -> Packed<Q>
    where
        P: Lossless<Q>,
    {
        self.convert().expect("groups split into those of the other packing, which has a code for each weight")
    }
}
