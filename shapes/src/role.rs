//! What was done to a tensor, as part of its axis: normalised by which gain, rotated or not.
//!
//! Several tensors of a transformer share a width and differ only in role. A swap would read well-formed numbers and
//! compute nonsense, so the role is in the type: the query projection takes `Normed<AttnNorm, Hidden<M>>`, and neither
//! the raw residual stream nor the output of the FFN's norm is that.

use crate::axis::Axis;
use core::fmt::Debug;
use core::marker::PhantomData;

/// Which normalisation of the block a gain belongs to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the role of a norm",
    label = "expected `AttnNorm`, `AttnSubNorm`, `FfnNorm`, `FfnSubNorm` or `OutputNorm`"
)]
pub trait NormRole: Copy + Debug + Send + Sync + 'static {
    /// The name in error messages and tensor names, such as `attn_norm`.
    const NAME: &'static str;
}

norm_role! {
    /// Before attention (`attn_norm`).
    pub enum AttnNorm = "attn_norm";
    /// Between attention and its output projection (`attn_sub_norm`).
    pub enum AttnSubNorm = "attn_sub_norm";
    /// Before the feed-forward network (`ffn_norm`).
    pub enum FfnNorm = "ffn_norm";
    /// Before the down projection (`ffn_sub_norm`).
    pub enum FfnSubNorm = "ffn_sub_norm";
    /// Before the head (`output_norm`).
    pub enum OutputNorm = "output_norm";
}

macro_rules! marked_axis {
    ($marked:ty, $axis:ident $(, $role:ident: $bound:path)?) => {
        // Lawful: the length of a lawful axis.
        #[diagnostic::do_not_recommend]
        impl<$axis: Axis $(, $role: $bound)?> Axis for $marked {
            const NAME: &'static str = $axis::NAME;
            type Buf<T: Copy + Default> = $axis::Buf<T>;

            #[inline]
            fn len(self) -> usize {
                self.0.len()
            }

            fn buf<T: Copy + Default>(self) -> $axis::Buf<T> {
                self.0.buf()
            }
        }
    };
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

    /// The axis before normalisation.
    #[inline]
    pub fn inner(self) -> A {
        self.0
    }
}
marked_axis!(Normed<R, A>, A, R: NormRole);

/// Axis `D` after RoPE. Only rotated keys enter the cache, and nothing is rotated twice.
///
/// ```
/// use trine_shapes::*;
/// fn rotate<M: Model>(head: HeadDim<M>) -> Rotated<HeadDim<M>> {
///     Rotated::of(head)
/// }
/// fn cached<M: Model>(head: Rotated<HeadDim<M>>) {}
/// fn keys<M: Model>(head: HeadDim<M>) {
///     cached(rotate(head))
/// }
/// ```
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn cached<M: Model>(head: Rotated<HeadDim<M>>) {}
/// fn keys<M: Model>(head: HeadDim<M>) {
///     cached(head)
/// }
/// ```
/// ```compile_fail,E0308
/// # use trine_shapes::*;
/// # fn rotate<M: Model>(head: HeadDim<M>) -> Rotated<HeadDim<M>> {
/// #     Rotated::of(head)
/// # }
/// # fn cached<M: Model>(head: Rotated<HeadDim<M>>) {}
/// fn keys<M: Model>(head: HeadDim<M>) {
///     cached(rotate(rotate(head)))
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rotated<D>(D);

impl<D: Axis> Rotated<D> {
    /// The axis `D`, rotated.
    #[inline]
    pub fn of(axis: D) -> Self {
        Rotated(axis)
    }
}
marked_axis!(Rotated<D>, D);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axis::Fixed;

    #[test]
    fn a_role_changes_the_type_and_keeps_the_length() {
        let normed = Normed::<AttnNorm, _>::of(Fixed::<6>);
        assert_eq!((normed.len(), normed.inner().len(), normed.buf::<f32>().len()), (6, 6, 6));
        assert_eq!(Rotated::of(Fixed::<4>).len(), 4);
        assert_eq!(<FfnSubNorm as NormRole>::NAME, "ffn_sub_norm");
    }
}
