//! The embedded model for a web page: its text, the axes of its tensors, and how large its values are.
//!
//! What belongs here: what JavaScript calls. What does not: the page (`page/`), and anything that computes (`trine`).

use serde_json::{Value, json};
use trine::model::{Generation, LogitsRequest, ModelTokenizer, Next, inspect, trace};
use trine::prelude::*;
use wasm_bindgen::prelude::*;

pinned_model! {
    /// The embedded model.
    struct Embedded;
}

type Tokens = Vec<Idx<Vocab<Embedded>>>;

/// The embedded model and one text.
#[wasm_bindgen]
pub struct Story {
    session: Session<Embedded>,
    tokenizer: ModelTokenizer<Embedded>,
    tensors: Value,
    generation: Option<Generation>,
    /// What the session is fed before the next step.
    fresh: Tokens,
}

#[wasm_bindgen]
impl Story {
    /// Loads the model.
    ///
    /// # Errors
    /// It is damaged.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Result<Story, JsError> {
        let file = trine::embedded_model()?;
        let config = Config::from_gguf(&file)?;
        let cpu = Cpu::new(CpuOptions::default())?;
        let model = load(Embedded::pin(config.dims)?, &file, &cpu, &LoadOptions::default())?.transformer;
        let tokenizer = Tokenizer::from_gguf(&file, &TokenizerOptions::default())?.for_model(model.model)?;
        let session = Session::new(&model, &cpu, config.context, CacheType::F32)?;
        let tensors = inspect::tensors(&file, Some(&config)).iter().map(described).collect();
        Ok(Story { session, tokenizer, tensors, generation: None, fresh: Vec::new() })
    }

    /// Begins a text. A temperature of 0 takes the likeliest token each time.
    ///
    /// # Errors
    /// The prompt has no token or more than the model has positions, or the temperature is no number of 0 or more.
    pub fn begin(&mut self, prompt: &str, temperature: f32, seed: u32) -> Result<(), JsError> {
        let tokens = self.prompt(prompt)?;
        let sampling = SamplerOptions { temperature, seed: seed.into(), ..SamplerOptions::default() };
        let sampler = SamplerChain::new(sampling)?;
        let ids: Vec<u32> = tokens.iter().map(|token| token.get() as u32).collect();
        let tokenizer = self.tokenizer.tokenizer().clone();
        let generation = Generation::new(ids, tokenizer, sampler, GenerateOptions::default());
        self.generation = Some(generation.with_context(self.session.capacity()));
        self.fresh = tokens[self.session.rewind(&tokens)..].to_vec();
        Ok(())
    }

    /// The text that became complete with the next token, or nothing where the text has ended.
    ///
    /// # Errors
    /// The model gave no number.
    pub fn step(&mut self) -> Result<Option<String>, JsError> {
        let Some(generation) = &mut self.generation else { return Ok(None) };
        let logits = self.session.feed_for(&self.fresh, generation.request())?;
        let step = generation.advance(&logits)?;
        match step.next {
            Next::Feed(id) => self.fresh = self.session.tokens_of(&[id])?,
            Next::Done(_) => self.generation = None,
        }
        Ok(Some(step.text))
    }

    /// The logits that follow these tokens.
    ///
    /// # Errors
    /// There is no token, there are more than the model has positions, or one is beyond the vocabulary.
    pub fn logits(&mut self, ids: &[u32]) -> Result<Vec<f32>, JsError> {
        let tokens = self.session.tokens_of(ids)?;
        let known = self.session.rewind(&tokens);
        Ok(self.session.feed_for(&tokens[known..], LogitsRequest::All)?.into_dense())
    }

    /// The tensors of the file, as JSON: `name`, `role`, `axes` (each a name and a length), `type` and `bytes`.
    pub fn tensors(&self) -> String {
        self.tensors.to_string()
    }

    /// How large the values of each part of a pass over a prompt are, as JSON: `block` (or null), `part`, `rms` and
    /// `largest`, in the order in which they are computed.
    ///
    /// # Errors
    /// The prompt has no token or more than the model has positions.
    pub fn trace(&mut self, prompt: &str) -> Result<String, JsError> {
        let tokens = self.prompt(prompt)?;
        self.generation = None;
        // Every token is computed, also those that the session has.
        self.session.rewind(&[]);
        let parts = trace(&mut self.session, &tokens)?;
        let rows = parts.iter().map(|of| {
            json!({ "block": of.block, "part": of.part.to_string(), "rms": of.rms, "largest": of.largest })
        });
        Ok(rows.collect::<Value>().to_string())
    }
}

impl Story {
    fn prompt(&self, prompt: &str) -> Result<Tokens, JsError> {
        let tokens = self.tokenizer.prompt(prompt)?;
        let positions = self.session.capacity();
        match tokens.len() {
            0 => Err(JsError::new("the prompt has no token")),
            count if count >= positions => {
                Err(JsError::new(&format!("the prompt has {count} tokens: fewer than {positions} have room")))
            }
            _ => Ok(tokens),
        }
    }
}

/// A tensor of the file.
fn described(report: &inspect::TensorReport) -> Value {
    let axes = report.axes.iter().zip(&report.dims).map(|(name, length)| json!({ "name": name, "length": length }));
    json!({
        "name": report.name,
        "role": report.role,
        "axes": axes.collect::<Value>(),
        "type": report.kind,
        "bytes": report.bytes,
    })
}
