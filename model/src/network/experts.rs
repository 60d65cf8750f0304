//! The feed-forward network of blocks with experts: many networks, of which each token goes to some.

use super::feed_forward::SwiGlu;
use super::linear::Linear;
use super::ops::Ops;
use super::part::Part;
use trine_kernels::Matrix;
use trine_ops::Activations;
use trine_shapes::{Branch, Experts, FfnNorm, Hidden, Model, Normed, PerLayer, Step, Tensor, UsedExperts};

/// `sum_e share_e expert_e(h)` over the experts `e` that a token goes to: those with the largest probabilities of a
/// softmax over the scores `W_r h`, in f32, with the probabilities divided by their sum as shares (Shazeer et al. 2017,
/// arXiv 1701.06538; as Maple has it).
///
/// ```
/// use trine_model::{MixtureOfExperts, SwiGlu};
/// use trine_shapes::*;
///
/// fn network<M: Model>(mixture: &MixtureOfExperts<M>, expert: Idx<Experts<M>>) -> &SwiGlu<M> {
///     &mixture.experts[expert]
/// }
/// ```
/// A block is no expert:
/// ```compile_fail,E0308
/// # use trine_model::{MixtureOfExperts, SwiGlu};
/// # use trine_shapes::*;
/// fn network<M: Model>(mixture: &MixtureOfExperts<M>, block: Idx<Blocks<M>>) -> &SwiGlu<M> {
///     &mixture.experts[block]
/// }
/// ```
#[derive(Debug)]
pub struct MixtureOfExperts<M> {
    /// `W_r`, the router.
    pub router: Linear<Experts<M>, Normed<FfnNorm, Hidden<M>>>,
    /// How many experts a token goes to.
    pub used: UsedExperts<M>,
    /// The networks.
    pub experts: PerLayer<Experts<M>, SwiGlu<M>>,
}

impl<M: Model> MixtureOfExperts<M> {
    /// Each expert is given its tokens together, so that those of a prompt meet its matrices as many rows; the experts
    /// that no token goes to are not read. The experts of a single token work at the same time, where no thread is left
    /// without one: their matrices are small, and to share each out among all threads takes as long as its product.
    pub(super) fn forward<T: Step>(
        &self,
        ops: &impl Ops,
        h: Activations<T, Normed<FfnNorm, Hidden<M>>>,
    ) -> Tensor<f32, (T, Branch<Hidden<M>>)> {
        let cpu = ops.cpu();
        let probabilities = ops.seen(Part::Routing, cpu.softmax(ops.linear(&h, &self.router)));
        let routing = cpu.route(probabilities, self.used);
        let hidden = self.router.input().inner();
        let is_single = h.shape().0.len() == 1;
        let experts = is_single.then(|| routing.of_all()).flatten();
        if let Some(experts) = experts.filter(|experts| experts.len() >= cpu.threads()) {
            experts.iter().for_each(|_| ops.see(Part::Routed, h.values()));
            let networks: Vec<_> = experts.iter().map(|expert| &self.experts[*expert]).collect();
            let made: Vec<_> = experts.into_iter().zip(SwiGlu::forward_all(&networks, ops, &h)).collect();
            return ops.seen(Part::Experts, cpu.mixed(&routing, &made, hidden));
        }
        let mixed = cpu.mixture(&routing, &h, hidden, |expert, x| {
            ops.see(Part::Routed, x.values());
            self.experts[expert].forward(ops, x)
        });
        ops.seen(Part::Experts, mixed)
    }

    /// The same weights with each matrix replaced by what `f` makes of it, which has the same dimensions.
    pub(crate) fn map_matrices(self, f: impl Fn(Matrix) -> Matrix) -> Self {
        MixtureOfExperts {
            router: self.router.map(&f),
            experts: self.experts.map(|expert| expert.map_matrices(&f)),
            ..self
        }
    }
}
