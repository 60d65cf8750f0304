//! A GGUF file as a source.
//!
//! What belongs here: what a GGUF file answers. What does not: its bytes (`trine-loader`), and its keys as a
//! [`Config`].

use super::entries::is_unread_of_gguf;
use super::{Container, Encoding, Source, SourceTensor};
#[cfg(feature = "text")]
use super::{Description, DescriptionError};
use crate::description::{Architecture, Config, ConfigError, Role};
#[cfg(feature = "tools")]
use sha2::{Digest, Sha256};
use std::sync::Arc;
use trine_loader::{Gguf, TensorInfo, TypeLayout, Value};
#[cfg(feature = "text")]
use trine_text::{ChatError, ChatTemplate, Tokenizer, TokenizerError, TokenizerOptions};

/// The SHA-256 of a model file in lower case; of a split model, that of its files one after the other.
#[cfg(feature = "tools")]
pub fn sha256(file: &Gguf) -> String {
    let mut hasher = Sha256::new();
    (0..file.files()).for_each(|index| hasher.update(file.file_bytes(index)));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Source for Gguf {
    fn label(&self) -> &str {
        Gguf::label(self)
    }

    fn container(&self) -> Container {
        Container::Gguf { version: self.version(), alignment: self.alignment() }
    }

    fn bytes(&self) -> u64 {
        self.file_len()
    }

    fn entries(&self) -> Vec<(String, Value)> {
        self.metadata().iter().map(|(key, value)| (key.to_owned(), value.clone())).collect()
    }

    fn unread_entries(&self) -> Vec<String> {
        let Some(Value::String(architecture)) = self.metadata().get("general.architecture") else {
            return Vec::new();
        };
        let of_architecture =
            |key: &str| key.strip_prefix(architecture.as_str())?.strip_prefix('.').map(is_unread_of_gguf);
        let keys = self.metadata().iter().map(|(key, _)| key);
        keys.filter(|key| of_architecture(key) == Some(true)).map(str::to_owned).collect()
    }

    fn config(&self) -> Result<Config, ConfigError> {
        Config::from_gguf(self)
    }

    fn has_vocabulary(&self) -> bool {
        // llama.cpp's word for a model without one.
        match self.metadata().get("tokenizer.ggml.model") {
            Some(model) => *model != Value::from("none"),
            // Half of one is a damaged one.
            None => self.metadata().get("tokenizer.ggml.tokens").is_some(),
        }
    }

    #[cfg(feature = "text")]
    fn tokenizer(&self, options: &TokenizerOptions) -> Result<Tokenizer, TokenizerError> {
        Tokenizer::from_gguf(self, options)
    }

    #[cfg(feature = "text")]
    fn description(&self, _: &TokenizerOptions) -> Result<Description, DescriptionError> {
        let (version, metadata) = (self.version(), self.entries());
        let warnings = Vec::new();
        Ok(Description { version, metadata, divisors: None, interleave: None, vocabulary: None, warnings })
    }

    #[cfg(feature = "text")]
    fn chat_template(&self, tokenizer: &Tokenizer) -> Result<ChatTemplate, ChatError> {
        ChatTemplate::from_gguf(self, tokenizer)
    }

    #[cfg(feature = "tools")]
    fn sha256(&self) -> Option<String> {
        Some(sha256(self))
    }

    fn tensor_name(&self, role: Role) -> String {
        match Source::config(self) {
            Ok(config) => role.gguf_name(&config.graph()),
            Err(_) => role.to_string(),
        }
    }

    fn layouts(&self) -> &[TypeLayout] {
        Gguf::layouts(self)
    }

    fn tensors(&self) -> Vec<SourceTensor> {
        let architecture = self.metadata().opt_str("general.architecture").ok().flatten();
        let architecture = architecture.and_then(Architecture::from_name).unwrap_or(Architecture::Llama);
        let graph = architecture.graph();
        let tensor = |info: &TensorInfo| SourceTensor {
            name: info.name.clone(),
            role: Role::from_name(&info.name, &graph),
            dims: info.ne.row_major(),
            encoding: Encoding::Plain(info.kind),
            file: Arc::from(self.label_of(info)),
            offset: info.offset,
            bytes: Gguf::bytes(self, info),
            groups: None,
            parts: None,
        };
        Gguf::tensors(self).iter().map(tensor).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Synthetic;

    #[test]
    fn the_digest_is_that_of_the_file() {
        let file = Gguf::from_bytes("empty", {
            let mut bytes = b"GGUF\x03\0\0\0".to_vec();
            bytes.extend([0; 16]);
            bytes.into()
        })
        .unwrap();
        // printf 'GGUF\3\0\0\0' and sixteen zeros | sha256sum
        assert_eq!(sha256(&file), EMPTY_FILE);
        assert_ne!(sha256(&Synthetic::tiny().gguf().unwrap()), EMPTY_FILE);
    }

    const EMPTY_FILE: &str = "a4e5e156ddec27e286f75328784d7106b60a4eb1d246e950a001a3f944fbda99";
}
