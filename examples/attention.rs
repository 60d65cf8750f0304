//! Typed tensors without a model file: one attention of a model whose dimensions are in the source.

use trine::ops::{KvPool, KvSequence, Rope};
use trine::prelude::*;
use trine::shapes::{AttentionLayers, HeadDim, KvHeads, KvWidth, QWidth, RopePairing, Value};

static_model! {
    /// Six query heads over two key/value heads.
    struct Small { vocab: 100, hidden: 48, ffn: 80, heads: 6, kv_heads: 2, head_dim: 16, attention_layers: 1 }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cpu = Cpu::new(CpuOptions::default())?;
    let (heads, head) = (KvHeads::of(Small), HeadDim::of(Small));
    let rope = Rope::new(head, RopePairing::NeoX, 10_000.0, &[1.0; 8], 64);
    // Memory for one sequence of up to 256 positions, in the one layer that there is.
    let pool = KvPool::new(AttentionLayers::of(Small), heads, head, 1, CacheType::F32)?;
    let layer = Idx::new(AttentionLayers::of(Small), 0)?;
    let mut sequence = pool.sequence();

    let width = KvSequence::step(vec![&mut sequence], &[5], |mut caches| {
        let step = caches.axis();
        let wave = |i: usize| (i as f32 * 0.37).sin();
        let q = Tensor::from_fn((step, QWidth::of(Small)), wave);
        let k = Tensor::from_fn((step, KvWidth::of(Small)), wave);
        let v = Tensor::from_fn((step, heads, Value::of(head)), wave);
        let (q, k) = (cpu.rope(q.split(), &rope), cpu.rope(k.split(), &rope));
        let cached = caches.layer(layer).append(k.view(), v.view());
        let merged: Tensor<f32, (_, QWidth<Small>)> = cpu.attention(q.view(), &cached).merge();
        caches.commit();
        merged.shape().1.len()
    })?;
    println!("5 positions of {width} values, with no check after the types");
    Ok(())
}
