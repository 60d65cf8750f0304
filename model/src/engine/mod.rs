//! Models that a program owns: opened by path, kept anywhere, shared by threads, without a type parameter or a
//! lifetime.
//!
//! An [`Engine`] is an opened model with its tokenizer, a machine and memory for sequences; a [`Sequence`] is one text
//! of it. Typed code enters an engine by [`Engine::visit`].
//!
//! What belongs here: ownership and identity. What does not: the forward pass (`network`), decisions of a generation
//! (`generation`), and which sequence runs when.

mod embeddings;
mod error;
mod logits;
mod memory;
mod opened;
mod options;
mod prompt;
mod saved;
mod sequence;

pub use error::EngineError;
pub use logits::EngineLogits;
pub(crate) use memory::{Memory, Part};
pub use opened::{Opened, Visit};
pub use options::EngineOptions;
pub use prompt::{EngineId, Prompt, Token};
pub use saved::SavedError;
pub use sequence::{Piece, Pieces, Sequence};

use crate::description::Config;
use crate::files::{Source, open_model};
use crate::generation::{ForModel, ModelTokenizer, Session, checked};
use crate::network::{LogitsRequest, StatePool};
use crate::warning::Warning;
use opened::Own;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use trine_loader::Gguf;
use trine_ops::Cpu;
use trine_shapes::{Idx, Vocab};
use trine_text::{ChatTemplate, EncodeOptions, Message, Tokenizer};

/// An opened model: weights, tokenizer, machine, and memory for sequences. It is a handle, so that clones are the same
/// model; any number of models may be open.
///
/// ```no_run
/// use trine_model::{Engine, EngineOptions};
///
/// let engine = Engine::open("model.gguf", EngineOptions::default())?;
/// let prompt = engine.prompt("Once upon a time")?;
/// for piece in engine.sequence().generate(&prompt) {
///     print!("{}", piece?.text);
/// }
/// # Ok::<(), trine_model::EngineError>(())
/// ```
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    id: EngineId,
    opened: Opened<Own>,
    context: usize,
    tokenizer: ModelTokenizer<Own>,
    /// Why there is no template, where there is none.
    template: Result<Arc<ChatTemplate>, String>,
    cpu: Cpu,
    warnings: Vec<Warning>,
    /// What tells the model from others, once it was asked for.
    fingerprint: OnceLock<u64>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Engine").field(&self.0.id).finish()
    }
}

impl Engine {
    /// Opens a GGUF file, or a directory as HF transformers saves models.
    ///
    /// # Errors
    /// [`EngineError`] where it cannot be read, holds no model that can be run, or there is no memory for its
    /// sequences.
    pub fn open(path: impl AsRef<Path>, options: EngineOptions) -> Result<Engine, EngineError> {
        let source = open_model(path, options.access)?;
        Engine::of_source(&*source, options)
    }

    /// Opens the bytes of a GGUF file; `label` names them in messages.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn of_bytes(label: &str, bytes: bytes::Bytes, options: EngineOptions) -> Result<Engine, EngineError> {
        Engine::of_source(&Gguf::from_bytes(label, bytes)?, options)
    }

    /// Loads the model of a source.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn of_source(source: &dyn Source, options: EngineOptions) -> Result<Engine, EngineError> {
        let tokenizer = source.tokenizer(&options.tokenizer)?;
        let template = source.chat_template(&tokenizer).map(Arc::new).map_err(|error| error.to_string());
        let cpu = match &options.cpu {
            Some(cpu) => cpu.clone(),
            None => Cpu::new(Default::default())?,
        };
        let (opened, context, mut warnings) = opened::load(source, &cpu, &options)?;
        let of_file = |warning| Warning::Tokenizer { file: source.label().to_owned(), warning };
        warnings.extend(tokenizer.warnings().iter().cloned().map(of_file));
        warnings.extend(Warning::of_build());
        let id = EngineId::new(source.label());
        let tokenizer = tokenizer.for_model(opened.transformer().model)?;
        Ok(Engine(Arc::new(Inner {
            id,
            opened,
            context,
            tokenizer,
            template,
            cpu,
            warnings,
            fingerprint: OnceLock::new(),
        })))
    }

    /// A second engine of the same weights, with memory of its own for so many sequences of full length: what its
    /// sequences hold is not taken from those of this one, such as those of a scheduler. Prompts and tokens are of one
    /// of the two.
    ///
    /// # Errors
    /// [`EngineError::Memory`] where the system does not give so much.
    pub fn with_memory_of_its_own(&self, sequences: NonZeroUsize) -> Result<Engine, EngineError> {
        let Inner { id, opened, context, tokenizer, template, cpu, warnings, fingerprint } = &*self.0;
        let Opened { transformer, pool } = opened;
        let pool = StatePool::for_sequences(transformer, sequences.get(), *context, pool.kind())?;
        Ok(Engine(Arc::new(Inner {
            id: EngineId::new(id.label()),
            opened: Opened { transformer: transformer.clone(), pool },
            context: *context,
            tokenizer: tokenizer.clone(),
            template: template.clone(),
            cpu: cpu.clone(),
            warnings: warnings.clone(),
            fingerprint: fingerprint.clone(),
        })))
    }

    /// Which engine this is.
    pub fn id(&self) -> &EngineId {
        &self.0.id
    }

    /// The description of the model.
    pub fn config(&self) -> &Config {
        &self.0.opened.transformer().config
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Arc<Tokenizer> {
        self.0.tokenizer.tokenizer()
    }

    /// The tokenizer as that of the model.
    fn own_tokenizer(&self) -> &ModelTokenizer<Own> {
        &self.0.tokenizer
    }

    /// The machine.
    pub fn cpu(&self) -> &Cpu {
        &self.0.cpu
    }

    fn opened(&self) -> &Opened<Own> {
        &self.0.opened
    }

    /// What tells the model, as it is computed here, from others.
    fn fingerprint(&self) -> Result<u64, EngineError> {
        if let Some(known) = self.0.fingerprint.get() {
            return Ok(*known);
        }
        let found = saved::fingerprint(&self.0.opened, &self.0.cpu)?;
        Ok(*self.0.fingerprint.get_or_init(|| found))
    }

    /// What was noticed while the model was opened, also that the kernels were compiled without optimisation.
    pub fn warnings(&self) -> &[Warning] {
        &self.0.warnings
    }

    /// A text as a prompt.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`] where the vocabulary cannot express it.
    pub fn prompt(&self, text: &str) -> Result<Prompt, EngineError> {
        let ids = self.tokenizer().encode(text, EncodeOptions::PROMPT)?;
        Ok(Prompt::new(self.id(), ids))
    }

    /// A conversation as a prompt for the next message, in the form of the model's chat template.
    ///
    /// # Errors
    /// [`EngineError::NoTemplate`] where the model has none, [`EngineError::Chat`] where it refuses the messages.
    pub fn chat_prompt(&self, messages: &[Message]) -> Result<Prompt, EngineError> {
        let ids = self.chat_template()?.encode(self.tokenizer(), messages, true)?;
        Ok(Prompt::new(self.id(), ids).answered())
    }

    /// The chat template.
    ///
    /// # Errors
    /// [`EngineError::NoTemplate`] where the model has none, or one that is not valid.
    pub fn chat_template(&self) -> Result<&ChatTemplate, EngineError> {
        let template = self.0.template.as_deref();
        template.map_err(|why| EngineError::NoTemplate { engine: self.id().clone(), why: why.clone() })
    }

    /// Ids as a prompt.
    ///
    /// # Errors
    /// [`EngineError::Token`] where one is beyond the vocabulary.
    pub fn prompt_of_ids(&self, ids: &[u32]) -> Result<Prompt, EngineError> {
        checked(self.vocab(), ids)?;
        Ok(Prompt::new(self.id(), ids.to_vec()))
    }

    /// The tokens of a prompt, where it is of this engine.
    fn own_tokens(&self, prompt: &Prompt) -> Result<Vec<Idx<Vocab<Own>>>, EngineError> {
        self.id().check(prompt.engine())?;
        Ok(checked(self.vocab(), prompt.ids())?)
    }

    fn vocab(&self) -> Vocab<Own> {
        Vocab::of(self.0.opened.transformer().model)
    }

    /// Tokens as a prompt.
    ///
    /// # Errors
    /// [`EngineError::OtherEngine`] where one is of another engine.
    pub fn prompt_of_tokens(&self, tokens: impl IntoIterator<Item = Token>) -> Result<Prompt, EngineError> {
        let ids = tokens.into_iter().map(|token| self.id().check(token.engine()).map(|()| token.id()));
        Ok(Prompt::new(self.id(), ids.collect::<Result<_, _>>()?))
    }

    /// A sequence without tokens. Its memory comes from the engine as it grows.
    pub fn sequence(&self) -> Sequence {
        let Opened { transformer, pool } = &self.0.opened;
        Sequence::new(self.clone(), Session::in_pool(transformer, &self.0.cpu, pool, self.0.context))
    }

    /// Appends tokens to each of some sequences, in steps of all of them together, and returns the logits that follow,
    /// in the order of the sequences. Each gets the bits that it would get alone, and all are faster than one after the
    /// other: the weights are read once for all.
    ///
    /// # Errors
    /// [`EngineError::OtherEngine`] for a sequence or a prompt of another engine, [`EngineError::Session`] for an empty
    /// prompt or a full context; the sequences are then as before. Where the pool has no pages left, sequences may have
    /// taken the beginnings of their prompts.
    pub fn step(
        &self,
        requests: &mut [(&mut Sequence, &Prompt)],
        request: LogitsRequest,
    ) -> Result<Vec<EngineLogits>, EngineError> {
        let tokens = requests.iter().map(|(sequence, prompt)| {
            self.id().check(sequence.engine().id())?;
            self.own_tokens(prompt)
        });
        let tokens: Vec<Vec<_>> = tokens.collect::<Result<_, _>>()?;
        let sessions = requests.iter_mut().zip(&tokens);
        let sessions = sessions.map(|((sequence, _), tokens)| (sequence.session_mut(), &tokens[..])).collect();
        let logits = Session::feed_together(sessions, request)?;
        Ok(logits.into_iter().map(|logits| EngineLogits::new(self.id(), logits)).collect())
    }

    /// Runs typed code on the model. Each visit has a type `M` of its own, so that two models do not mix:
    ///
    /// ```
    /// use trine_model::{Engine, Opened, Visit};
    /// use trine_shapes::{Axis, Hidden, Model};
    ///
    /// struct Width;
    /// impl Visit for Width {
    ///     type Out = usize;
    ///     fn visit<M: Model>(self, opened: &Opened<M>) -> usize {
    ///         Hidden::of(opened.transformer().model).len()
    ///     }
    /// }
    /// fn width(engine: &Engine) -> usize {
    ///     engine.visit(Width)
    /// }
    /// ```
    /// ```compile_fail,E0308
    /// # use trine_model::{Engine, Opened, Visit};
    /// # use trine_shapes::Model;
    /// struct Second<'a, M>(&'a Opened<M>);
    /// impl<M: Model> Visit for Second<'_, M> {
    ///     type Out = ();
    ///     fn visit<N: Model>(self, opened: &Opened<N>) {
    ///         let state = opened.pool().state(8);
    ///         drop([state, self.0.pool().state(8)]);
    ///     }
    /// }
    /// ```
    pub fn visit<V: Visit>(&self, visitor: V) -> V::Out {
        visitor.visit(&self.0.opened)
    }
}
