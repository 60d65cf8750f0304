//! From names to typed weights: every tensor of a file is claimed by exactly one role, checked against its axes, and
//! brought into the packing that the kernels run. Reading the file is the loader's part.

mod claims;
mod corrections;
mod error;
mod matrices;
mod triples;

pub(crate) use claims::by_role;
pub use error::LoadError;
pub(crate) use matrices::{absmean, as_ternary, factor_of, halves_row, packed, scaled, scales_bias, usual_activations};
pub use triples::{KeepTriples, MakeTriples};

use crate::config::Config;
use crate::policy::{Corrected, Corrections};
use crate::role::{BlockNorm, Projection, Role};
use crate::source::Source;
use crate::transformer::{Layer, Shared, SubNorm, Transformer};
use claims::Claims;
use trine_kernels::packing::I2sPacking;
use trine_kernels::{ActivationMode, Cpu, PackingKind};
use trine_shapes::{Axis, Ffn, Gate, HeadDim, Hidden, KvWidth, Model, NormRole, Normed, QWidth, Value, Vocab};

/// How a file's weights are taken.
#[derive(Default)]
pub struct LoadOptions<'p> {
    /// Quantize float matrices that are not ternary; `None` runs them as they are.
    pub quantize: Option<Quantize>,
    /// Activations of ternary matrices, and f32 of all; `None` is the default of the packing and architecture.
    pub activations: Option<ActivationMode>,
    /// How I2_S tensors are packed, which a file does not tell.
    pub i2s_packing: I2sPacking,
    /// What to correct; `None` takes the file as it is.
    pub corrections: Option<&'p Corrections>,
    /// Another packing for the output head; `None` keeps the file's.
    pub head: Option<Requantize<'p>>,
    /// A shortlist for the head, so that the largest logits are found without reading all of it; `None` makes none.
    pub shortlist: Option<MakeShortlist<'p>>,
    /// Copies of ternary matrices that decoding reads instead; `None` makes none.
    pub triples: Option<MakeTriples<'p>>,
    /// Called after each tensor with the number of tensors done and their total.
    pub progress: Option<&'p dyn Fn(usize, usize)>,
}

/// Weights rounded to another packing while they are loaded.
#[derive(Clone, Copy)]
pub struct Requantize<'p> {
    /// The packing, one of [`PackingKind::FROM_F32`].
    pub kind: PackingKind,
    /// Where the rounding is computed, in parallel.
    pub cpu: &'p Cpu,
    /// Called after some rows with the number of rows done and their total, from any thread.
    pub progress: Option<&'p (dyn Fn(usize, usize) + Sync)>,
}

/// A [`Shortlist`](trine_kernels::Shortlist) that is made while weights are loaded.
#[derive(Clone, Copy)]
pub struct MakeShortlist<'p> {
    /// Where it is computed, in parallel.
    pub cpu: &'p Cpu,
    /// Called after some rows with the number of rows done and their total, from any thread.
    pub progress: Option<&'p (dyn Fn(usize, usize) + Sync)>,
}

/// A quantizer for float masters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantize {
    /// BitNet b1.58's own: scale `mean |W|`, codes `clamp(round(W / scale), -1, 1)`.
    Absmean,
}

/// A model, and what was noticed while it was loaded.
#[derive(Debug)]
pub struct Loaded<M> {
    /// The transformer.
    pub transformer: Transformer<M>,
    /// Remarks for the user, such as float matrices that were not quantized.
    pub warnings: Vec<String>,
    /// The corrections that were made: all that were ordered.
    pub corrected: Vec<Corrected>,
}

/// Loads every weight of `source`, whose description is `config`, with the axes of `model`.
///
/// # Errors
/// [`LoadError`] names the file and the tensors that are missing, unknown, misshapen or damaged.
///
/// # Panics
/// If `model` has other dimensions than `config`.
pub fn load<M: Model>(
    model: M,
    config: &Config,
    source: &dyn Source,
    options: &LoadOptions<'_>,
) -> Result<Loaded<M>, LoadError> {
    assert_eq!(model.dims(), config.dims, "`{}` has other dimensions than the configuration", M::NAME);
    refuse_qk_norms(source, config)?;
    let mut claims = Claims::new(source, config, options)?;
    let (vocab, hidden) = (Vocab::of(model), Hidden::of(model));
    let embedding = claims.table(Role::TokenEmbedding, (vocab, hidden))?;
    let rope = claims.rope(HeadDim::of(model))?;
    let layers = (0..config.layers).map(|block| layer(model, &mut claims, block)).collect::<Result<_, _>>()?;
    let output_norm = claims.norm(Role::OutputNorm, hidden)?;
    let output = match claims.has(Role::Output) {
        true => Some(claims.table(Role::Output, (vocab, hidden))?),
        false => None,
    };
    let output = match &options.head {
        Some(to) => match &output {
            Some(head) => claims.requantized(Role::Output, head, to)?.or(output),
            // A tied embedding stays as it is in the file; the head is a copy.
            None => claims.requantized(Role::TokenEmbedding, &embedding, to)?,
        },
        None => output,
    };
    let shortlist = match &options.shortlist {
        Some(make) => {
            let (role, head) = match &output {
                Some(head) if claims.has(Role::Output) => (Role::Output, head),
                head => (Role::TokenEmbedding, head.as_ref().unwrap_or(&embedding)),
            };
            Some(claims.shortlist(role, head, make)?)
        }
        None => None,
    };
    let shared = Shared { rope, gate_activation: config.graph().gate_activation };
    let config = config.clone();
    let transformer = Transformer { model, config, embedding, shared, layers, output_norm, output, shortlist };
    let corrected = claims.take_corrected()?;
    let mut warnings = claims.into_warnings();
    let (transformer, why_none) = match options.triples {
        Some(make) => make.settle(transformer),
        None => (transformer, None),
    };
    warnings.extend(why_none.map(|why| format!("{}: no copies of matrices in triples: {why}", source.label())));
    Ok(Loaded { transformer, warnings, corrected })
}

/// Refuses graphs that normalise the heads of queries and keys, which [`Transformer`] does not do.
fn refuse_qk_norms(source: &dyn Source, config: &Config) -> Result<(), LoadError> {
    match config.graph().qk_norm {
        None => Ok(()),
        Some(_) => {
            let (file, architecture) = (source.label().to_owned(), config.architecture);
            Err(LoadError::Graph { file, architecture, what: "norms of query and key heads" })
        }
    }
}

fn layer<M: Model>(model: M, claims: &mut Claims<'_>, block: usize) -> Result<Layer<M>, LoadError> {
    let (hidden, ffn) = (Hidden::of(model), Ffn::of(model));
    let (q_width, kv_width) = (QWidth::of(model), KvWidth::of(model));
    let norm = |norm| Role::Norm(block, norm);
    Ok(Layer {
        attn_norm: claims.norm(norm(BlockNorm::Attn), hidden)?,
        query: claims.linear((block, Projection::Query), (q_width, Normed::of(hidden)))?,
        key: claims.linear((block, Projection::Key), (kv_width, Normed::of(hidden)))?,
        value: claims.linear((block, Projection::Value), (Value::of(kv_width), Normed::of(hidden)))?,
        attn_sub_norm: sub_norm(claims, norm(BlockNorm::AttnSub), q_width)?,
        attn_output: claims.linear((block, Projection::AttnOutput), (hidden, Normed::of(q_width)))?,
        ffn_norm: claims.norm(norm(BlockNorm::Ffn), hidden)?,
        gate: claims.linear((block, Projection::Gate), (Gate::of(ffn), Normed::of(hidden)))?,
        up: claims.linear((block, Projection::Up), (ffn, Normed::of(hidden)))?,
        ffn_sub_norm: sub_norm(claims, norm(BlockNorm::FfnSub), ffn)?,
        down: claims.linear((block, Projection::Down), (hidden, Normed::of(ffn)))?,
    })
}

fn sub_norm<R: NormRole, A: Axis>(claims: &mut Claims<'_>, role: Role, axis: A) -> Result<SubNorm<R, A>, LoadError> {
    match claims.config().graph().sub_norms {
        true => Ok(SubNorm::RmsNorm(claims.norm(role, axis)?)),
        false => Ok(SubNorm::Identity),
    }
}
