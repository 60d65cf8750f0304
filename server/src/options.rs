//! What a server is told when it starts. What does not belong here: what a request asks for (`request`).

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;
use trine::model::{Advice, Policy, Source};

/// A secret that clients send, and the name by which logs and metrics know who sent it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The name.
    pub name: String,
    /// The secret.
    pub secret: String,
}

impl ApiKey {
    /// `KEY`, or `NAME:KEY`.
    pub fn parse(text: &str) -> Option<ApiKey> {
        let (name, secret) = text.split_once(':').unwrap_or(("default", text));
        let is_plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic());
        (is_plain(name) && is_plain(secret)).then(|| ApiKey { name: name.to_owned(), secret: secret.to_owned() })
    }
}

impl fmt::Debug for ApiKey {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How tokens are drawn where a request does not say it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SamplingDefaults {
    /// 0 is greedy.
    pub temperature: f32,
    /// 1 keeps all.
    pub top_p: f32,
    /// 0 keeps all.
    pub top_k: usize,
    /// 0 keeps all.
    pub min_p: f32,
}

impl SamplingDefaults {
    /// Those of OpenAI's API: every token as the model predicts it.
    pub const OPENAI: SamplingDefaults = SamplingDefaults { temperature: 1.0, top_p: 1.0, top_k: 0, min_p: 0.0 };

    /// Those of the publisher of a model, or else those of the `trine` command.
    pub fn of(advice: Option<&Advice>) -> SamplingDefaults {
        let usual = trine::model::SamplerOptions::default();
        match advice {
            Some(&Advice { temperature, top_p, top_k, min_p, .. }) => {
                SamplingDefaults { temperature, top_p, top_k, min_p }
            }
            None => SamplingDefaults {
                temperature: usual.temperature,
                top_p: usual.top_p,
                top_k: usual.top_k,
                min_p: usual.min_p,
            },
        }
    }
}

/// How a model writes calls of tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolFormat {
    /// `<tool_call>`, a JSON object with `name` and `arguments`, `</tool_call>`.
    Hermes,
    /// `<tool_call>`, a tag for the tool and one for each parameter, `</tool_call>`.
    QwenXml,
    /// A JSON object with `name` and `parameters`, and nothing else.
    Llama3Json,
}

/// What is done with the tools of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToolOptions {
    /// How calls are written; `None` leaves it to the chat template.
    pub format: Option<ToolFormat>,
    /// Whether tools are described in a system message where the chat template does not write them.
    pub fallback: bool,
}

/// Which field of a message has what the model thinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReasoningField {
    /// `reasoning_content`.
    #[default]
    ReasoningContent,
    /// `reasoning`.
    Reasoning,
    /// Both.
    Both,
}

/// What the files of a model say of it, beside what is loaded from them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFacts {
    /// Bytes of the files; 0 where that is not known.
    pub bytes: u64,
    /// Numbers of all tensors; 0 where that is not known.
    pub parameters: u64,
    /// The tensor type that most of the numbers have; empty where that is not known.
    pub tensor_type: &'static str,
}

impl ModelFacts {
    /// Those of a source.
    pub fn of(source: &dyn Source) -> ModelFacts {
        let mut types = BTreeMap::<&'static str, u64>::new();
        for tensor in source.tensors() {
            *types.entry(tensor.encoding.name()).or_default() += tensor.elements() as u64;
        }
        let most = types.iter().max_by_key(|(_, count)| **count);
        let tensor_type = most.map_or("", |(name, _)| name);
        ModelFacts { bytes: source.bytes(), parameters: types.values().sum(), tensor_type }
    }
}

/// What a server is told when it starts: `ServerOptions { model: "mine".to_owned(), ..ServerOptions::default() }`.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The id of the model, by which clients ask for it.
    pub model: String,
    /// Other ids of the same model.
    pub aliases: Vec<String>,
    /// Whether every id is taken for that of the model.
    pub any_model: bool,
    /// What the files of the model say of it: `ModelFacts::of(source)`.
    pub facts: ModelFacts,
    /// Keys of which a request has to send one; none asks for none.
    pub keys: Vec<ApiKey>,
    /// Whether `/metrics` asks for a key too.
    pub metrics_key: bool,
    /// Origins of web pages that may use the server, such as `https://chat.example.org`, besides its own page and those
    /// of this machine; `*` allows all.
    pub origins: Vec<String>,
    /// Names by which the server is asked, besides those of this machine and addresses; `*` allows all.
    pub hosts: Vec<String>,
    /// How tokens are drawn where a request does not say it; `None` leaves it to the publisher of the model.
    pub sampling: Option<SamplingDefaults>,
    /// What is done with tools.
    pub tools: ToolOptions,
    /// Which field of a message has what the model thinks.
    pub reasoning: ReasoningField,
    /// Most tokens of an answer where a request does not say it.
    pub max_tokens: NonZeroUsize,
    /// Largest body of a request, in bytes.
    pub max_body: usize,
    /// Most sequences that are generated together; the others wait.
    pub max_sequences: NonZeroUsize,
    /// Most sequences of one key, or of one address where there are no keys, that are generated together.
    pub sequences_per_key: Option<NonZeroUsize>,
    /// Most sequences that wait. More are refused.
    pub max_queue: usize,
    /// The longest that a request may have to wait before its first step, as far as that is known; those that would
    /// wait longer are refused.
    pub max_wait: Duration,
    /// Which of the requests that wait is the next to begin.
    pub policy: Policy,
    /// The time that a step is to take while texts are generated: long prompts are read in parts beside them.
    pub step_time: Duration,
    /// The longest that a request may take.
    pub request_timeout: Duration,
    /// The longest that the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// Silence in a stream of events after which a comment is sent.
    pub ping: Duration,
    /// Whether there are the paths of Ollama's API, `/api/...`.
    pub ollama: bool,
    /// Whether `/` is a web page.
    pub page: bool,
    /// Whether a line for each request is handed to [`log`](ServerOptions::log).
    pub log: Option<fn(&str)>,
}

impl Default for ServerOptions {
    /// No keys, a web page, 16 sequences at once, steps of a tenth of a second.
    fn default() -> ServerOptions {
        ServerOptions {
            model: "trine".to_owned(),
            aliases: Vec::new(),
            any_model: false,
            facts: ModelFacts::default(),
            keys: Vec::new(),
            metrics_key: false,
            origins: Vec::new(),
            hosts: Vec::new(),
            sampling: None,
            tools: ToolOptions::default(),
            reasoning: ReasoningField::default(),
            max_tokens: NonZeroUsize::new(1024).expect("not 0"),
            max_body: 4 << 20,
            max_sequences: NonZeroUsize::new(16).expect("not 0"),
            sequences_per_key: None,
            max_queue: 128,
            max_wait: Duration::from_secs(30),
            policy: Policy::default(),
            step_time: Duration::from_millis(100),
            request_timeout: Duration::from_secs(600),
            body_timeout: Duration::from_secs(30),
            ping: Duration::from_secs(15),
            ollama: false,
            page: true,
            log: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_names_and_do_not_show_their_secrets() {
        let key = |name: &str, secret: &str| ApiKey { name: name.to_owned(), secret: secret.to_owned() };
        assert_eq!(ApiKey::parse("s3cret"), Some(key("default", "s3cret")));
        assert_eq!(ApiKey::parse("ana:s3:cret"), Some(key("ana", "s3:cret")));
        assert!([":x", "x:", "", "a b", "a:\n"].iter().all(|text| ApiKey::parse(text).is_none()));
        assert!(!format!("{:?}", key("ana", "s3cret")).contains("s3cret"));
    }
}
