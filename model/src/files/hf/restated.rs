//! Small tensors of hybrid models in the form that GGUF files have them in, which is the one that is computed with.
//!
//! Gains of norms are stored as what is added to 1, decays as logarithms, and a convolution has an axis of one index.
//! What belongs here: these. What does not: matrices, which stay as they are.

use super::{Encoding, SourceTensor};
use crate::description::{BlockNorm, BlockNumbers, Role};
use bytes::Bytes;
use half::{bf16, f16};
use trine_loader::TensorType;

/// The tensor as GGUF files have it, where its values can be read.
pub(super) fn tensor(tensor: SourceTensor) -> SourceTensor {
    match tensor.role {
        // The norm in front of the output of the delta rule has its gains as they are.
        Some(Role::Norm(_, norm)) if norm != BlockNorm::Delta => restated(tensor, |gain| 1.0 + gain),
        Some(Role::OutputNorm) => restated(tensor, |gain| 1.0 + gain),
        Some(Role::Numbers(_, BlockNumbers::Decay)) => restated(tensor, |log| -(f64::from(log).exp()) as f32),
        Some(Role::Numbers(_, BlockNumbers::Convolution)) => match tensor.dims[..] {
            [channels, 1, taps] => SourceTensor { dims: vec![channels, taps], ..tensor },
            _ => tensor,
        },
        _ => tensor,
    }
}

fn restated(tensor: SourceTensor, f: impl Fn(f32) -> f32) -> SourceTensor {
    let Some(values) = values(&tensor) else { return tensor };
    let bytes: Bytes = values.into_iter().map(f).flat_map(f32::to_le_bytes).collect();
    SourceTensor { encoding: Encoding::Plain(TensorType::F32), bytes, ..tensor }
}

/// The values of floats.
fn values(tensor: &SourceTensor) -> Option<Vec<f32>> {
    let halves = || tensor.bytes.as_chunks::<2>().0.iter();
    match tensor.encoding {
        Encoding::Plain(TensorType::F32) => {
            Some(tensor.bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        }
        Encoding::Plain(TensorType::F16) => Some(halves().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect()),
        Encoding::Plain(TensorType::BF16) => Some(halves().map(|bytes| bf16::from_le_bytes(*bytes).to_f32()).collect()),
        _ => None,
    }
}
