//! Trine runs ternary (BitNet b1.58) language models, and checks the shapes of their tensors at compile time.
//!
//! A GGUF file is checked once, while it is loaded, into weights whose types name their axes. From there to the logits
//! every function takes and returns typed tensors, and a mismatch of width, role, model or step does not compile.
//!
//! ```
//! use trine::prelude::*;
//!
//! fn main() -> Result<(), EngineError> {
//!     let engine = trine::embedded_engine()?; // or Engine::open("model.gguf", EngineOptions::default())?
//!     let prompt = engine.prompt("Once upon a time")?;
//!     for piece in engine.sequence().generate(&prompt) {
//!         print!("{}", piece?.text);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Debug builds of a program want these lines in its `Cargo.toml`, as arithmetic without optimisation takes some
//! hundred times as long; where they are missing, [`Engine::warnings`](model::Engine::warnings) says so:
//!
//! ```toml
//! [profile.dev.package.trine-kernels]
//! opt-level = 3
//! ```
//!
//! An [`Engine`](model::Engine) owns a model and has no type parameter; typed code enters it by a
//! [`Visit`](model::Visit). A program whose model has a type of its own declares it with [`pinned_model!`] or
//! [`static_model!`] and calls [`load`](model::load).
//!
//! The guide goes from the first program to models of one's own and to applications: [`guide`].
//!
//! | crate | what is in it |
//! |---|---|
//! | [`shapes`] | axes, products, sums, roles, tensors, the three kinds of environment |
//! | [`ops`] | operations on typed tensors: what each takes and makes is in its signature |
//! | [`kernels`] | arithmetic on slices: packings, SIMD, threads |
//! | [`loader`] | GGUF files, read and written; safetensors, read |
//! | [`text`] | tokenizers, chat templates, text from bytes in pieces, stop strings, thoughts |
//! | [`model`] | configuration, weights, the transformer, state of sequences, generation, engines |
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `threads` | yes | work is shared out among threads |
//! | `simd` | yes | kernels of vector instructions, chosen when the program runs |
//! | `mmap` | yes | files are mapped into memory; without it they are read |
//! | `text` | yes | tokenizers, chat templates, directories of HF transformers, generating text, engines |
//! | `tools` | yes | `text`, and converting, comparing, judging and measuring models |
#![forbid(unsafe_code)]

pub use trine_shapes::{pinned_model, static_model};

// Modules rather than crates under other names: messages of the compiler say `trine::shapes::Heads`, which a program
// can write, and not `trine::trine_shapes::Heads`.

/// All arithmetic, on slices: the crate `trine-kernels`.
pub mod kernels {
    #[doc(no_inline)]
    pub use trine_kernels::*;
}
/// Files: the crate `trine-loader`.
pub mod loader {
    #[doc(no_inline)]
    pub use trine_loader::*;
}
/// Models: the crate `trine-model`.
pub mod model {
    #[doc(no_inline)]
    pub use trine_model::*;
}
/// Operations on typed tensors: the crate `trine-ops`.
pub mod ops {
    #[doc(no_inline)]
    pub use trine_ops::*;
}
/// Axes and tensors: the crate `trine-shapes`.
pub mod shapes {
    #[doc(no_inline)]
    pub use trine_shapes::*;
}
/// Text and tokens: the crate `trine-text`.
#[cfg(feature = "text")]
pub mod text {
    #[doc(no_inline)]
    pub use trine_text::*;
}

/// The names that most programs with a model or with typed tensors need: at most 40, so that they can be known. All
/// others have a path, that of their crate, such as [`model::KvCache`] and [`shapes::Normed`].
pub mod prelude {
    pub use trine_kernels::{CacheType, CpuOptions, Matrix};
    pub use trine_loader::Gguf;
    pub use trine_model::{Config, LoadOptions, Session, Transformer, load};
    #[cfg(feature = "text")]
    pub use trine_model::{
        Engine, EngineError, EngineOptions, ForModel, GenerateOptions, Message, Opened, SamplerChain, SamplerOptions,
        Tokenizer, TokenizerOptions, Visit,
    };
    pub use trine_ops::{Cpu, Weight};
    pub use trine_shapes::{
        Axis, Dims, Dyn, Environment, Ffn, Hidden, Idx, Model, Step, Tensor, View, Vocab, axis, environment,
        pinned_model, product, static_model,
    };
}

/// The small BitNet b1.58 story model that comes with this crate (1.9 MB, I2_S, English).
///
/// # Errors
/// None for the file that this crate was published with.
pub fn embedded_model() -> Result<loader::Gguf, loader::GgufError> {
    const FILE: &[u8] = include_bytes!("../assets/stories-i2_s.gguf");
    loader::Gguf::from_bytes("embedded model", bytes::Bytes::from_static(FILE))
}

/// The embedded model, opened with the default options.
///
/// # Errors
/// The machine gives no threads or no memory.
#[cfg(feature = "text")]
pub fn embedded_engine() -> Result<model::Engine, model::EngineError> {
    model::Engine::of_source(&embedded_model()?, model::EngineOptions::default())
}

/// The guide, whose programs are compiled and run.
#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/guide/README.md")]
pub mod guide {
    #[doc = include_str!("../docs/guide/text.md")]
    pub mod text {}
    #[doc = include_str!("../docs/guide/own-model.md")]
    pub mod own_model {}
    #[doc = include_str!("../docs/guide/weights.md")]
    pub mod weights {}
    #[doc = include_str!("../docs/guide/out-of-the-types.md")]
    pub mod out_of_the_types {}
    #[doc = include_str!("../docs/guide/applications.md")]
    pub mod applications {}
    #[doc = include_str!("../docs/guide/files.md")]
    pub mod files {}
    #[doc = include_str!("../docs/guide/design.md")]
    pub mod design {}
}

/// The programs of the README compile, and the wrong one does not.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Those of the page of messages as well.
#[cfg(doctest)]
#[doc = include_str!("../docs/messages.md")]
struct Messages;
