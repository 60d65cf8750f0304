//! The environment of models that a program opens, and the door of typed code to them.
//!
//! # Why it is lawful
//!
//! Values of one environment must agree in their lengths ([`Environment`]), and two values of [`Own`] may not. So `Own`
//! is private, and no two models meet inside: an [`Engine`](super::Engine) makes one value of it and gives it to its
//! own weights and states alone, whose steps also refuse memory of another pool. Outside, a model is some `M: Model` of
//! a [`Visit`], and each visit has its own. The bound of a visit does not say `'static`: else `Any` could carry a
//! tensor of one model into the visit of another.

use super::error::EngineError;
use super::options::EngineOptions;
use crate::files::Source;
use crate::network::{StatePool, Transformer};
use crate::warning::Warning;
use crate::weights::{Loaded, load as load_weights};
use std::sync::Arc;
use trine_ops::Cpu;
use trine_shapes::{Dims, Environment, Model};

/// The lengths of one opened model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own(Dims);

// Lawful as far as models do not meet: see the module.
impl Environment<Dims> for Own {
    const NAME: &'static str = "Opened";

    #[inline]
    fn lengths(self) -> Dims {
        self.0
    }
}

impl Model for Own {
    type HeadBuf<T: Copy + Default> = Vec<T>;

    fn head_buf<T: Copy + Default>(self) -> Vec<T> {
        vec![T::default(); self.0.head_dim]
    }
}

/// A model that was opened: its weights, and memory for its sequences.
#[derive(Debug)]
pub struct Opened<M> {
    pub(super) transformer: Arc<Transformer<M>>,
    pub(super) pool: StatePool<M>,
}

impl<M: Model> Opened<M> {
    /// The weights in their roles.
    pub fn transformer(&self) -> &Arc<Transformer<M>> {
        &self.transformer
    }

    /// Where its sequences take memory from.
    pub fn pool(&self) -> &StatePool<M> {
        &self.pool
    }
}

/// Typed code that runs on any opened model: what a generic closure would be.
pub trait Visit {
    /// What it returns.
    type Out;

    /// Runs it.
    fn visit<M: Model>(self, opened: &Opened<M>) -> Self::Out;
}

/// The model of a source, the positions of its sequences, and warnings.
pub(super) fn load(
    source: &dyn Source,
    cpu: &Cpu,
    options: &EngineOptions,
) -> Result<(Opened<Own>, usize, Vec<Warning>), EngineError> {
    let config = source.config()?;
    let context = options.context_of(&config)?;
    let load = options.load_options();
    let Loaded { transformer, warnings, .. } = load_weights(Own(config.dims), source, cpu, &load)?;
    let pool = match options.cache_bytes {
        None => StatePool::for_sequences(&transformer, options.sequences.get(), context, options.cache)?,
        Some(bytes) => {
            let one = StatePool::new(&transformer, 1, options.cache)?;
            let least = 1 + one.pages_per_state();
            StatePool::new(&transformer, (bytes / one.bytes_per_page().max(1)).max(least), options.cache)?
        }
    };
    Ok((Opened { transformer, pool }, context, warnings))
}
