//! What a token costs: operations and bytes, from the weights that were loaded.
//!
//! What belongs here: counts that speed is measured in. What does not: time.

use crate::role::Projection;
use crate::transformer::{Layer, SubNorm, Transformer};
use trine_kernels::{Matrix, RmsNorm};
use trine_shapes::{Axis, Model, NormRole};

impl<M: Model> Layer<M> {
    /// The matrix of a projection.
    pub fn matrix(&self, projection: Projection) -> &Matrix {
        match projection {
            Projection::Query => self.query.data(),
            Projection::Key => self.key.data(),
            Projection::Value => self.value.data(),
            Projection::AttnOutput => self.attn_output.data(),
            Projection::Gate => self.gate.data(),
            Projection::Up => self.up.data(),
            Projection::Down => self.down.data(),
        }
    }

    fn gain_bytes(&self) -> usize {
        bytes_of(&self.attn_norm)
            + sub_bytes_of(&self.attn_sub_norm)
            + bytes_of(&self.ffn_norm)
            + sub_bytes_of(&self.ffn_sub_norm)
    }
}

impl<M: Model> Transformer<M> {
    /// The matrix of the head, which is the embedding where they are tied.
    pub fn head_matrix(&self) -> &Matrix {
        self.output.as_ref().unwrap_or(&self.embedding).data()
    }

    /// Operations of the matrices of all blocks for one token: two, a multiply and an add, for each weight. The head is
    /// not among them: a prompt needs it for its last token alone.
    pub fn operations_per_token(&self) -> u64 {
        self.matrices().map(|matrix| 2 * matrix.rows() as u64 * matrix.cols() as u64).sum()
    }

    /// Bytes of the head that decoding a token reads: with a shortlist those of the coarse copy, and besides them a few
    /// rows of the head.
    pub fn head_bytes(&self) -> usize {
        self.shortlist.as_ref().map_or(self.head_matrix().bytes().len(), |shortlist| shortlist.data().bytes())
    }

    /// Bytes of weights that decoding a token reads: the matrices of all blocks or their copies, the head, all gains,
    /// and a row of the embedding. Keys and values come on top, as many as there are positions.
    pub fn bytes_per_token(&self) -> u64 {
        let matrices: usize = self.matrices().map(Matrix::bytes_read).sum();
        let gains: usize = self.layers.iter().map(Layer::gain_bytes).sum::<usize>() + bytes_of(&self.output_norm);
        let table = self.embedding.data();
        (matrices + gains + self.head_bytes() + table.bytes().len() / table.rows()) as u64
    }

    /// The matrices of all blocks.
    pub(crate) fn matrices(&self) -> impl Iterator<Item = &Matrix> {
        self.layers.iter().flat_map(|layer| Projection::all().map(|projection| layer.matrix(projection)))
    }
}

fn bytes_of<R: NormRole, A: Axis>(norm: &RmsNorm<R, A>) -> usize {
    size_of_val(norm.gain().data())
}

fn sub_bytes_of<R: NormRole, A: Axis>(norm: &SubNorm<R, A>) -> usize {
    match norm {
        SubNorm::RmsNorm(norm) => bytes_of(norm),
        SubNorm::Identity => 0,
    }
}
