//! Adapters in GGUF files, as llama.cpp's `convert_lora_to_gguf.py` writes them.

use super::{Adapter, AdapterError, Which, pairs};
use crate::description::{Architecture, ConfigError, Role};
use crate::files::{Source, SourceTensor};
use trine_loader::{Gguf, Value};
use trine_shapes::RopePairing;

/// What multiplies an adapter's products, times its rank.
const ALPHA: &str = "adapter.lora.alpha";

/// The adapter that a GGUF file holds. Its factors are `blk.N.NAME.weight.lora_a` and `.lora_b`, their scale
/// `adapter.lora.alpha / rank`, or 1 where alpha is 0 or not said: `llama_adapter_lora_weight::get_scale` of llama.cpp.
pub(super) fn of_file(file: &Gguf) -> Result<Adapter, AdapterError> {
    let label = file.label();
    let text = |key: &str| match file.metadata().get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(_) => "no text".to_owned(),
        None => "missing".to_owned(),
    };
    for (key, expected) in [("general.type", "adapter"), ("adapter.type", "lora")] {
        let found = text(key);
        if found != expected {
            return Err(ConfigError::value(label, key, found, expected).into());
        }
    }
    // Activated adapters begin at tokens of their own.
    if let Some((key, _)) = file.metadata().iter().find(|(key, _)| key.starts_with("adapter.alora.")) {
        return Err(ConfigError::unsupported(label, key, "given").into());
    }
    let architecture = text("general.architecture");
    let alpha = file.metadata().optional::<f32>(ALPHA)?.unwrap_or(0.0);
    if !alpha.is_finite() {
        return Err(ConfigError::value(label, ALPHA, alpha, "a finite number").into());
    }
    let scale = |_: &SourceTensor, rank: usize| Ok(if alpha == 0.0 { 1.0 } else { alpha / rank as f32 });
    let graph = Architecture::from_name(&architecture).map(Architecture::graph);
    let of_names = graph.unwrap_or(Architecture::Llama.graph());
    let which = |tensor: &SourceTensor| {
        let (matrix, which) = match tensor.name.rsplit_once('.')? {
            (matrix, "lora_a") => (matrix, Which::Down),
            (matrix, "lora_b") => (matrix, Which::Up),
            _ => return None,
        };
        Some((Role::from_name(matrix, &of_names)?, which))
    };
    let factors = pairs(label, Source::tensors(file), which, scale)?;
    let pairing = graph.map_or(RopePairing::NeoX, |graph| graph.rope_pairing);
    Ok(Adapter { label: label.to_owned(), architecture: Some(architecture), pairing, factors, strength: 1.0 })
}
