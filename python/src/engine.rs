//! An opened model: what is known of it, and where texts, sessions and answers begin. What does not belong here: how
//! they go on.

mod sampling;

use crate::arrays::{self, Named, OfModel, OfRows};
use crate::batch::Batch;
use crate::choices::Choices;
use crate::conversation::{self, Answer};
use crate::embeddings::{self, POOLINGS, Text};
use crate::errors::{internal, of_engine, other};
use crate::owned::Owned;
use crate::session::Session;
use crate::{tokenizer, trace, wait};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use sampling::Asked;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use trine::kernels::{CacheType, CpuOptions};
use trine::loader::Access;
use trine::model::{Engine as Model, EngineError, EngineOptions, Quantize};
use trine::ops::Cpu;
use trine_server::{Job, Server, ServerOptions, Terms};

/// An opened model and the thread that runs it.
#[pyclass(frozen, module = "trine._trine")]
pub struct Engine(Owned<Inner>);

struct Inner {
    model: Model,
    server: Server,
    /// Memory for so many sequences that programs feed themselves, and the same model with that memory, from the first
    /// such sequence on: what texts leave in memory is not missing to them.
    sequences: NonZeroUsize,
    apart: OnceLock<Model>,
    /// What answers conversations, from the first one on.
    runtime: Mutex<Option<Runtime>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        runtime.into_iter().for_each(Runtime::shutdown_background);
    }
}

/// Longer than any program runs: who waits is a program, which says itself when it waits no more.
const EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// More texts than there is memory to ask for.
const MANY: usize = usize::MAX / 2;

/// How a model is opened.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Opening {
    threads: Option<NonZeroUsize>,
    kv: String,
    context: Option<NonZeroUsize>,
    sequences: NonZeroUsize,
    batch: NonZeroUsize,
    mmap: bool,
    quantize: Option<String>,
}

impl Inner {
    /// The model with memory for sequences that a program feeds itself.
    fn apart(&self) -> Result<Model, EngineError> {
        match self.apart.get() {
            Some(model) => Ok(model.clone()),
            None => {
                let model = self.model.with_memory_of_its_own(self.sequences)?;
                Ok(self.apart.get_or_init(|| model).clone())
            }
        }
    }
}

impl Opening {
    fn open(&self, path: Option<PathBuf>) -> PyResult<Inner> {
        let refused = |error: EngineError| of_engine(&error);
        let cpu = CpuOptions { threads: self.threads, isa: None };
        let options = EngineOptions {
            cpu: Some(Cpu::new(cpu).map_err(other)?),
            access: if self.mmap { Access::Map } else { Access::Copy },
            context: self.context,
            sequences: self.sequences,
            cache: named("kv", &self.kv, &CACHES)?,
            quantize: self.quantize.as_deref().map(|name| named("quantize", name, &QUANTIZERS)).transpose()?,
            ..EngineOptions::default()
        };
        let model = match path {
            Some(path) => Model::open(path, options).map_err(refused)?,
            None => {
                let file = trine::embedded_model().map_err(crate::errors::of_file)?;
                Model::of_source(&file, options).map_err(refused)?
            }
        };
        let options = ServerOptions {
            any_model: true,
            max_body: usize::MAX,
            max_sequences: self.batch,
            max_queue: MANY,
            max_wait: EVER,
            request_timeout: EVER,
            page: false,
            ..ServerOptions::default()
        };
        let server = Server::new(model.clone(), options).map_err(|error| internal(&error.to_string()))?;
        Ok(Inner { model, server, sequences: self.sequences, apart: OnceLock::new(), runtime: Mutex::new(None) })
    }
}

const CACHES: [(&str, CacheType); 3] = [("f16", CacheType::F16), ("f32", CacheType::F32), ("q8", CacheType::Q8)];
const QUANTIZERS: [(&str, Quantize); 1] = [("absmean", Quantize::Absmean)];

/// What a name of an option means.
///
/// # Errors
/// It is none of those in the table.
fn named<T: Copy>(option: &str, name: &str, table: &[(&str, T)]) -> PyResult<T> {
    let known = || table.iter().map(|(name, _)| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    let found = table.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value).ok_or_else(|| other(format!("{option} is {name:?}: expected one of {}", known())))
}

#[pymethods]
impl Engine {
    /// Opens a model: a file, a directory, or the embedded one.
    #[staticmethod]
    fn open(py: Python<'_>, path: Option<PathBuf>, options: &Bound<'_, PyDict>) -> PyResult<Engine> {
        let opening: Opening = options.extract()?;
        wait::run(py, move |_| opening.open(path))?.map(|inner| Engine(Owned::new(inner)))
    }

    /// What is known of the model, by name.
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let model = &self.0.get()?.model;
        let (facts, config, tokenizer) = (PyDict::new(py), model.config(), model.tokenizer());
        facts.set_item("name", config.name.as_deref())?;
        facts.set_item("architecture", config.architecture.name())?;
        facts.set_item("context", self.context()?)?;
        facts.set_item("trained_context", config.context)?;
        facts.set_item("axes", model.visit(OfModel))?;
        let pooling = POOLINGS.iter().find(|(_, pooling)| Some(*pooling) == config.pooling);
        facts.set_item("pooling", pooling.map(|(name, _)| *name))?;
        facts.set_item("warnings", model.warnings().iter().map(ToString::to_string).collect::<Vec<_>>())?;
        facts.set_item("bos", tokenizer.bos())?;
        facts.set_item("eos", tokenizer.eos())?;
        facts.set_item("ends", tokenizer.end_of_generation())?;
        facts.set_item("tokens", tokenizer.len())?;
        facts.set_item("template", model.chat_template().ok().map(|template| template.text()))?;
        Ok(facts)
    }

    /// Begins texts: what follows each prompt. `options` are those of all of them. Where `scored_from` is given,
    /// prompts are scored from these tokens on.
    fn generate(
        &self,
        prompts: Vec<Vec<u32>>,
        options: &Bound<'_, PyDict>,
        scored_from: Option<Vec<usize>>,
    ) -> PyResult<Choices> {
        let inner = self.that_generates()?;
        let asked: Asked = options.extract()?;
        let (count, context) = (prompts.len(), self.context()?);
        let is_scored = scored_from.is_some();
        let job = |prompt: Vec<u32>| {
            inner.model.prompt_of_ids(&prompt).map_err(|error| of_engine(&error))?;
            let options = asked.ending(context.saturating_sub(prompt.len()));
            let prompt_logprobs = is_scored.then_some(1);
            Ok(Job { sampler: asked.sampler(&inner.model)?, options, prompt_logprobs, cache_salt: None, prompt })
        };
        let jobs = prompts.into_iter().map(job).collect::<PyResult<Vec<_>>>()?;
        let running = inner.server.submit(jobs, Terms { key: String::new(), limit: EVER, priority: 0 });
        Ok(Choices::new(running, count, scored_from.unwrap_or_default()))
    }

    /// Sends a document in OpenAI's words to a path of the server.
    fn ask(&self, path: &str, body: String) -> PyResult<Answer> {
        let inner = self.that_generates()?;
        let mut runtime = inner.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if runtime.is_none() {
            let built =
                Builder::new_multi_thread().worker_threads(1).thread_name("trine answers").enable_time().build();
            *runtime = Some(built.map_err(|error| internal(&error.to_string()))?);
        }
        let runtime = runtime.as_ref().ok_or_else(|| internal("no runtime"))?;
        conversation::ask(&inner.server, runtime, path, body)
    }

    /// A row for each text: of the last token or the mean of all, as `pooling` or else the model's file says.
    fn embed<'py>(&self, py: Python<'py>, texts: Vec<Text>, pooling: Option<&str>) -> PyResult<Named<'py>> {
        let model = self.0.get()?.model.clone();
        let asked = pooling.map(|name| named("pooling", name, &POOLINGS)).transpose()?;
        let pooling = asked.or(model.config().pooling).ok_or_else(|| {
            other(
                "this model generates text and makes no embeddings: its file says of no row that it stands for a text; \
                 pooling=\"last\" or pooling=\"mean\" takes a row all the same",
            )
        })?;
        let (count, hidden, dims) = (texts.len(), model.config().dims.hidden, model.visit(OfRows));
        let rows = wait::run(py, move |stop| embeddings::rows(&model, &texts, pooling, stop))??;
        arrays::array(py, rows, &[count, hidden], dims)
    }

    /// What makes of shards what they become, with these fields for all rows: an object of JSON.
    fn batch(&self, py: Python<'_>, fields: String) -> PyResult<Batch> {
        let server = self.that_generates()?.server.clone();
        wait::run(py, move |_| Batch::new(&server, &fields))?
    }

    /// A sequence without tokens, or the one whose state is in bytes.
    fn session(&self, py: Python<'_>, saved: Option<Vec<u8>>) -> PyResult<Session> {
        let model = self.0.get()?.apart().map_err(|error| of_engine(&error))?;
        let sequence = wait::run(py, move |_| match saved {
            Some(bytes) => model.sequence_from_bytes(&bytes),
            None => Ok(model.sequence()),
        })?;
        sequence.map(Session::new).map_err(|error| of_engine(&error))
    }

    /// How large the values of each part are, in a pass over these tokens: block, part, root mean square, largest.
    fn trace(&self, py: Python<'_>, ids: Vec<u32>) -> PyResult<Vec<trace::Row>> {
        let model = self.0.get()?.model.clone();
        wait::run(py, move |_| trace::rows(&model, &ids))?
    }

    /// The ids of a text.
    fn encode(&self, py: Python<'_>, text: &str, add_bos: bool, parse_special: bool) -> PyResult<Vec<u32>> {
        let model = &self.0.get()?.model;
        py.detach(|| tokenizer::encode(model, text, add_bos, parse_special))
    }

    /// The text of ids.
    fn decode(&self, py: Python<'_>, ids: Vec<u32>, show_special: bool) -> PyResult<String> {
        let model = &self.0.get()?.model;
        py.detach(|| tokenizer::decode(model, &ids, show_special))
    }

    /// The token of an id as the vocabulary has it.
    fn token(&self, id: u32) -> PyResult<Option<String>> {
        Ok(self.0.get()?.model.tokenizer().token(id).map(str::to_owned))
    }

    /// The id of a token.
    fn id(&self, token: &str) -> PyResult<Option<u32>> {
        Ok(self.0.get()?.model.tokenizer().id(token))
    }

    /// A conversation in the form of the chat template: its text and its ids.
    fn conversation(&self, py: Python<'_>, variables: &str) -> PyResult<(String, Vec<u32>)> {
        let model = &self.0.get()?.model;
        py.detach(|| tokenizer::conversation(model, variables))
    }
}

impl Engine {
    /// The model, where it generates text.
    fn that_generates(&self) -> PyResult<&Inner> {
        let inner = self.0.get()?;
        match inner.model.config().pooling {
            None => Ok(inner),
            Some(_) => Err(other(
                "this model makes embeddings and generates no text, as its file says which row stands for a text: use \
                 `embed`",
            )),
        }
    }

    /// Positions of a sequence.
    fn context(&self) -> PyResult<usize> {
        Ok(self.0.get()?.model.sequence().capacity())
    }
}
