//! Numbers that a model multiplies what it computes by, beside its matrices.
//!
//! What belongs here: these numbers, and where graphs have them from. What does not: reading them from files
//! (`config`), and multiplying (`network`).

/// What a model multiplies the rows of its embedding and its branches by, and divides its logits by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scales {
    /// `x = embedding * E`.
    pub embedding: f32,
    /// `x = x + branch * S`, for the branch of each mixer and of each feed-forward network.
    pub residual: f32,
    /// `logits = W h / L`.
    pub logits: f32,
}

/// Where a graph has its [`Scales`] from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScaledBy {
    /// It has none.
    Nothing,
    /// Three numbers of its configuration (MiniCPM).
    Numbers,
    /// The rows of its embedding are multiplied by the root of their length (Gemma).
    RootOfHidden,
}

impl Scales {
    /// No scales.
    pub const NONE: Scales = Scales { embedding: 1.0, residual: 1.0, logits: 1.0 };

    /// What MiniCPM has with its muP numbers: `E = scale_emb`, `S = scale_depth / sqrt(blocks)`,
    /// `L = hidden / dim_model_base`. Source: `modeling_minicpm.py` of OpenBMB's checkpoints.
    pub(crate) fn of_mup(
        scale_emb: f32,
        scale_depth: f32,
        dim_model_base: f32,
        blocks: usize,
        hidden: usize,
    ) -> Scales {
        let residual = f64::from(scale_depth) / (blocks as f64).sqrt();
        let logits = hidden as f64 / f64::from(dim_model_base);
        Scales { embedding: scale_emb, residual: residual as f32, logits: logits as f32 }
    }

    /// What is meant where a GGUF file of MiniCPM has no keys: the numbers of the first models.
    pub(super) fn of_first_minicpm(blocks: usize, hidden: usize) -> Scales {
        Scales::of_mup(12.0, 1.4, 256.0, blocks, hidden)
    }

    /// The scales of a graph that needs no numbers for them.
    pub(crate) fn of_hidden(by: ScaledBy, hidden: usize) -> Scales {
        match by {
            ScaledBy::Nothing | ScaledBy::Numbers => Scales::NONE,
            ScaledBy::RootOfHidden => Scales { embedding: (hidden as f32).sqrt(), ..Scales::NONE },
        }
    }
}
