//! Typed tensors without a model file: one attention of a model whose dimensions are in the source.

use trine::prelude::*;

static_model! {
    /// Six query heads over two key/value heads.
    struct Small { vocab: 100, hidden: 48, ffn: 80, heads: 6, kv_heads: 2, head_dim: 16 }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cpu = Cpu::new(CpuOptions::default())?;
    let (heads, head) = (KvHeads::of(Small), HeadDim::of(Small));
    let rope = Rope::new(head, RopePairing::NeoX, 10_000.0, &[1.0; 8], 64);
    let mut keys = CacheBuffer::keys(Fixed::<1>, heads, head, 64, CacheType::F32)?;
    let mut values = CacheBuffer::values(Fixed::<1>, heads, head, 64, CacheType::F32)?;

    let width = Seq::scope(5, |seq| {
        let at = Plus(Fixed::<0>, seq);
        let wave = |i: usize| (i as f32 * 0.37).sin();
        let q: Tensor<f32, (Fixed<1>, Seq<'_>, QWidth<Small>)> = Tensor::from_fn((Fixed, seq, QWidth::of(Small)), wave);
        let k: Tensor<f32, (Fixed<1>, Seq<'_>, KvWidth<Small>)> =
            Tensor::from_fn((Fixed, seq, KvWidth::of(Small)), wave);
        let v: Tensor<f32, (Fixed<1>, Seq<'_>, KvHeads<Small>, Value<HeadDim<Small>>)> =
            Tensor::from_fn((Fixed, seq, heads, Value::of(head)), wave);
        let (q, k) = (cpu.rope(q.split(), &rope, at), cpu.rope(k.split(), &rope, at));
        let attended = cpu.attention(q.view(), keys.append(k.view(), at), values.append(v.view(), at));
        let merged: Tensor<f32, (Fixed<1>, Seq<'_>, QWidth<Small>)> = attended.merge();
        merged.shape().2.len()
    });
    println!("5 positions of {width} values, with no check after the types");
    Ok(())
}
