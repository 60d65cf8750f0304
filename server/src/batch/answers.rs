//! What a row becomes: a function of the row, the fields for all rows and the model. What does not belong here: files.
//!
//! Answers in the form of an endpoint have names, times and numbers of cached tokens, which differ from run to run.
//! Here names follow from the row, and the others are 0.

use super::hex;
use super::rows::Row;
use crate::app::App;
use crate::endpoints::{Runnable, preparation, whole};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::json::Json;
use crate::worker::{Event, Terms};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What makes answers.
#[derive(Debug)]
pub struct Answers {
    app: Arc<App>,
    /// For rows that do not have them.
    fields: Vec<(String, Json)>,
    fingerprint: String,
}

/// What a row has become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// A line of JSON.
    pub line: String,
    /// Whether it says what is wrong with the row.
    pub is_refused: bool,
}

type Object = Vec<(String, Json)>;

fn field(name: &str, value: impl Into<Json>) -> (String, Json) {
    (name.to_owned(), value.into())
}

/// Whether an error is that of the request, and would be so again.
fn is_of_request(error: &ApiError) -> bool {
    error.status.is_client_error() && ![408, 429].contains(&error.status.as_u16())
}

impl Answers {
    /// With these fields for rows that do not have them.
    pub fn new(app: Arc<App>, fields: Object, fingerprint: String) -> Answers {
        Answers { app, fields, fingerprint }
    }

    /// What tells the model from others.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Refuses fields that are wrong for every row.
    ///
    /// # Errors
    /// One of them is unknown or wrong, or asks for more than one text.
    pub fn check(&self) -> Result<(), ApiError> {
        let mut fields = Fields::of_object(self.with_fields(vec![field("prompt", "a")], |_| true));
        let runnable = self.prepared("/v1/completions", &mut fields)?;
        if runnable.jobs.len() != 1 {
            return Err(ApiError::unsupported("n", "a row has one text"));
        }
        match fields.names().next() {
            Some(name) => Err(ApiError::bad("invalid_value", format!("`{name}` is no field of `/v1/completions`"))),
            None => Ok(()),
        }
    }

    /// What a row becomes.
    ///
    /// # Errors
    /// The engine fails, or there is too much to do: another time the row may become something.
    pub async fn of(&self, row: &Row) -> Result<Answer, ApiError> {
        match row {
            Row::Prompt { id, prompt } => self.text(id, prompt).await,
            Row::Request { id, url, body } => self.request(id, url, body).await,
        }
    }

    /// Fields of a row, and those for all rows that `takes` takes.
    fn with_fields(&self, mut own: Object, takes: impl Fn(&str) -> bool) -> Object {
        for (name, value) in &self.fields {
            if takes(name) && !own.iter().any(|(other, _)| other == name) {
                own.push((name.clone(), value.clone()));
            }
        }
        own
    }

    fn prepared(&self, path: &str, fields: &mut Fields) -> Result<Runnable, ApiError> {
        let Some(prepare) = preparation(path) else {
            let message = format!("a batch has no {path:?}: expected `/v1/completions` or `/v1/chat/completions`");
            return Err(ApiError::not_found("unknown_path", message));
        };
        let runnable = prepare(&self.app, fields)?;
        match runnable.delivery.stream {
            true => Err(ApiError::unsupported("stream", "a batch has whole answers")),
            false => Ok(runnable),
        }
    }

    fn terms(&self) -> Terms {
        Terms { limit: self.app.options.request_timeout, ..Terms::default() }
    }

    async fn text(&self, id: &Json, prompt: &Json) -> Result<Answer, ApiError> {
        let mut fields = Fields::of_object(self.with_fields(vec![field("prompt", prompt.clone())], |_| true));
        let seed = fields.peek("seed").cloned().unwrap_or(Json::Null);
        let told = match self.prepared("/v1/completions", &mut fields) {
            Ok(runnable) => self.continued(runnable).await,
            Err(error) => Err(error),
        };
        let (line, is_refused) = match told {
            Ok(told) => ([vec![field("id", id.clone())], told, vec![field("seed", seed)]].concat(), false),
            Err(error) if is_of_request(&error) => {
                (vec![field("id", id.clone()), field("error", error_of(&error))], true)
            }
            Err(error) => return Err(error),
        };
        let line = [line, vec![field("fingerprint", self.fingerprint.as_str())]].concat();
        Ok(Answer { line: Json::Object(line).to_string(), is_refused })
    }

    /// The text, the tokens and the end of the one choice of a request.
    async fn continued(&self, runnable: Runnable) -> Result<Object, ApiError> {
        let Runnable { mut jobs, constraint, .. } = runnable;
        if jobs.len() != 1 {
            return Err(ApiError::wrong_value("prompt", "several texts", "one text"));
        }
        if let Some(constraint) = constraint {
            let filter = self.app.grammars.filter(constraint).await?;
            jobs.iter_mut().for_each(|job| _ = job.sampler.push_first(filter.clone()));
        }
        let mut running = self.app.worker.submit(jobs, self.terms());
        let (mut text, mut tokens) = (String::new(), Vec::new());
        loop {
            match running.next().await.1 {
                Event::Token { id, text: piece, is_shown, .. } => {
                    text += &piece;
                    tokens.extend(is_shown.then(|| Json::from_integer(id.into())));
                }
                Event::Done { text: rest, finish, .. } => {
                    text += &rest;
                    let tokens = Json::Array(tokens);
                    return Ok(vec![field("text", text), field("tokens", tokens), field("finish", finish.name())]);
                }
                Event::Failed(error) => return Err(error),
                _ => {}
            }
        }
    }

    async fn request(&self, id: &str, url: &str, body: &Object) -> Result<Answer, ApiError> {
        // Whatever else a request says, its draws start somewhere.
        let mut fields = Fields::of_object(self.with_fields(body.clone(), |name| name == "seed"));
        let told = match self.prepared(url, &mut fields) {
            Ok(runnable) => whole(&self.app, runnable, self.terms()).await,
            Err(error) => Err(error),
        };
        let (status, text) = match told {
            Ok(text) => (200, text),
            Err(error) if is_of_request(&error) => (error.status.as_u16(), error.body()),
            Err(error) => return Err(error),
        };
        let mut body = Json::of_text(text);
        let mut names = Names { of: format!("{}\n{id}", self.fingerprint), known: BTreeMap::new() };
        make_equal(&mut body, &mut names, true);
        let name = names.of("batch_req_");
        let response = vec![
            field("status_code", Json::from_integer(status.into())),
            field("request_id", name.as_str()),
            field("body", body),
        ];
        let line = vec![
            field("id", name),
            field("custom_id", id),
            field("response", Json::Object(response)),
            field("error", Json::Null),
            field("fingerprint", self.fingerprint.as_str()),
        ];
        Ok(Answer { line: Json::Object(line).to_string(), is_refused: status != 200 })
    }
}

fn error_of(error: &ApiError) -> Json {
    let param = error.param.as_ref().map_or(Json::Null, |param| Json::from(param.as_str()));
    Json::Object(vec![field("code", error.code), field("message", error.message.as_str()), field("param", param)])
}

/// Names in place of those that were drawn.
struct Names {
    /// What they follow from.
    of: String,
    known: BTreeMap<String, String>,
}

impl Names {
    /// The name in place of another one; its prefix stays.
    fn of(&mut self, drawn: &str) -> String {
        let prefix = drawn.rsplit_once('_').map_or_else(|| drawn.rsplit_once('-'), Some);
        let (prefix, mark) = prefix.map_or(("", ""), |(prefix, _)| (prefix, &drawn[prefix.len()..=prefix.len()]));
        let count = self.known.len();
        let told = format!("{}\n{count}", self.of);
        let name = || format!("{prefix}{mark}{}", &hex(&Sha256::digest(told))[..24]);
        self.known.entry(drawn.to_owned()).or_insert_with(name).clone()
    }
}

/// Takes out of an answer what differs from run to run. Only the server's own fields are looked at: a response repeats
/// fields of its request.
fn make_equal(value: &mut Json, names: &mut Names, is_whole: bool) {
    match value {
        Json::Array(items) => items.iter_mut().for_each(|item| make_equal(item, names, is_whole)),
        Json::Object(fields) => {
            fields.retain(|(name, _)| !(is_whole && name == "timings"));
            for (name, value) in fields {
                match (name.as_str(), &*value) {
                    ("id" | "call_id", Json::String(drawn)) => *value = Json::String(names.of(drawn)),
                    ("created" | "created_at" | "completed_at", Json::Number(_)) if is_whole => {
                        *value = Json::from_integer(0);
                    }
                    ("cached_tokens", _) => *value = Json::from_integer(0),
                    ("choices" | "output" | "usage" | "message" | "tool_calls", _)
                    | ("prompt_tokens_details" | "input_tokens_details", _) => make_equal(value, names, false),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}
