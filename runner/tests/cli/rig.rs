//! Models of a few kilobytes whose next token follows from the last one.
//!
//! The embedding is one-hot, attention and feed-forward network add nothing, and the head has a 1 where a token is
//! followed by another. So `--greedy` walks along a chain that a test chooses.

use std::path::PathBuf;
use tempfile::TempDir;
use trine::loader::{Array, GgufWriter, TensorType, Value};

/// A model in the making.
pub struct Rig {
    tokens: Vec<String>,
    /// As in `tokenizer.ggml.token_type`.
    kinds: Vec<i32>,
    /// The token behind each token; itself where nothing else is said.
    following: Vec<usize>,
    is_sentencepiece: bool,
    /// The token that ends a text.
    pub eos: Option<u32>,
    /// Its chat template.
    pub template: Option<String>,
    /// Positions that it has.
    pub positions: u32,
}

impl Rig {
    /// A byte-level vocabulary of these characters and two exclamation marks, whose union is its one merge.
    pub fn bytes(characters: &str) -> Rig {
        let mut rig = Rig::empty(false);
        ["!", "!!"].iter().for_each(|text| rig.add(text, 1));
        characters.chars().for_each(|character| rig.add(&character.to_string(), 1));
        rig
    }

    /// A SentencePiece vocabulary of these pieces, the best first.
    pub fn sentencepiece(pieces: &[&str]) -> Rig {
        let mut rig = Rig::empty(true);
        rig.add("<unk>", 2);
        pieces.iter().for_each(|piece| rig.add(piece, 1));
        rig
    }

    fn empty(is_sentencepiece: bool) -> Rig {
        let (tokens, kinds, following) = (Vec::new(), Vec::new(), Vec::new());
        Rig { tokens, kinds, following, is_sentencepiece, eos: None, template: None, positions: 32 }
    }

    fn add(&mut self, text: &str, kind: i32) {
        let text = if self.is_sentencepiece { text.to_owned() } else { in_bytes(text) };
        if !self.tokens.contains(&text) {
            self.following.push(self.tokens.len());
            self.tokens.push(text);
            self.kinds.push(kind);
        }
    }

    /// Adds a token of several characters, which no text is encoded to.
    pub fn word(&mut self, text: &str) {
        self.add(text, 1);
    }

    /// Adds a control token.
    pub fn control(&mut self, text: &str) -> u32 {
        self.add(text, 3);
        self.tokens.len() as u32 - 1
    }

    /// Has each of these tokens be followed by the next one.
    pub fn follow(&mut self, texts: &[&str]) {
        let id =
            |text: &&str| self.tokens.iter().position(|token| *token == **text || *token == in_bytes(text)).unwrap();
        let ids: Vec<usize> = texts.iter().map(id).collect();
        ids.windows(2).for_each(|pair| self.following[pair[0]] = pair[1]);
    }

    /// Writes the model.
    pub fn write(&self, folder: &TempDir) -> PathBuf {
        let vocab = self.tokens.len();
        let hidden = vocab.next_multiple_of(4).max(8);
        let mut writer = GgufWriter::new();
        for (key, value) in self.metadata(hidden) {
            writer.set(key, value).unwrap();
        }
        let mut tensor = |name: &str, dims: &[usize], ones: Vec<usize>| {
            let mut values = vec![0f32; dims.iter().product()];
            ones.into_iter().for_each(|at| values[at] = 1.0);
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            writer.tensor(format!("{name}.weight"), dims, TensorType::F32, bytes).unwrap();
        };
        let diagonal = |rows: usize| (0..rows).map(|row| row * hidden + row).collect::<Vec<_>>();
        tensor("token_embd", &[vocab, hidden], diagonal(vocab));
        // The row of a token has its logit: a 1 for each token that it follows.
        let head = self.following.iter().enumerate().map(|(token, next)| next * hidden + token);
        tensor("output", &[vocab, hidden], head.collect());
        for norm in ["output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"] {
            tensor(norm, &[hidden], (0..hidden).collect());
        }
        for (name, rows) in [("attn_q", hidden), ("attn_k", hidden / 2), ("attn_v", hidden / 2)] {
            tensor(&format!("blk.0.{name}"), &[rows, hidden], diagonal(rows));
        }
        tensor("blk.0.attn_output", &[hidden, hidden], Vec::new());
        tensor("blk.0.ffn_gate", &[8, hidden], diagonal(8));
        tensor("blk.0.ffn_up", &[8, hidden], diagonal(8));
        tensor("blk.0.ffn_down", &[hidden, 8], Vec::new());
        let path = folder.path().join("rigged.gguf");
        writer.write_file(&path).unwrap();
        path
    }

    fn metadata(&self, hidden: usize) -> Vec<(&'static str, Value)> {
        let count = |number: usize| Value::from(number as u32);
        let texts = |texts: &[String]| Value::Array(Array::String(texts.iter().map(String::as_str).collect()));
        let mut entries = vec![
            ("general.architecture", Value::from("llama")),
            ("llama.context_length", Value::from(self.positions)),
            ("llama.embedding_length", count(hidden)),
            ("llama.block_count", count(1)),
            ("llama.feed_forward_length", count(8)),
            ("llama.attention.head_count", count(2)),
            ("llama.attention.head_count_kv", count(1)),
            ("llama.attention.layer_norm_rms_epsilon", Value::from(1e-5f32)),
            ("llama.rope.freq_base", Value::from(10000f32)),
            ("tokenizer.ggml.tokens", texts(&self.tokens)),
            ("tokenizer.ggml.token_type", Value::Array(Array::I32(self.kinds.clone()))),
        ];
        if self.is_sentencepiece {
            let scores = (0..self.tokens.len()).map(|id| -(id as f32)).collect();
            entries.push(("tokenizer.ggml.model", Value::from("llama")));
            entries.push(("tokenizer.ggml.scores", Value::Array(Array::F32(scores))));
            entries.push(("tokenizer.ggml.unknown_token_id", count(0)));
            entries.push(("tokenizer.ggml.add_bos_token", Value::from(false)));
        } else {
            entries.push(("tokenizer.ggml.model", Value::from("gpt2")));
            entries.push(("tokenizer.ggml.pre", Value::from("gpt-2")));
            entries.push(("tokenizer.ggml.merges", texts(&["! !".to_owned()])));
        }
        entries.extend(self.eos.map(|id| ("tokenizer.ggml.eos_token_id", Value::from(id))));
        entries.extend(self.template.as_deref().map(|text| ("tokenizer.chat_template", Value::from(text))));
        entries
    }
}

/// A text of ASCII as a byte-level vocabulary writes it.
fn in_bytes(text: &str) -> String {
    let written = |c: char| if c <= ' ' { char::from_u32(0x100 + u32::from(c)).unwrap() } else { c };
    text.chars().map(written).collect()
}
