//! The roles of norms: which normalisation a gain belongs to, and whose output a tensor is.
//!
//! What belongs here: the roles, and evidence that an architecture has no such norm. What does not: other things that
//! are done to a tensor ([`role`](crate::Role)), and arithmetic.

use crate::axis::Axis;
use crate::role::marked_axis;
use core::fmt::Debug;
use core::marker::PhantomData;

/// Which normalisation of the block a gain belongs to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the role of a norm",
    label = "expected one of the roles of norms, such as `AttnNorm`, or one that `norm_role!` declares"
)]
pub trait NormRole: Copy + Debug + Send + Sync + 'static {
    /// The name in error messages and tensor names, such as `attn_norm`.
    const NAME: &'static str;
}

/// The role of a norm that each head has for itself: its gains are as long as a head, and heads stay heads.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a norm of heads",
    label = "expected `QueryNorm`, `KeyNorm`, or a role that is declared so",
    note = "`norm_role! {{ enum ImageNorm: HeadNorm = \"image_norm\"; }}` declares a norm of heads"
)]
pub trait HeadNorm: NormRole {}

/// The role of a norm that a branch goes through before it is added: what it normalises stays a branch.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a norm of a branch",
    label = "normalises the stream, or heads",
    note = "`norm_role! {{ enum PostAttnNorm: BranchNorm = \"post_attention_norm\"; }}` declares a norm of a branch"
)]
pub trait BranchNorm: NormRole {}

norm_role! {
    /// Before attention (`attn_norm`).
    pub enum AttnNorm = "attn_norm";
    /// Of each query head (`attn_q_norm`).
    pub enum QueryNorm: HeadNorm = "attn_q_norm";
    /// Of each key head (`attn_k_norm`).
    pub enum KeyNorm: HeadNorm = "attn_k_norm";
    /// Between attention and its output projection (`attn_sub_norm`).
    pub enum AttnSubNorm = "attn_sub_norm";
    /// Before the feed-forward network (`ffn_norm`).
    pub enum FfnNorm = "ffn_norm";
    /// Before the down projection (`ffn_sub_norm`).
    pub enum FfnSubNorm = "ffn_sub_norm";
    /// Of what attention adds to the stream (`post_attention_norm`).
    pub enum PostAttnNorm: BranchNorm = "post_attention_norm";
    /// Of what the feed-forward network adds to the stream (`post_ffw_norm`).
    pub enum PostFfnNorm: BranchNorm = "post_ffw_norm";
    /// Of what a matrix multiplies, in front of that matrix alone (`norm_in`).
    pub enum InputNorm = "norm_in";
    /// Before the head (`output_norm`).
    pub enum OutputNorm = "output_norm";
}

/// Axis `A` after the normalisation with role `R`: `Normed<AttnNorm, Hidden<M>>` is what the query projection takes.
///
/// ```
/// use trine_shapes::*;
/// fn queries<M: Model>(h: View<f32, (Normed<AttnNorm, Hidden<M>>,)>) {}
/// fn attention<M: Model>(h: View<f32, (Normed<AttnNorm, Hidden<M>>,)>) {
///     queries(h)
/// }
/// ```
/// The output of another norm of the same width is another axis, and so is what was never normalised:
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn queries<M: Model>(h: View<f32, (Normed<AttnNorm, Hidden<M>>,)>) {}
/// fn attention<M: Model>(h: View<f32, (Normed<FfnNorm, Hidden<M>>,)>) {
///     queries(h)
/// }
/// ```
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn queries<M: Model>(h: View<f32, (Normed<AttnNorm, Hidden<M>>,)>) {}
/// fn attention<M: Model>(h: View<f32, (Hidden<M>,)>) {
///     queries(h)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Normed<R, A>(A, PhantomData<R>);

impl<R: NormRole, A: Axis> Normed<R, A> {
    /// The axis `A`, normalised.
    #[inline]
    pub fn of(axis: A) -> Self {
        Normed(axis, PhantomData)
    }
}
marked_axis!(Normed<R, A>, A, R: NormRole);

/// An architecture that has no norm with role `R`. The implementation is the statement, made once where the
/// architecture is described.
#[diagnostic::on_unimplemented(
    message = "nothing says that `{Self}` has no norm `{R}`",
    label = "an architecture without this norm implements `LacksNorm`"
)]
pub trait LacksNorm<R: NormRole> {}

/// Evidence that an architecture has no norm with role `R`: what [`Tensor::without_norm`](crate::Tensor::without_norm)
/// takes in the norm's place.
///
/// ```
/// use trine_shapes::{AttnSubNorm, LacksNorm, NoNorm};
/// enum Llama {}
/// impl LacksNorm<AttnSubNorm> for Llama {}
/// let evidence: NoNorm<AttnSubNorm> = NoNorm::of::<Llama>();
/// ```
/// ```compile_fail,E0277
/// # use trine_shapes::{AttnSubNorm, LacksNorm, NoNorm};
/// enum Bitnet {}
/// let evidence: NoNorm<AttnSubNorm> = NoNorm::of::<Bitnet>();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NoNorm<R>(PhantomData<R>);

impl<R: NormRole> NoNorm<R> {
    /// What the architecture `G` says of itself.
    #[inline]
    pub fn of<G: LacksNorm<R>>() -> Self {
        NoNorm(PhantomData)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Fixed;

    #[test]
    fn a_normed_axis_keeps_its_length() {
        let normed = Normed::<AttnNorm, _>::of(Fixed::<6>);
        assert_eq!((normed.len(), normed.inner().len(), normed.buf::<f32>().len()), (6, 6, 6));
        assert_eq!(<FfnSubNorm as NormRole>::NAME, "ffn_sub_norm");
    }
}
