//! The rows of the schema agree with each other and with the types of the weights that tensors become.

use super::*;
use crate::description::Role;
use crate::network::{
    Attention, Block, DeltaNet, FeedForward, Mixer, MixtureOfExperts, Queries, SubNorm, SwiGlu, Transformer,
};
use crate::{Architecture, Graph, LoadOptions, Synthetic, load};
use std::collections::{HashMap, HashSet};
use trine_kernels::{CpuOptions, Matrix};
use trine_ops::{Cpu, Embedding, RmsNorm, Weight};
use trine_shapes::{Axis, Dims, Dyn, Made, Model, NormRole, Normed};

#[test]
fn names_are_of_one_tensor() {
    let mut slots = HashSet::new();
    for entry in entries() {
        assert!(slots.insert(entry.slot), "{}", entry.gguf);
        assert_eq!(entry.slot.entry().gguf, entry.gguf);
    }
    for graph in Architecture::ALL.map(Architecture::graph) {
        let (mut gguf, mut hf) = (HashSet::new(), HashSet::new());
        for entry in entries().filter(|entry| (entry.presence)(&graph) != Presence::Absent) {
            assert!(gguf.insert(entry.gguf_in(&graph)), "{}", entry.gguf);
            assert!(entry.hf_in(&graph).iter().all(|name| hf.insert(*name)), "{}", entry.gguf);
        }
    }
}

#[test]
fn matrices_are_as_wide_as_their_input() {
    // The norm before the output of the delta rule is one of each head.
    let output = DeltaOutput;
    assert_eq!((Slot::Matrix(output).entry().axes[1], output.input()), (DeltaWidth, BlockNorm::Delta));
    for matrix in Projection::all().filter(|matrix| *matrix != output) {
        let (axes, of_experts) = (Slot::Matrix(matrix).entry().axes, usize::from(matrix.is_of_experts()));
        assert_eq!(axes[1 + of_experts..], *Slot::Norm(matrix.input()).entry().axes, "{matrix:?}");
    }
    use Projection::{
        AttnOutput, DeltaAlpha, DeltaBeta, DeltaGate, DeltaInput, DeltaOutput, Down, ExpertDown, ExpertGate, ExpertUp,
        Gate, Key, Query, Router, Up, Value,
    };
    let of_stream = vec![Query, Key, Value, DeltaInput, DeltaGate, DeltaAlpha, DeltaBeta];
    let of_network = vec![Gate, Up, Router, ExpertGate, ExpertUp];
    let others = [vec![AttnOutput], vec![DeltaOutput], of_network, vec![Down, ExpertDown]];
    assert_eq!(shared_inputs(), [vec![of_stream], others.to_vec()].concat());
}

/// What the type of a weight says: its axes, and the norm that it belongs to or whose output it multiplies.
#[derive(Debug, PartialEq)]
struct Typed {
    axes: Vec<(&'static str, usize)>,
    norm: Option<&'static str>,
}

fn axis<A: Axis>(axis: A) -> (&'static str, usize) {
    (A::NAME, axis.len())
}

fn table<V: Axis, H: Axis>(table: &Embedding<Matrix, V, H>) -> Typed {
    Typed { axes: vec![axis(table.vocab()), axis(table.hidden())], norm: None }
}

fn matrix<O: Made, R: NormRole, I: Axis>(weight: &Weight<Matrix, O, Normed<R, I>>) -> Typed {
    Typed { axes: vec![axis(weight.out()), axis(weight.input())], norm: Some(R::NAME) }
}

fn gains<R: NormRole, A: Axis>(norm: &RmsNorm<R, A>) -> Typed {
    let (width,) = norm.gain().shape();
    Typed { axes: vec![axis(width)], norm: Some(R::NAME) }
}

fn sub_gains<R: NormRole, A: Axis>(norm: &SubNorm<R, A>) -> Option<Typed> {
    match norm {
        SubNorm::RmsNorm(norm) => Some(gains(norm)),
        SubNorm::None(_) => None,
    }
}

fn of_norm(norm: BlockNorm, typed: Option<Typed>) -> (Slot, Option<Typed>) {
    (Slot::Norm(norm), typed)
}

fn of_matrix(matrix: Projection, typed: Typed) -> (Slot, Option<Typed>) {
    (Slot::Matrix(matrix), Some(typed))
}

fn of_attention<M: Model>(attention: &Attention<M>) -> Vec<(Slot, Option<Typed>)> {
    let queries = match &attention.query {
        Queries::Plain(linear) => matrix(linear),
        Queries::Gated(linear) => matrix(linear),
    };
    vec![
        of_matrix(Projection::Query, queries),
        of_matrix(Projection::Key, matrix(&attention.key)),
        of_matrix(Projection::Value, matrix(&attention.value)),
        of_norm(BlockNorm::Query, attention.qk_norm.as_ref().map(|norms| gains(&norms.query))),
        of_norm(BlockNorm::Key, attention.qk_norm.as_ref().map(|norms| gains(&norms.key))),
        of_norm(BlockNorm::AttnSub, sub_gains(&attention.sub_norm)),
        of_matrix(Projection::AttnOutput, matrix(&attention.output)),
    ]
}

fn of_delta_rule<M: Model>(rule: &DeltaNet<M>) -> Vec<(Slot, Option<Typed>)> {
    let numbers = |numbers, axes| (Slot::Numbers(numbers), Some(Typed { axes, norm: None }));
    let (channels, taps) = rule.taps.shape();
    vec![
        of_matrix(Projection::DeltaInput, matrix(&rule.input)),
        of_matrix(Projection::DeltaGate, matrix(&rule.gate)),
        of_matrix(Projection::DeltaAlpha, matrix(&rule.alpha)),
        of_matrix(Projection::DeltaBeta, matrix(&rule.beta)),
        numbers(BlockNumbers::Convolution, vec![axis(channels), axis(taps)]),
        numbers(BlockNumbers::Decay, vec![axis(rule.rates.decay().shape().0)]),
        numbers(BlockNumbers::TimeStep, vec![axis(rule.rates.step().shape().0)]),
        of_norm(BlockNorm::Delta, Some(gains(&rule.norm))),
        of_matrix(Projection::DeltaOutput, matrix(&rule.output)),
    ]
}

fn of_network<M: Model>(network: &SwiGlu<M>) -> Vec<(Slot, Option<Typed>)> {
    vec![
        of_matrix(Projection::Gate, matrix(&network.gate)),
        of_matrix(Projection::Up, matrix(&network.up)),
        of_norm(BlockNorm::FfnSub, sub_gains(&network.sub_norm)),
        of_matrix(Projection::Down, matrix(&network.down)),
    ]
}

fn of_mixture<M: Model>(mixture: &MixtureOfExperts<M>) -> Vec<(Slot, Option<Typed>)> {
    let experts = axis(mixture.router.out());
    let of_each = |typed: Typed| Typed { axes: [vec![experts], typed.axes].concat(), ..typed };
    let network = mixture.experts.iter().next().expect("an expert");
    assert_eq!(mixture.experts.iter().count(), experts.1);
    vec![
        of_matrix(Projection::Router, matrix(&mixture.router)),
        of_matrix(Projection::ExpertGate, of_each(matrix(&network.gate))),
        of_matrix(Projection::ExpertUp, of_each(matrix(&network.up))),
        of_matrix(Projection::ExpertDown, of_each(matrix(&network.down))),
    ]
}

fn block<M: Model>(transformer: &Transformer<M>, block: &Block<M>) -> impl Iterator<Item = (Slot, Typed)> + use<M> {
    let Block { mixer, feed_forward, .. } = block;
    let mut all = match mixer {
        Mixer::Attention(layer) => of_attention(&transformer.attention[*layer]),
        Mixer::Recurrent(layer) => of_delta_rule(&transformer.recurrent[*layer]),
    };
    all.extend([
        of_norm(BlockNorm::Attn, Some(gains(&block.attn_norm))),
        of_norm(BlockNorm::PostAttn, block.post_attn_norm.as_ref().map(gains)),
        of_norm(BlockNorm::PostFfn, block.post_ffn_norm.as_ref().map(gains)),
        of_norm(BlockNorm::Ffn, Some(gains(&block.ffn_norm))),
    ]);
    all.extend(match feed_forward {
        FeedForward::Dense(network) => of_network(network),
        FeedForward::Experts(mixture) => of_mixture(mixture),
    });
    all.into_iter().filter_map(|(slot, typed)| Some((slot, typed?)))
}

fn typed<M: Model>(transformer: &Transformer<M>) -> HashMap<Slot, Typed> {
    let outside =
        [(Slot::TokenEmbedding, table(&transformer.embedding)), (Slot::OutputNorm, gains(&transformer.output_norm))];
    let blocks = transformer.blocks.iter().flat_map(|of| block(transformer, of));
    outside.into_iter().chain(blocks).collect()
}

/// What the rows say of the tensors that a model of this graph must have.
fn tabulated(graph: &Graph, dims: &Dims) -> HashMap<Slot, Typed> {
    let required = entries().filter(|entry| (entry.presence)(graph) == Presence::Required);
    let typed = |entry: &Entry| Typed {
        axes: entry.axes_in(graph).iter().map(|axis| (axis.name(), axis.len(dims))).collect(),
        norm: match entry.kind {
            Kind::Gains => Some(entry.gguf),
            Kind::Matrix { input, .. } => Some(Slot::Norm(input).entry().gguf),
            Kind::Table | Kind::Numbers => None,
        },
    };
    required.map(|entry| (entry.slot, typed(entry))).collect()
}

#[test]
fn rows_are_what_the_types_of_weights_say() {
    let cpu = Cpu::new(CpuOptions::default()).unwrap();
    for architecture in Architecture::ALL {
        let synthetic = if architecture.graph().hybrid { Synthetic::tiny_hybrid() } else { Synthetic::tiny() };
        let synthetic = synthetic.with_architecture(architecture);
        let (config, graph) = (&synthetic.config, architecture.graph());
        let file = synthetic.gguf().unwrap();
        Dyn::scope(config.dims, |model| {
            let loaded = load(model, &file, &cpu, &LoadOptions::default()).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(typed(&loaded.transformer), tabulated(&graph, &config.dims), "{architecture}");
        });
    }
}

#[test]
fn biases_are_where_the_graph_has_them() {
    let qwen2 = Architecture::Qwen2.graph();
    let is_there = |matrix: &Projection| Role::Matrix(3, *matrix).presence(&qwen2) != Presence::Absent;
    for matrix in Projection::all().filter(is_there) {
        let is_first = [Projection::Query, Projection::Key, Projection::Value].contains(&matrix);
        assert_eq!(Role::Bias(3, matrix).presence(&qwen2), Presence::required_if(is_first));
        assert_eq!(Role::Bias(3, matrix).presence(&Architecture::Llama.graph()), Presence::Optional);
        assert_eq!(Role::Bias(3, matrix).presence(&Architecture::Qwen3.graph()), Presence::Absent);
    }
    // Where there is no such matrix, there is no bias.
    assert_eq!(Role::Bias(3, Projection::DeltaInput).presence(&qwen2), Presence::Absent);
}
