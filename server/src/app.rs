//! What all requests share: the engine, the worker, options, counters. What does not belong here: a request.

use crate::access::{Keys, Origins};
use crate::error::ApiError;
use crate::grammar::Grammars;
use crate::metrics::Metrics;
use crate::options::{SamplingDefaults, ServerOptions};
use crate::request::Limits;
use crate::worker::Worker;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;
use trine::model::{Advice, Engine, Policy, SchedulerOptions};

/// What all requests share.
#[derive(Debug)]
pub struct App {
    /// The model.
    pub engine: Engine,
    /// What the server was told.
    pub options: ServerOptions,
    /// Keys.
    pub keys: Keys,
    /// Origins of web pages.
    pub origins: Origins,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The thread that steps.
    pub worker: Worker,
    /// Requests that are parsed and tokenized at once.
    pub preparing: Semaphore,
    /// What compiles forms of answers.
    pub grammars: Arc<Grammars>,
    /// What requests are checked against.
    pub limits: Limits,
    /// What equal requests get equal answers of: this version, and this model as it was loaded.
    pub fingerprint: String,
    /// When the server started, in seconds since 1970.
    pub created: u64,
    is_draining: AtomicBool,
}

/// Requests that are parsed and tokenized at once.
const PREPARING: usize = 2;

impl App {
    /// Starts the worker.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(engine: Engine, options: ServerOptions) -> std::io::Result<App> {
        let metrics = Arc::<Metrics>::default();
        let worker_options = SchedulerOptions {
            max_sequences: options.max_sequences,
            max_queue: options.max_queue,
            max_wait: options.max_wait,
            step_target: options.step_time,
            sequences_per_key: options.sequences_per_key,
            policy: options.policy,
            ..SchedulerOptions::default()
        };
        let worker = Worker::start(engine.clone(), worker_options, metrics.clone())?;
        let config = engine.config();
        let sampling = options.sampling.unwrap_or_else(|| SamplingDefaults::of(Advice::of(config).as_ref()));
        let limits = Limits {
            vocab: config.dims.vocab,
            context: engine.context(),
            sampling,
            has_priorities: options.policy == Policy::Priority,
        };
        let mut hasher = DefaultHasher::new();
        format!("{config:?}").hash(&mut hasher);
        let fingerprint = format!("trine-{}-{:08x}", env!("CARGO_PKG_VERSION"), hasher.finish() as u32);
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        Ok(App {
            keys: Keys::new(options.keys.clone()),
            origins: Origins::new(options.origins.clone()),
            grammars: Arc::new(Grammars::new(engine.tokenizer().clone())),
            engine,
            options,
            metrics,
            worker,
            preparing: Semaphore::new(PREPARING),
            limits,
            fingerprint,
            created,
            is_draining: AtomicBool::new(false),
        })
    }

    /// Takes no more requests.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::SeqCst);
        self.worker.drain();
    }

    /// Whether requests are taken.
    ///
    /// # Errors
    /// The server ends, or its engine has stopped.
    pub fn check_ready(&self) -> Result<(), ApiError> {
        if self.is_draining.load(Ordering::SeqCst) {
            return Err(ApiError::unavailable("draining", "the server is being stopped"));
        }
        if !self.worker.is_alive() {
            return Err(ApiError::unavailable("stopped", "the engine has stopped: the server has to be started again"));
        }
        Ok(())
    }

    /// Whether the model generates text.
    ///
    /// # Errors
    /// It makes embeddings.
    pub fn check_generates(&self) -> Result<(), ApiError> {
        if self.engine.config().pooling.is_none() {
            return Ok(());
        }
        let message = "this model makes embeddings and generates no text, as its file says which row stands for a text";
        Err(ApiError::bad("unsupported_model", message).at("model"))
    }

    /// The name under which a client asks for the model.
    ///
    /// # Errors
    /// There is no model of this name.
    pub fn model(&self, asked: Option<String>) -> Result<String, ApiError> {
        let ServerOptions { model, aliases, any_model, .. } = &self.options;
        match asked {
            None => Ok(model.clone()),
            Some(name) if *any_model || name == *model || aliases.contains(&name) => Ok(name),
            Some(name) => {
                let message = format!("there is no model {name:?}: this server has {model:?}");
                Err(ApiError::not_found("model_not_found", message).at("model"))
            }
        }
    }
}
