//! Typed tensors without a model file: one attention of a model whose dimensions are in the source.

use std::error::Error;
use trine::kernels::PackingKind;
use trine::ops::{Activations, KvPool, KvSequence, Rope};
use trine::prelude::*;
use trine::shapes::{AttentionLayers, HeadDim, KvHeads, KvWidth, Made, QWidth, RopePairing, Value};

static_model! {
    /// Six query heads over two key/value heads.
    struct Small { vocab: 100, hidden: 48, ffn: 80, heads: 6, kv_heads: 2, head_dim: 16, attention_layers: 1 }
}

fn wave(i: usize) -> f32 {
    (i as f32 * 0.37).sin()
}

/// Weights that a training would give.
fn weights<O: Made, I: Axis>(out: O, input: I) -> Result<Weight<Matrix, O, I>, Box<dyn Error>> {
    let bytes: Vec<u8> = (0..out.len() * input.len()).flat_map(|i| wave(i).to_le_bytes()).collect();
    let matrix = Matrix::new(PackingKind::F32, out.len(), input.len(), bytes.into())?;
    Ok(Weight::check("weights", matrix, (out, input))?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let cpu = Cpu::new(CpuOptions::default())?;
    let (hidden, heads, head) = (Hidden::of(Small), KvHeads::of(Small), HeadDim::of(Small));
    let query = weights(QWidth::of(Small), hidden)?;
    let key = weights(KvWidth::of(Small), hidden)?;
    let value = weights(Value::of(KvWidth::of(Small)), hidden)?;
    let rope = Rope::new(head, RopePairing::NeoX, 10_000.0, &[1.0; 8], 64);
    // Memory for one sequence of up to 256 positions, in the one layer that there is.
    let pool = KvPool::new(AttentionLayers::of(Small), heads, head, 1, CacheType::F32)?;
    let layer = Idx::new(AttentionLayers::of(Small), 0)?;
    let mut sequence = pool.sequence();

    // The sequence makes the step: five tokens behind as many positions as it has.
    let width = KvSequence::step(vec![&mut sequence], &[5], |mut caches| {
        let rows: Vec<f32> = (0..5 * 48).map(wave).collect();
        let x = Tensor::of_sequence_rows("x", caches.axis(), hidden, &[&rows])?;
        let x = Activations::new(x);
        let q = cpu.rope(cpu.linear(&x, &query).split(), &rope);
        let k = cpu.rope(cpu.linear(&x, &key).split(), &rope);
        let v = cpu.linear(&x, &value).split();
        let cached = caches.layer(layer).append(k.view(), v.view());
        let merged: Tensor<f32, (_, QWidth<Small>)> = cpu.attention(q.view(), &cached).merge();
        caches.commit();
        Ok::<usize, trine::shapes::ShapeError>(merged.shape().1.len())
    })??;
    println!("5 positions of {width} values, with no check after the types");
    Ok(())
}
