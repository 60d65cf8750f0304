//! A conversation as tokens, in the form of a model's chat template. What does not belong here: the template's language
//! (`trine-text`).

use super::fallback;
use crate::error::ApiError;
use crate::json::Json;
use crate::options::ToolOptions;
use crate::request::Conversation;
use serde::{Serialize, Serializer};
use trine::model::{Engine, EngineError};
use trine::text::ChatError;

/// Variables of a template.
struct Variables<'v>(Vec<(&'v str, &'v Json)>);

impl Serialize for Variables<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// The tokens of a conversation.
///
/// # Errors
/// The model has no template, or its template refuses the conversation.
pub fn conversation_tokens(
    engine: &Engine,
    options: ToolOptions,
    conversation: &Conversation,
) -> Result<Vec<u32>, ApiError> {
    let template = engine.chat_template().map_err(|error| match error {
        EngineError::NoTemplate { why, .. } => {
            ApiError::bad("no_chat_template", format!("no conversation is possible: {why}"))
        }
        other => ApiError::bad("template_error", other.to_string()),
    })?;
    let describes = options.describes(template.text());
    if !conversation.tools.list.is_empty() && !describes && !template.text().contains("tools") {
        let message = "the model was trained without tools: its chat template does not write them";
        return Err(ApiError::bad("tools_unsupported", message).at("tools"));
    }
    let mut messages = conversation.messages.clone();
    if describes {
        messages = fallback::described(messages, &conversation.tools);
    }
    if !template.text().contains("developer") {
        messages.iter_mut().for_each(speak_as_system);
    }
    let tools = Json::Array(conversation.tools.list.iter().map(|tool| tool.described.clone()).collect());
    let messages = Json::Array(messages);
    let generation = Json::Bool(conversation.add_generation_prompt);
    let mut variables: Vec<(&str, &Json)> = vec![("messages", &messages), ("add_generation_prompt", &generation)];
    if !conversation.tools.list.is_empty() {
        variables.push(("tools", &tools));
    }
    variables.extend(conversation.documents.iter().map(|documents| ("documents", documents)));
    let own = ["messages", "add_generation_prompt", "tools", "documents"];
    let further = conversation.variables.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    variables.extend(further.map(|(name, value)| (name.as_str(), value)));
    let last = conversation.messages.last().and_then(|message| message.get("content")?.as_str());
    let last = last.filter(|_| conversation.continue_final_message);
    let refused = |error: ChatError| ApiError::bad("template_error", error.to_string()).at("messages");
    let ids = template.encode_with(engine.tokenizer(), &Variables(variables), last).map_err(refused)?;
    match ids.is_empty() {
        true => Err(ApiError::bad("template_error", "the template makes nothing of the conversation").at("messages")),
        false => Ok(ids),
    }
}

/// Gives the role of instructions the name by which most templates know it.
fn speak_as_system(message: &mut Json) {
    let Json::Object(fields) = message else { return };
    for (name, value) in fields {
        if name == "role" && value.as_str() == Some("developer") {
            *value = Json::from("system");
        }
    }
}
