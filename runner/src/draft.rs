//! A second, smaller model that guesses for the first one (`--draft`).
//!
//! What belongs here: loading it and comparing vocabularies. What does not: guessing and checking (`trine::model`).

use crate::args::FileArguments;
use crate::load;
use crate::message::{Usage, warning};
use crate::progress::Progress;
use anyhow::Result;
use std::path::Path;
use std::sync::Arc;
use trine::kernels::CacheType;
use trine::model::{
    Draft, ForModel, Guess, LoadOptions, ModelTokenizer, Session, Source, Tokenizer, TokenizerOptions,
    load as load_model,
};
use trine::ops::Cpu;
use trine::shapes::{Model, WithModel, dispatch};

/// A session, and what guesses for it.
pub struct Speaker<'d, M: Model> {
    /// The session.
    pub session: Session<M>,
    /// The draft, if there is one.
    pub draft: Option<&'d mut dyn Guess<M>>,
}

/// Runs `program` with the session, and with the draft of the file at `path`, if there is one.
///
/// # Errors
/// The draft does not load, or has other tokens than the model; or those of the program.
pub fn with_draft<M: Model, R>(
    session: Session<M>,
    tokenizer: &Arc<Tokenizer>,
    (path, kv, files): (Option<&Path>, CacheType, &FileArguments),
    cpu: &Cpu,
    program: &mut dyn FnMut(&mut Speaker<'_, M>) -> Result<R>,
) -> Result<R> {
    let Some(path) = path else { return program(&mut Speaker { session, draft: None }) };
    let file = load::open(Some(path), files)?;
    let tokenizer = tokenizer.clone().for_model(session.transformer().model)?;
    let dims = file.config()?.dims;
    dispatch(dims, Drafting { path, file: &*file, session, tokenizer, kv, cpu, program })
}

struct Drafting<'d, M: Model, R> {
    path: &'d Path,
    file: &'d dyn Source,
    session: Session<M>,
    tokenizer: ModelTokenizer<M>,
    kv: CacheType,
    cpu: &'d Cpu,
    program: &'d mut dyn FnMut(&mut Speaker<'_, M>) -> Result<R>,
}

impl<M: Model, R> WithModel for Drafting<'_, M, R> {
    type Out = Result<R>;

    fn run<D: Model>(self, model: D) -> Result<R> {
        let Drafting { path, file, session, tokenizer, kv, cpu, program } = self;
        let own = Arc::new(file.tokenizer(&TokenizerOptions::default())?).for_model(model)?;
        let same = own.same_as(&tokenizer).map_err(|error| {
            let path = path.display();
            Usage(format!(
                "--draft {path}: expected a model with the same vocabulary, as its tokens are guesses: {error}"
            ))
        })?;
        let progress = Progress::new("loading the draft");
        let show = |done, total| progress.set(done, total);
        let loaded = load_model(model, file, cpu, &LoadOptions { progress: Some(&show), ..LoadOptions::default() })?;
        drop(progress);
        loaded.warnings.iter().for_each(|remark| warning(&format!("--draft: {remark}")));
        let small = Session::new(&loaded.transformer, cpu, session.capacity(), kv)?;
        program(&mut Speaker { session, draft: Some(&mut Draft::new(small, same)) })
    }
}
