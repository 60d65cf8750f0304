//! Weights in the roles of the forward pass, with the axes of an environment.
//!
//! What belongs here: which tensor becomes which weight, and how weights may be asked for. What does not: what a tensor
//! must be to become one (`claims.rs`).

#[cfg(feature = "text")]
use super::Adapter;
use super::claims::Claims;
use super::folds::{self, Folds};
use super::{Corrected, Corrections, KeepTriples, LoadError, LoadProblem, floats, triples};
use crate::description::{BlockNorm, BlockNumbers, Config, MixerKind, NoSubNorms, Projection, Role};
use crate::files::Source;
use crate::network::{
    Attention, Block, DeltaNet, FeedForward, Linear, Mixer, MixtureOfExperts, QkNorms, Queries, Reach, SubNorm, SwiGlu,
    Transformer,
};
use crate::warning::Warning;
use std::sync::Arc;
use trine_kernels::packing::I2sPacking;
use trine_kernels::{ActivationMode, GateActivation, Matrix, PackingError, PackingKind};
use trine_ops::{Cpu, DeltaRates, Gating, RmsNorm, Rope};
use trine_shapes::{
    AttentionLayers, Blocks, Branch, ConvolutionTaps, DeltaChannels, DeltaHeads, DeltaValue, DeltaWidth, Experts, Ffn,
    Gate, GatedQWidth, HeadDim, Hidden, Idx, KvWidth, LacksNorm, Model, NoNorm, NormRole, Normed, PerLayer, Plain,
    QWidth, RecurrentLayers, UsedExperts, Value, Vocab,
};

/// How a file's weights are taken.
#[derive(Default)]
pub struct LoadOptions<'p> {
    /// Quantize matrices of blocks that are not ternary or binary; `None` runs them as they are.
    pub quantize: Option<Quantize>,
    /// Activations of ternary matrices, and f32 of all; `None` is the default of the packing and architecture.
    pub activations: Option<ActivationMode>,
    /// How I2_S tensors are packed, which a file does not tell.
    pub i2s_packing: I2sPacking,
    /// Adapters of low rank for matrices of blocks, each added in its turn.
    #[cfg(feature = "text")]
    pub adapters: &'p [Adapter],
    /// Whether adapters become part of the matrices, which are float ones then. Otherwise they run beside them.
    #[cfg(feature = "text")]
    pub merge_adapters: bool,
    /// What to correct; `None` takes the file as it is.
    pub corrections: Option<&'p Corrections>,
    /// Another packing for the output head; `None` keeps the file's.
    pub head: Option<Requantize<'p>>,
    /// A shortlist for the head, so that the largest logits are found without reading all of it; `None` makes none.
    pub shortlist: Option<MakeShortlist<'p>>,
    /// Copies of ternary matrices in triples ([`Matrix::with_triples`](trine_kernels::Matrix::with_triples)) that
    /// decoding reads instead; `None` makes none.
    pub triples: Option<KeepTriples>,
    /// Called after each tensor with the number of tensors done and their total.
    pub progress: Option<&'p dyn Fn(usize, usize)>,
}

/// Weights rounded to another packing while they are loaded.
#[derive(Clone, Copy)]
pub struct Requantize<'p> {
    /// The packing, one of [`PackingKind::FROM_F32`].
    pub kind: PackingKind,
    /// Called after some rows with the number of rows done and their total, from any thread.
    pub progress: Option<&'p (dyn Fn(usize, usize) + Sync)>,
}

/// A [`Shortlist`](trine_kernels::Shortlist) that is made while weights are loaded.
#[derive(Clone, Copy)]
pub struct MakeShortlist<'p> {
    /// Called after some rows with the number of rows done and their total, from any thread.
    pub progress: Option<&'p (dyn Fn(usize, usize) + Sync)>,
}

/// A quantizer for float masters, or for what another quantizer has made of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quantize {
    /// BitNet b1.58's own: scale `mean |W|`, codes `clamp(round(W / scale), -1, 1)`.
    Absmean,
    /// The same for each group of columns of a row by itself; the scale is rounded to f16 first.
    AbsmeanOfGroups(GroupSize),
}

/// Columns of a row that share a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupSize {
    /// 64, as in Q2_0.
    Columns64,
    /// 128, as in PQ2_0 and PTQ1_0.
    Columns128,
}

impl Quantize {
    /// The matrix as codes and scales.
    ///
    /// # Errors
    /// Columns that are no multiple of the group, and values that are not finite.
    pub(crate) fn quantize(self, matrix: &Matrix) -> Result<Matrix, PackingError> {
        match self {
            Quantize::Absmean => floats::absmean(matrix),
            Quantize::AbsmeanOfGroups(group) => floats::absmean_of_groups(matrix, group),
        }
    }
}

/// A model, and what was noticed while it was loaded.
#[derive(Debug)]
pub struct Loaded<M> {
    /// The transformer.
    pub transformer: Arc<Transformer<M>>,
    /// Remarks for the user, such as float matrices that were not quantized.
    pub warnings: Vec<Warning>,
    /// The corrections that were made: all that were ordered.
    pub corrected: Vec<Corrected>,
}

/// Loads every weight of `source` with the axes of `model`; what is computed on the way is computed on `cpu`. A type of
/// [`pinned_model!`](trine_shapes::pinned_model) stands for the first source that is loaded with it, by its label.
///
/// # Errors
/// [`LoadError`] where `model` has other dimensions than the source, or naming the file and the tensors that are
/// missing, unknown, misshapen or damaged.
pub fn load<M: Model>(
    model: M,
    source: &dyn Source,
    cpu: &Cpu,
    options: &LoadOptions<'_>,
) -> Result<Loaded<M>, LoadError> {
    let config = source.config()?;
    if model.dims() != config.dims {
        let problem = LoadProblem::Dims { environment: M::NAME, expected: model.dims(), found: config.dims };
        return Err(LoadError::of_file(source.label(), problem));
    }
    #[cfg(feature = "text")]
    options.adapters.iter().try_for_each(|adapter| adapter.check(&config))?;
    #[cfg(feature = "text")]
    if options.merge_adapters && !options.adapters.is_empty() && config.folding.is_some() {
        return Err(LoadError::of_file(source.label(), LoadProblem::FoldedMerge));
    }
    let mut claims = Claims::new(source, &config, cpu, options)?;
    let (vocab, hidden) = (Vocab::of(model), Hidden::of(model));
    let folds = Folds::new(model, &claims)?;
    let mut embedding = claims.embedding((vocab, hidden))?;
    let rope = claims.rope(HeadDim::of(model))?;
    let local_rope = claims.local_rope(HeadDim::of(model)).map(Arc::new);
    let blocks_of = |kind| config.layers.blocks(config.dims.blocks(), kind);
    let attention = PerLayer::try_from_fn(AttentionLayers::of(model), |layer| {
        attention(model, &mut claims, (&folds, local_rope.as_ref()), blocks_of(MixerKind::Attention)[layer.get()])
    })?;
    let recurrent = PerLayer::try_from_fn(RecurrentLayers::of(model), |layer| {
        delta_net(model, &mut claims, &folds, blocks_of(MixerKind::Recurrent)[layer.get()])
    })?;
    let blocks = blocks(model, &mut claims, &folds, &config)?;
    let output_norm = claims.norm(Role::OutputNorm, hidden)?;
    // A tied head is the embedding, which stays as it is in the file where the head is converted.
    let (of_head, head) = match claims.has(Role::Output) {
        true => (Role::Output, claims.head((vocab, hidden))?),
        false => (Role::TokenEmbedding, embedding.tied_head()),
    };
    let head = match &options.head {
        Some(to) => claims.requantized(of_head, head, to)?,
        None => head,
    };
    let shortlist = match &options.shortlist {
        Some(make) => Some(claims.shortlist(of_head, &head, make)?),
        None => None,
    };
    let head = match &folds.hidden {
        Some(fold) if config.folds(of_head) => head.with_fold(fold.clone()),
        _ => head,
    };
    if let Some(fold) = folds.hidden.as_ref().filter(|_| config.folds(Role::TokenEmbedding)) {
        embedding = embedding.with_fold(fold.clone());
    }
    let corrected = claims.take_corrected()?;
    let mut warnings = claims.into_warnings();
    let entries = source.unread_entries();
    if !entries.is_empty() {
        warnings.push(Warning::UnknownEntries { file: source.label().to_owned(), entries });
    }
    let transformer =
        Transformer { model, config, embedding, rope, blocks, attention, recurrent, output_norm, head, shortlist };
    let (transformer, why_none) = match options.triples {
        Some(keep) => triples::settle(transformer, cpu, keep),
        None => (transformer, None),
    };
    warnings.extend(why_none.map(|why| Warning::NoTriples { file: source.label().to_owned(), why }));
    // Once it is loaded: a file that is refused takes no type.
    let one = model.stands_for(source.label());
    one.map_err(|other| LoadError::of_file(source.label(), LoadProblem::OtherFile(other)))?;
    Ok(Loaded { transformer: Arc::new(transformer), warnings, corrected })
}

/// All blocks, each with the index of its mixer.
fn blocks<M: Model>(
    model: M,
    claims: &mut Claims<'_>,
    folds: &Folds<M>,
    config: &Config,
) -> Result<PerLayer<Blocks<M>, Block<M>>, LoadError> {
    let (mut of_attention, mut of_rule) = (Idx::all(AttentionLayers::of(model)), Idx::all(RecurrentLayers::of(model)));
    PerLayer::try_from_fn(Blocks::of(model), |index| {
        let counted = "as many blocks of each kind as the configuration counts";
        let mixer = match config.layers.mixer(index.get()) {
            MixerKind::Attention => Mixer::Attention(of_attention.next().expect(counted)),
            MixerKind::Recurrent => Mixer::Recurrent(of_rule.next().expect(counted)),
        };
        block(model, claims, folds, (index.get(), mixer))
    })
}

/// Weights of the attention of a block.
fn attention<M: Model>(
    model: M,
    claims: &mut Claims<'_>,
    (folds, local_rope): (&Folds<M>, Option<&Arc<Rope<HeadDim<M>>>>),
    block: usize,
) -> Result<Attention<M>, LoadError> {
    let (hidden, head) = (Hidden::of(model), HeadDim::of(model));
    let (q_width, kv_width) = (QWidth::of(model), KvWidth::of(model));
    let (query, output) = ((block, Projection::Query), (block, Projection::AttnOutput));
    let of_stream = folds.hidden.as_ref();
    Ok(Attention {
        query: match claims.config().graph().output_gate {
            false => Queries::Plain(folds::linear(claims, query, (q_width, hidden), of_stream)?),
            true => Queries::Gated(folds::linear(claims, query, (GatedQWidth::of(model), hidden), of_stream)?),
        },
        key: folds::linear(claims, (block, Projection::Key), (kv_width, hidden), of_stream)?,
        value: folds::linear(claims, (block, Projection::Value), (Value::of(kv_width), hidden), of_stream)?,
        qk_norm: match claims.config().graph().qk_norm {
            Some(place) => Some(QkNorms {
                place,
                query: claims.norm(Role::Norm(block, BlockNorm::Query), head)?,
                key: claims.norm(Role::Norm(block, BlockNorm::Key), head)?,
            }),
            None => None,
        },
        reach: match (&claims.config().sliding, local_rope) {
            (Some(sliding), Some(rope)) if sliding.slides(block) => {
                Reach::Sliding { window: sliding.window, rope: rope.clone() }
            }
            _ => Reach::Global,
        },
        sub_norm: sub_norm(claims, Role::Norm(block, BlockNorm::AttnSub), q_width)?,
        output: folds::linear(claims, output, (Branch::of(hidden), q_width), folds.q_width.as_ref())?,
    })
}

/// Weights of the delta rule of a block.
fn delta_net<M: Model>(
    model: M,
    claims: &mut Claims<'_>,
    folds: &Folds<M>,
    block: usize,
) -> Result<DeltaNet<M>, LoadError> {
    let (hidden, heads, width) = (Hidden::of(model), DeltaHeads::of(model), DeltaWidth::of(model));
    let (channels, taps) = (DeltaChannels::of(model), ConvolutionTaps::of(model));
    let numbers = |numbers| Role::Numbers(block, numbers);
    let (gate, beta) = ((block, Projection::DeltaGate), (block, Projection::DeltaBeta));
    let (output, of_stream) = ((block, Projection::DeltaOutput), folds.hidden.as_ref());
    Ok(DeltaNet {
        input: folds::linear(claims, (block, Projection::DeltaInput), (channels, hidden), of_stream)?,
        gate: folds::linear(claims, gate, (Gate::of(width), hidden), of_stream)?,
        alpha: claims.linear((block, Projection::DeltaAlpha), (heads, Normed::of(hidden)))?,
        beta: claims.linear(beta, (Gate::of(heads), Normed::of(hidden)))?,
        taps: claims.numbers(numbers(BlockNumbers::Convolution), (channels, taps))?,
        rates: {
            let decay = claims.decays(numbers(BlockNumbers::Decay), heads)?;
            DeltaRates::new(decay, claims.numbers(numbers(BlockNumbers::TimeStep), (heads,))?)
        },
        norm: claims.norm(Role::Norm(block, BlockNorm::Delta), DeltaValue::of(model))?,
        gating: Gating::new(width, GateActivation::Silu),
        order: claims.config().layers.heads,
        output: folds::linear(claims, output, (Branch::of(hidden), width), folds.delta_width.as_ref())?,
    })
}

fn block<M: Model>(
    model: M,
    claims: &mut Claims<'_>,
    folds: &Folds<M>,
    (block, mixer): (usize, Mixer<M>),
) -> Result<Block<M>, LoadError> {
    let hidden = Hidden::of(model);
    Ok(Block {
        attn_norm: claims.norm(Role::Norm(block, BlockNorm::Attn), hidden)?,
        mixer,
        post_attn_norm: branch_norm(claims, Role::Norm(block, BlockNorm::PostAttn), hidden)?,
        ffn_norm: claims.norm(Role::Norm(block, BlockNorm::Ffn), hidden)?,
        feed_forward: match claims.config().graph().experts {
            false => FeedForward::Dense(network(model, claims, folds, block)?),
            true => FeedForward::Experts(mixture(model, claims, block)?),
        },
        post_ffn_norm: branch_norm(claims, Role::Norm(block, BlockNorm::PostFfn), hidden)?,
    })
}

/// The one feed-forward network of a block.
fn network<M: Model>(
    model: M,
    claims: &mut Claims<'_>,
    folds: &Folds<M>,
    block: usize,
) -> Result<SwiGlu<M>, LoadError> {
    let (hidden, ffn, of_stream) = (Hidden::of(model), Ffn::of(model), folds.hidden.as_ref());
    Ok(SwiGlu {
        gating: Gating::new(ffn, claims.config().graph().gate_activation),
        gate: folds::linear(claims, (block, Projection::Gate), (Gate::of(ffn), hidden), of_stream)?,
        up: folds::linear(claims, (block, Projection::Up), (ffn, hidden), of_stream)?,
        sub_norm: sub_norm(claims, Role::Norm(block, BlockNorm::FfnSub), ffn)?,
        down: folds::linear(claims, (block, Projection::Down), (Branch::of(hidden), ffn), folds.ffn.as_ref())?,
    })
}

/// The experts of a block, and what sends tokens to them.
fn mixture<M: Model>(model: M, claims: &mut Claims<'_>, block: usize) -> Result<MixtureOfExperts<M>, LoadError> {
    let (hidden, ffn, experts) = (Hidden::of(model), Ffn::of(model), Experts::of(model));
    let (of_stream, of_network) = (Normed::of(hidden), Normed::of(ffn));
    let router = folds::linear(claims, (block, Projection::Router), (experts, hidden), None)?;
    let gates = claims.experts((block, Projection::ExpertGate), experts, (Gate::of(ffn), of_stream))?;
    let ups = claims.experts((block, Projection::ExpertUp), experts, (ffn, of_stream))?;
    let downs = claims.experts((block, Projection::ExpertDown), experts, (Branch::of(hidden), of_network))?;
    let gating = Gating::new(ffn, claims.config().graph().gate_activation);
    let gating = match claims.config().gate_limit(block) {
        Some(limit) => gating.with_limit(limit),
        None => gating,
    };
    let network = |expert: Idx<Experts<M>>| SwiGlu {
        gating,
        gate: Linear::clone(&gates[expert]),
        up: Linear::clone(&ups[expert]),
        sub_norm: SubNorm::None(NoNorm::of::<NoSubNorms>()),
        down: Linear::clone(&downs[expert]),
    };
    let used = UsedExperts::of(model);
    Ok(MixtureOfExperts { router, used, experts: PerLayer::from_fn(experts, network) })
}

/// The norm of a branch, where the graph has it.
fn branch_norm<R: NormRole, A: Plain>(
    claims: &mut Claims<'_>,
    role: Role,
    axis: A,
) -> Result<Option<RmsNorm<R, A>>, LoadError> {
    match claims.config().graph().branch_norms {
        true => claims.norm(role, axis).map(Some),
        false => Ok(None),
    }
}

fn sub_norm<R: NormRole, A: Plain>(claims: &mut Claims<'_>, role: Role, axis: A) -> Result<SubNorm<R, A>, LoadError>
where
    NoSubNorms: LacksNorm<R>,
{
    match claims.config().graph().sub_norms {
        true => Ok(SubNorm::RmsNorm(claims.norm(role, axis)?)),
        false => Ok(SubNorm::None(NoNorm::of::<NoSubNorms>())),
    }
}
