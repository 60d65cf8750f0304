//! How publishers say that their models are run, where files do not say it.
//!
//! What belongs here: which models, and what is said of them. What does not: what follows from it for one run, which
//! who runs a model decides.

use crate::description::Config;

/// How a publisher runs a model.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Advice {
    /// Who says so.
    pub publisher: &'static str,
    /// [`SamplerOptions::temperature`](crate::SamplerOptions::temperature).
    pub temperature: f32,
    /// [`SamplerOptions::top_k`](crate::SamplerOptions::top_k).
    pub top_k: usize,
    /// [`SamplerOptions::top_p`](crate::SamplerOptions::top_p).
    pub top_p: f32,
    /// [`SamplerOptions::min_p`](crate::SamplerOptions::min_p).
    pub min_p: f32,
    /// Whether answers begin with a thought: what templates know as `enable_thinking`.
    pub thinking: bool,
}

/// PrismML's Bonsai and Ternary-Bonsai of 1.7, 4 and 8 billion weights, which ramble where they think.
///
/// Source: the model cards.
const BONSAI: Advice =
    Advice { publisher: "PrismML", temperature: 0.5, top_k: 20, top_p: 0.85, min_p: 0.0, thinking: false };

impl Advice {
    /// What is said of a model, by its name: `general.name` of a GGUF file, `_name_or_path` of a `config.json`.
    pub fn of(config: &Config) -> Option<Advice> {
        let name = config.name.as_deref()?.to_ascii_lowercase();
        (name.contains("bonsai") && config.architecture.name() == "qwen3").then_some(BONSAI)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Synthetic;

    #[test]
    fn advice_is_for_the_models_of_the_publisher() {
        let named = |config: &Config, name: &str| Config { name: Some(name.to_owned()), ..config.clone() };
        let (qwen3, bitnet) = (Synthetic::bonsai_8b().config, Synthetic::tiny().config);
        assert_eq!(Advice::of(&named(&qwen3, "Ternary-Bonsai-8B")), Some(BONSAI));
        assert_eq!(Advice::of(&named(&qwen3, "prism-ml/Ternary-Bonsai-1.7B-unpacked")), Some(BONSAI));
        assert_eq!(Advice::of(&named(&qwen3, "Qwen3-8B")), None);
        assert_eq!(Advice::of(&named(&bitnet, "Bonsai")), None);
        assert_eq!(Advice::of(&Config { name: None, ..qwen3 }), None);
    }
}
