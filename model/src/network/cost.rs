//! What a token costs: operations and bytes, from the weights that were loaded.
//!
//! What belongs here: counts that speed is measured in. What does not: time.

use super::attention::Attention;
use super::delta_net::DeltaNet;
use super::feed_forward::SwiGlu;
use super::linear::SubNorm;
use super::transformer::{Block, FeedForward, Mixer, Transformer};
use crate::description::Projection;
use trine_kernels::Matrix;
use trine_ops::RmsNorm;
use trine_shapes::{Axis, Blocks, Idx, Model, NormRole};

impl<M: Model> Block<M> {
    fn gain_bytes(&self) -> usize {
        let of_network = match &self.feed_forward {
            FeedForward::Dense(network) => sub_bytes_of(&network.sub_norm),
            FeedForward::Experts(mixture) => {
                let used = mixture.experts.iter().take(mixture.used.len());
                used.map(|expert| sub_bytes_of(&expert.sub_norm)).sum()
            }
        };
        let of_branches =
            self.post_attn_norm.as_ref().map_or(0, bytes_of) + self.post_ffn_norm.as_ref().map_or(0, bytes_of);
        bytes_of(&self.attn_norm) + bytes_of(&self.ffn_norm) + of_network + of_branches
    }
}

impl<M: Model> Attention<M> {
    fn gain_bytes(&self) -> usize {
        let of_heads = self.qk_norm.as_ref().map_or(0, |norms| bytes_of(&norms.query) + bytes_of(&norms.key));
        sub_bytes_of(&self.sub_norm) + of_heads
    }
}

impl<M: Model> DeltaNet<M> {
    fn small_bytes(&self) -> usize {
        size_of_val(self.taps.data()) + self.rates.bytes() + bytes_of(&self.norm)
    }
}

impl<M: Model> Transformer<M> {
    /// The matrix of a projection in a block, where the block has one; of experts it has many
    /// ([`Transformer::matrices_of`]).
    pub fn matrix(&self, block: Idx<Blocks<M>>, projection: Projection) -> Option<&Matrix> {
        let Block { mixer, feed_forward, .. } = &self.blocks[block];
        let (network, mixture) = match feed_forward {
            FeedForward::Dense(network) => (Some(network), None),
            FeedForward::Experts(mixture) => (None, Some(mixture)),
        };
        let (attention, rule) = match mixer {
            Mixer::Attention(layer) => (Some(&self.attention[*layer]), None),
            Mixer::Recurrent(layer) => (None, Some(&self.recurrent[*layer])),
        };
        match projection {
            Projection::Query => attention.map(|attention| attention.query.matrix()),
            Projection::Key => attention.map(|attention| attention.key.data()),
            Projection::Value => attention.map(|attention| attention.value.data()),
            Projection::AttnOutput => attention.map(|attention| attention.output.data()),
            Projection::DeltaInput => rule.map(|rule| rule.input.data()),
            Projection::DeltaGate => rule.map(|rule| rule.gate.data()),
            Projection::DeltaAlpha => rule.map(|rule| rule.alpha.data()),
            Projection::DeltaBeta => rule.map(|rule| rule.beta.data()),
            Projection::DeltaOutput => rule.map(|rule| rule.output.data()),
            Projection::Gate => network.map(|network| network.gate.data()),
            Projection::Up => network.map(|network| network.up.data()),
            Projection::Down => network.map(|network| network.down.data()),
            Projection::Router => mixture.map(|mixture| mixture.router.data()),
            Projection::ExpertGate | Projection::ExpertUp | Projection::ExpertDown => None,
        }
    }

    /// The matrices of a projection in a block: one, one for each expert, or none.
    pub fn matrices_of(&self, block: Idx<Blocks<M>>, projection: Projection) -> Vec<&Matrix> {
        let of = |expert: fn(&SwiGlu<M>) -> &Matrix| match &self.blocks[block].feed_forward {
            FeedForward::Experts(mixture) => mixture.experts.iter().map(expert).collect(),
            FeedForward::Dense(_) => Vec::new(),
        };
        match projection {
            Projection::ExpertGate => of(|expert| expert.gate.data()),
            Projection::ExpertUp => of(|expert| expert.up.data()),
            Projection::ExpertDown => of(|expert| expert.down.data()),
            _ => self.matrix(block, projection).into_iter().collect(),
        }
    }

    /// As many of [`Transformer::matrices_of`] as one token meets: of experts the first ones, which stand for others of
    /// their size.
    pub fn matrices_of_a_token(&self, block: Idx<Blocks<M>>, projection: Projection) -> Vec<&Matrix> {
        let mut all = self.matrices_of(block, projection);
        if projection.is_of_experts() {
            all.truncate(self.config.dims.experts.used);
        }
        all
    }

    /// The matrix of the head, which is the embedding where they are tied.
    pub fn head_matrix(&self) -> &Matrix {
        self.head.data()
    }

    /// Operations of the matrices of all blocks for one token: two, a multiply and an add, for each weight. The head is
    /// not among them: a prompt needs it for its last token alone.
    pub fn operations_per_token(&self) -> u64 {
        self.of_a_token().map(|matrix| 2 * matrix.rows() as u64 * matrix.cols() as u64).sum()
    }

    /// Bytes of the head that decoding a token reads: with a shortlist those of the coarse copy, and besides them a few
    /// rows of the head.
    pub fn head_bytes(&self) -> usize {
        self.shortlist.as_ref().map_or(self.head_matrix().bytes().len(), |shortlist| shortlist.data().bytes())
    }

    /// Bytes of weights that decoding a token reads: the matrices of all blocks or their copies, of experts those that
    /// it goes to, the head, all gains, and a row of the embedding. Keys and values come on top, as many as there are
    /// positions.
    pub fn bytes_per_token(&self) -> u64 {
        let matrices: usize = self.of_a_token().map(Matrix::bytes_read).sum();
        let gains: usize = self.blocks.iter().map(Block::gain_bytes).sum::<usize>()
            + self.attention.iter().map(Attention::gain_bytes).sum::<usize>()
            + self.recurrent.iter().map(DeltaNet::small_bytes).sum::<usize>()
            + bytes_of(&self.output_norm);
        let of_inputs: usize = match self.config.input_norms {
            true => self.matrices().map(|matrix| size_of::<f32>() * matrix.cols()).sum(),
            false => 0,
        };
        let table = self.embedding.data();
        (matrices + gains + of_inputs + self.head_bytes() + table.bytes().len() / table.rows()) as u64
    }

    /// The matrices of all blocks.
    pub fn matrices(&self) -> impl Iterator<Item = &Matrix> {
        let blocks = Idx::all(Blocks::of(self.model));
        blocks.flat_map(move |block| Projection::all().flat_map(move |of| self.matrices_of(block, of)))
    }

    /// The matrices of all blocks that one token meets.
    fn of_a_token(&self) -> impl Iterator<Item = &Matrix> {
        let blocks = Idx::all(Blocks::of(self.model));
        blocks.flat_map(move |block| Projection::all().flat_map(move |of| self.matrices_of_a_token(block, of)))
    }
}

fn bytes_of<R: NormRole, A: Axis>(norm: &RmsNorm<R, A>) -> usize {
    size_of_val(norm.gain().data())
}

fn sub_bytes_of<R: NormRole, A: Axis>(norm: &SubNorm<R, A>) -> usize {
    match norm {
        SubNorm::RmsNorm(norm) => bytes_of(norm),
        SubNorm::None(_) => 0,
    }
}
