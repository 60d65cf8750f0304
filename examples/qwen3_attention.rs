//! Attention as Qwen3 has it: grouped heads are normalised, rotated and cached, for prompts and a token behind each.

use trine::ops::{Activations, KvLayer, KvPool, KvSequence, RmsNorm, Rope};
use trine::prelude::*;
use trine::shapes::{AttentionLayers, AttnNorm, Branch, HeadDim, KeyNorm, KvHeads, KvWidth, Normed, QWidth, QueryNorm};
use trine::shapes::{Fixed, RopePairing, Value};

static_model! {
    pub(crate) struct Small { vocab: 100, hidden: 20, ffn: 24, heads: 6, kv_heads: 2, head_dim: 8, attention_layers: 1 }
}
axis! { pub(crate) struct Texts = 3; pub(crate) struct Prompt = 5; }
type Of<T, A> = Tensor<f32, (T, A)>;
type Stream<S> = Tensor<f32, (Texts, S, Hidden<Small>)>;
type Normal<M> = Normed<AttnNorm, Hidden<M>>;
type Layer<'l, 'c, T, M> = KvLayer<'l, 'c, T, AttentionLayers<M>, KvHeads<M>, HeadDim<M>>;

struct Attention<M> {
    norm: RmsNorm<AttnNorm, Hidden<M>>,
    query: Weight<Matrix, QWidth<M>, Normal<M>>,
    key: Weight<Matrix, KvWidth<M>, Normal<M>>,
    value: Weight<Matrix, Value<KvWidth<M>>, Normal<M>>,
    query_norm: RmsNorm<QueryNorm, HeadDim<M>>,
    key_norm: RmsNorm<KeyNorm, HeadDim<M>>,
    rope: Rope<HeadDim<M>>,
    output: Weight<Matrix, Branch<Hidden<M>>, QWidth<M>>,
}

impl<M: Model> Attention<M> {
    fn new(model: M) -> Self {
        let (hidden, head, normal) = (Hidden::of(model), HeadDim::of(model), Normed::of(Hidden::of(model)));
        Attention {
            norm: RmsNorm::new(Tensor::from_fn((hidden,), wave(1)), 1e-6),
            query: Weight::from_fn((QWidth::of(model), normal), wave(2)),
            key: Weight::from_fn((KvWidth::of(model), normal), wave(3)),
            value: Weight::from_fn((Value::of(KvWidth::of(model)), normal), wave(4)),
            query_norm: RmsNorm::new(Tensor::from_fn((head,), wave(5)), 1e-6),
            key_norm: RmsNorm::new(Tensor::from_fn((head,), wave(6)), 1e-6),
            rope: Rope::new(head, RopePairing::NeoX, 1e6, &[1.0; 4], 16),
            output: Weight::from_fn((Branch::of(hidden), QWidth::of(model)), wave(7)),
        }
    }

    fn apply<T: Step>(&self, cpu: &Cpu, x: Of<T, Hidden<M>>, cache: Layer<T, M>) -> Of<T, Hidden<M>> {
        let (h, residual) = cpu.pre_norm(x, &self.norm);
        let h = Activations::new(h);
        let q = cpu.head_norm(cpu.linear(&h, &self.query).split(), &self.query_norm);
        let k = cpu.head_norm(cpu.linear(&h, &self.key).split(), &self.key_norm);
        let (q, k) = (cpu.rope(q, &self.rope), cpu.rope(k, &self.rope));
        let cached = cache.append(k.view(), cpu.linear(&h, &self.value).split().view());
        let attended = cpu.attention(q.view(), &cached).merge();
        cpu.add_branch(residual, cpu.linear(&Activations::new(attended), &self.output))
    }
}

fn wave(seed: usize) -> impl Fn(usize) -> f32 {
    move |i| ((0.37 * (i * i) as f64 + seed as f64).sin() / 2.0) as f32
}

/// The streams of three prompts, and those of the token behind each.
pub(crate) fn example(cpu: &Cpu) -> Result<(Stream<Prompt>, Stream<Fixed<1>>), Box<dyn std::error::Error>> {
    let (attention, layers, heads) = (Attention::new(Small), AttentionLayers::of(Small), KvHeads::of(Small));
    let pool = KvPool::new(layers, heads, HeadDim::of(Small), Texts.len(), CacheType::F32)?;
    let (layer, mut texts) = (Idx::new(layers, 0)?, Idx::all(Texts).map(|_| pool.sequence()).collect::<Vec<_>>());
    let prompt = KvSequence::step_of_batch(texts.iter_mut().collect(), Texts, Prompt, |mut caches| {
        let x = Tensor::from_fn((Texts, Prompt, Hidden::of(Small)), wave(8)).in_step(caches.axis());
        let y = attention.apply(cpu, x, caches.layer(layer)).batched();
        caches.commit();
        y
    })?;
    let next = KvSequence::step_of_batch(texts.iter_mut().collect(), Texts, Fixed::<1>, |mut caches| {
        let x = Tensor::from_fn((Texts, Fixed::<1>, Hidden::of(Small)), wave(9)).in_step(caches.axis());
        attention.apply(cpu, x, caches.layer(layer)).batched()
    })?;
    Ok((prompt, next))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    example(&Cpu::new(CpuOptions::default())?).map(|(_, next)| println!("{:?}", next.view()))
}
