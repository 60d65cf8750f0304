//! How the answer to a conversation is read: whether its model thinks, how it calls tools, where the form begins that
//! it is kept to. What does not belong here: taking it apart (`answer`).

use super::grammar::constraint;
use crate::answer::MessageParser;
use crate::error::ApiError;
use crate::grammar::{Begins, Constraint};
use crate::json::Json;
use crate::options::ToolOptions;
use crate::request::{Conversation, Ending, Structured, ToolChoice};
use trine::model::Engine;
use trine::text::ThoughtParser;

/// Tokens at the end of a prompt among which the tag of a thought is looked for.
const LAST: usize = 8;

/// How an answer is read, and the form that it is kept to.
#[derive(Debug)]
pub struct Reading {
    /// What takes it apart.
    pub parser: MessageParser,
    /// What tells its thoughts, where its model thinks.
    pub thoughts: Option<ThoughtParser>,
    /// The form.
    pub constraint: Option<Constraint>,
}

/// How the answer to a conversation is read, which is these tokens.
///
/// # Errors
/// The request asks for what the model's template, or a text of a form, does not have.
pub fn reading(
    engine: &Engine,
    options: ToolOptions,
    conversation: &Conversation,
    prompt: &[u32],
    form: Option<Structured>,
    ending: &Ending,
) -> Result<Reading, ApiError> {
    let template = engine.chat_template().map_or("", |template| template.text());
    let thinks = template.contains(ThoughtParser::CLOSE) && !conversation.continue_final_message;
    let (thoughts, begins) = if thinks { thinking(engine, conversation, prompt) } else { (None, Begins::AtOnce) };
    let tools = &conversation.tools;
    let call_form = options.form(template).filter(|_| !tools.list.is_empty());
    let is_free = tools.choice == ToolChoice::Auto && !tools.list.iter().any(|tool| tool.strict);
    if call_form.is_none() && !tools.list.is_empty() && !is_free {
        let message = "the chat template of this model has no form of calls that is known here";
        return Err(ApiError::bad("tools_unsupported", message).at(&tools.choice_param));
    }
    let of_calls = match call_form {
        Some(call_form) => call_form.constraint(tools, begins.clone())?,
        None => None,
    };
    if let (Some(form), Some(_)) = (&form, &of_calls) {
        return Err(ApiError::unsupported(&form.param, "together with calls of tools that are kept to their schemas"));
    }
    let (form, begins) = match of_calls {
        Some(Constraint { form, begins }) => (Some(form), begins),
        None => (form, begins),
    };
    let most_calls = if tools.parallel { usize::MAX } else { 1 };
    let parser = MessageParser::new(thoughts.clone(), call_form.map(|form| form.parser(tools)));
    Ok(Reading { thoughts, parser: parser.with_calls(most_calls), constraint: constraint(form, begins, ending)? })
}

/// What tells thoughts from the answer, and where the answer begins.
fn thinking(engine: &Engine, conversation: &Conversation, prompt: &[u32]) -> (Option<ThoughtParser>, Begins) {
    let end = &prompt[prompt.len().saturating_sub(LAST)..];
    let parser = ThoughtParser::new().after(&engine.tokenizer().decode(end, true).unwrap_or_default());
    let is_off = |(name, value): &(String, Json)| name == "enable_thinking" && *value == Json::Bool(false);
    let may_open = !conversation.variables.iter().any(is_off);
    let begins = Begins::BehindThought {
        is_open: parser.is_in_thought(),
        open: engine.tokenizer().id(ThoughtParser::OPEN).filter(|_| may_open),
        close: ThoughtParser::CLOSE,
    };
    (Some(parser), begins)
}
