//! The parts of a forward pass, for those who watch one: tracing values, measuring time.
//!
//! What belongs here: which parts there are, and their names. What does not: what is done with them.

use crate::description::{BlockNorm, Projection};
use std::fmt;

/// A part of the forward pass whose result can be seen. [`Display`](fmt::Display) gives its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Rows of the embedding: `[Hidden]` for each position, as every shape here.
    Embedding,
    /// A norm of a block.
    Norm(BlockNorm),
    /// The product with a matrix of a block.
    Matrix(Projection),
    /// Rotated queries: `[Heads, HeadDim]`.
    QueryRope,
    /// Rotated keys: `[KvHeads, HeadDim]`.
    KeyRope,
    /// The output of attention, `[Heads, HeadDim]`; keys and values were stored in the cache before.
    Attention,
    /// The output of attention times its gate: `[QWidth]`.
    AttentionGated,
    /// Queries, keys and values of the delta rule, convolved: `[DeltaChannels]`.
    Convolution,
    /// What the heads of the delta rule read: `[DeltaHeads, DeltaValue]`; their states are those behind it.
    DeltaRule,
    /// The residual stream after attention: `[Hidden]`.
    Residual,
    /// The gate's activation times what it gates: `[Ffn]`.
    Gated,
    /// The probabilities of the experts: `[Experts]`.
    Routing,
    /// The rows that go to one expert: `[Hidden]` for each of its tokens, once for each expert that has some. So are
    /// the parts of the network of an expert.
    Routed,
    /// What all experts make of a token, added up: `[Hidden]`.
    Experts,
    /// The residual stream after the feed-forward network, which is the output of the block: `[Hidden]`.
    Output,
    /// The norm before the head.
    OutputNorm,
    /// The product with the head: `[Vocab]`.
    Logits,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Embedding => "embedding",
            Part::Norm(norm) => norm.stem(),
            Part::Matrix(projection) => projection.stem(),
            Part::QueryRope => "attn_q_rope",
            Part::KeyRope => "attn_k_rope",
            Part::Attention => "attention",
            Part::AttentionGated => "attention_gated",
            Part::Convolution => "ssm_conv1d",
            Part::DeltaRule => "delta_rule",
            Part::Residual => "residual",
            Part::Gated => "ffn_product",
            Part::Routing => "ffn_routing",
            Part::Routed => "ffn_routed",
            Part::Experts => "ffn_experts",
            Part::Output => "output",
            Part::OutputNorm => "output_norm",
            Part::Logits => "logits",
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{LoadOptions, LogitsRequest, Session, Synthetic, load};
    use std::num::NonZeroUsize;
    use trine_kernels::{CacheType, CpuOptions};
    use trine_ops::Cpu;
    use trine_shapes::Dyn;

    /// A name, and values of a position.
    const BLOCK: [(&str, usize); 17] = [
        ("attn_norm", 512),
        ("attn_q", 768),
        ("attn_k", 384),
        ("attn_v", 384),
        ("attn_q_rope", 768),
        ("attn_k_rope", 384),
        ("attention", 768),
        ("attn_sub_norm", 768),
        ("attn_output", 512),
        ("residual", 512),
        ("ffn_norm", 512),
        ("ffn_gate", 768),
        ("ffn_up", 768),
        ("ffn_product", 768),
        ("ffn_sub_norm", 768),
        ("ffn_down", 512),
        ("output", 512),
    ];

    #[test]
    fn every_part_is_seen_in_order_and_logits_stay_the_same() {
        let synthetic = Synthetic::tiny();
        let file = synthetic.gguf().unwrap();
        let cpu = Cpu::new(CpuOptions { threads: NonZeroUsize::new(2), isa: None }).unwrap();
        Dyn::scope(synthetic.config.dims, |model| {
            let transformer = load(model, &file, &cpu, &LoadOptions::default()).unwrap().transformer;
            let session = || Session::new(&transformer, &cpu, 8, CacheType::F32).unwrap();
            let (mut seen, mut last) = (Vec::new(), Vec::new());
            let tokens = session().tokens_of(&[7, 30, 999]).unwrap();
            let logits = session().feed_watched(&tokens, LogitsRequest::All, &mut |block, part, values| {
                seen.push((block, part.to_string(), values.len()));
                last = values.to_vec();
            });
            let logits = logits.unwrap().into_dense();
            assert_eq!((&logits, &logits[..]), (&last, session().feed(&tokens).unwrap().data()));
            let mut expected = vec![(None, "embedding".to_owned(), 3 * 512)];
            for block in 0..2 {
                expected.extend(BLOCK.map(|(name, len)| (Some(block), name.to_owned(), 3 * len)));
            }
            // The head has the last position alone.
            expected.extend([("output_norm", 512), ("logits", 1000)].map(|(name, len)| (None, name.to_owned(), len)));
            assert_eq!(seen, expected);
        });
    }
}
