//! `trine serve`: a model for programs that ask over HTTP. Everything but arguments, signals and notes is in
//! `trine-server`.

use crate::args::{AccessArguments, EngineArguments, ServeArguments};
use crate::interrupt::Watch;
use crate::load;
use crate::message::{self, Usage, note, warning};
use crate::outcome::Outcome;
use anyhow::{Context, Result, bail};
use std::net::SocketAddr;
use std::path::Path;
use std::process::exit;
use std::time::Duration;
use trine::loader::{Access, one_line};
use trine::model::{Engine, EngineOptions, TokenizerOptions};
use trine_server::{
    ApiKey, ListenOptions, ModelFacts, SamplingDefaults, Server, ServerOptions, Stop, ToolOptions, run,
};

/// Exit code where the thread of the engine has failed: the state of its sequences is not to be trusted.
const FAILED: i32 = 70;

/// Runs the command.
///
/// # Errors
/// The model does not load, an argument is wrong, or the address is in use.
pub fn serve(arguments: &ServeArguments) -> Result<Outcome> {
    let mut options = options(arguments)?;
    let is_open = options.keys.is_empty();
    let engine = open(arguments.model.as_deref(), &arguments.engine, &mut options)?;
    let server = Server::new(engine, options)?;
    let (max_connections, drain) = (arguments.work.max_connections, arguments.work.drain);
    let listen = ListenOptions {
        connections: max_connections.get(),
        drain: Duration::from_secs(drain),
        ..ListenOptions::default()
    };
    let address = SocketAddr::new(arguments.host, arguments.port);
    if is_open && !arguments.host.is_loopback() {
        warning(&format!("{address}: other machines may ask, and no key is asked for: --api-key-file names some"));
    }
    let stop = Stop::new();
    // The first signal lets requests end, the second one ends the process.
    let watch = Watch::begin();
    std::thread::scope(|scope| {
        let (stopped, watched, failed) = (&stop, &watch, server.clone());
        scope.spawn(move || {
            while watched.wait(Duration::from_millis(500)).is_none() && !stopped.is_asked() {
                if failed.has_failed() {
                    message::line("error: the thread of the engine has failed, so the server ends");
                    exit(FAILED);
                }
            }
            stopped.stop();
        });
        let ready = |address| note(&format!("listening at http://{address} (Ctrl-C ends)"));
        let served = run(server, &[address], listen, &stop, ready);
        stop.stop();
        served.with_context(|| format!("{address}: cannot listen"))
    })?;
    Ok(Outcome::Done)
}

/// The engine of a model, with what is said of its memory; what its files say of it becomes an option.
///
/// # Errors
/// The model does not load, or there is no memory for its keys and values.
pub fn open(model: Option<&Path>, arguments: &EngineArguments, told: &mut ServerOptions) -> Result<Engine> {
    let EngineArguments { file, vocabulary, .. } = arguments;
    let source = load::open(model, file)?;
    told.facts = ModelFacts::of(&*source);
    let options = EngineOptions {
        cpu: Some(load::cpu(&arguments.cpu)?),
        access: if file.no_mmap { Access::Copy } else { Access::Map },
        context: arguments.context,
        sequences: arguments.texts,
        cache: arguments.kv,
        cache_bytes: arguments.kv_memory.map(|megabytes| megabytes.get().saturating_mul(1_000_000)),
        shortlist: arguments.shortlist,
        triples: arguments.triples,
        quantize: arguments.quantize.chosen(),
        activations: arguments.activations,
        tokenizer: TokenizerOptions { pre: vocabulary.pre.clone() },
        ..EngineOptions::default()
    };
    let engine = Engine::of_source(&*source, options)?;
    engine.warnings().iter().for_each(|remark| warning(&remark.to_string()));
    if let Err(error) = engine.chat_template() {
        note(&format!("note: texts are continued, and conversations refused: {}", one_line(&error.to_string())));
    }
    let megabytes = engine.cache_bytes() as f64 / 1e6;
    note(&format!("texts of up to {} tokens; keys and values take at most {megabytes:.1} MB", engine.context()));
    Ok(engine)
}

fn options(arguments: &ServeArguments) -> Result<ServerOptions> {
    let ServeArguments { access, work, .. } = arguments;
    let model = arguments.id.clone().unwrap_or_else(|| name_of(arguments.model.as_deref()));
    Ok(ServerOptions {
        model,
        aliases: arguments.alias.clone(),
        any_model: arguments.any_model,
        keys: keys(access)?,
        metrics_key: access.metrics_key,
        origins: access.cors_origin.clone(),
        hosts: access.allow_host.clone(),
        sampling: work.openai_sampling.then_some(SamplingDefaults::OPENAI),
        tools: ToolOptions { format: arguments.tool_format, fallback: arguments.tools },
        reasoning: arguments.reasoning_field,
        policy: work.policy,
        max_tokens: work.max_tokens,
        max_body: work.max_body,
        max_sequences: arguments.engine.max_seqs,
        sequences_per_key: work.max_seqs_per_key,
        max_queue: work.max_queue,
        max_wait: Duration::from_secs(work.max_wait),
        step_time: Duration::from_millis(work.itl),
        request_timeout: Duration::from_secs(work.request_timeout),
        ping: Duration::from_secs(work.sse_ping.get() as u64),
        ollama: arguments.ollama,
        page: !arguments.no_ui,
        log: work.log.then_some(message::line),
        ..ServerOptions::default()
    })
}

/// The name of a file without its folder and ending.
fn name_of(model: Option<&Path>) -> String {
    let Some(path) = model else { return "stories".to_owned() };
    let name = path.file_name().or(path.as_os_str().to_str().map(AsRef::as_ref)).unwrap_or_default().to_string_lossy();
    name.strip_suffix(".gguf").unwrap_or(&name).to_owned()
}

/// The keys of the arguments and of the file.
fn keys(arguments: &AccessArguments) -> Result<Vec<ApiKey>> {
    let mut texts = arguments.api_key.clone();
    if let Some(path) = &arguments.api_key_file {
        let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot read it", path.display()))?;
        texts.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
        if texts.is_empty() {
            bail!("{}: expected a key in each line, found none", path.display());
        }
    }
    let key = |text: &String| {
        // The key itself is not repeated.
        let wrong = || Usage("an API key is empty or has spaces: expected KEY or NAME:KEY".to_owned());
        ApiKey::parse(text).ok_or_else(wrong)
    };
    Ok(texts.iter().map(key).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_named_after_its_file() {
        let name = |path: &str| name_of(Some(Path::new(path)));
        assert_eq!(
            (name("a/b/model-i2_s.gguf"), name("Llama3-8B-1.58/")),
            ("model-i2_s".into(), "Llama3-8B-1.58".into())
        );
        assert_eq!(name_of(None), "stories");
    }
}
