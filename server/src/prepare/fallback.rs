//! Tools for a model whose chat template does not write them: described in a system message, with calls and what they
//! brought as text. What does not belong here: reading the calls of answers (`calls.rs`).

use crate::json::Json;
use crate::request::Tools;

/// The conversation in messages that every template knows: roles `system`, `user` and `assistant`, and text.
pub fn described(messages: Vec<Json>, tools: &Tools) -> Vec<Json> {
    let mut messages: Vec<Json> = messages.into_iter().map(plain).collect();
    if tools.list.is_empty() {
        return messages;
    }
    let text = instructions(tools);
    match messages.first_mut() {
        Some(Json::Object(fields)) if text_of(fields, "role") == "system" => {
            let before = text_of(fields, "content").to_owned();
            set(fields, "content", format!("{before}\n\n{text}"));
        }
        _ => messages.insert(0, message("system", text)),
    }
    messages
}

/// What a model is told of its tools.
fn instructions(tools: &Tools) -> String {
    let list: String = tools.list.iter().map(|tool| format!("{}\n", tool.described)).collect();
    format!(
        "You can call these tools, each of which is described by a JSON object:\n<tools>\n{list}</tools>\nTo call one, \
         write its name and its arguments as a JSON object between tags:\n<tool_call>\n\
         {{\"name\": \"NAME\", \"arguments\": {{...}}}}\n</tool_call>"
    )
}

/// A message whose calls are part of its text. What a call brought is said by the user, as it is no text of the model.
fn plain(message_of: Json) -> Json {
    let Json::Object(mut fields) = message_of else { return message_of };
    let content = text_of(&fields, "content").to_owned();
    if text_of(&fields, "role") == "tool" {
        return message("user", format!("<tool_response>\n{content}\n</tool_response>"));
    }
    let Some(at) = fields.iter().position(|(name, _)| name == "tool_calls") else { return Json::Object(fields) };
    let (_, calls) = fields.remove(at);
    let Json::Array(calls) = calls else { return Json::Object(fields) };
    let said = (!content.is_empty()).then_some(content);
    let called = calls.iter().filter_map(|call| {
        let function = call.get("function")?;
        let (name, arguments) = (function.get("name")?, function.get("arguments")?);
        Some(format!("<tool_call>\n{{\"name\": {name}, \"arguments\": {arguments}}}\n</tool_call>"))
    });
    let text: Vec<String> = said.into_iter().chain(called).collect();
    set(&mut fields, "content", text.join("\n"));
    Json::Object(fields)
}

fn message(role: &str, content: String) -> Json {
    Json::Object(vec![("role".to_owned(), Json::from(role)), ("content".to_owned(), Json::String(content))])
}

fn text_of<'f>(fields: &'f [(String, Json)], name: &str) -> &'f str {
    let field = fields.iter().find(|(field, _)| field == name);
    field.and_then(|(_, value)| value.as_str()).unwrap_or_default()
}

fn set(fields: &mut [(String, Json)], name: &str, text: String) {
    if let Some((_, value)) = fields.iter_mut().find(|(field, _)| field == name) {
        *value = Json::String(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::ToolDefinition;

    fn parsed(text: &str) -> Vec<Json> {
        match Json::parse(text.as_bytes()).unwrap() {
            Json::Array(items) => items,
            other => vec![other],
        }
    }

    #[test]
    fn tools_are_told_once_and_calls_become_text() {
        let tool = ToolDefinition::new("add".to_owned(), Some("Adds".to_owned()), None, false, "p");
        let tools = Tools { list: vec![tool], ..Tools::default() };
        let said = r#"[{"role":"user","content":"2+2?"},
            {"role":"assistant","content":"","tool_calls":[{"function":{"name":"add","arguments":{"a":2}}}]},
            {"role":"tool","tool_call_id":"c","content":"4"}]"#;
        let told = described(parsed(said), &tools);
        let roles: Vec<&str> = told.iter().map(|message| message.get("role").unwrap().as_str().unwrap()).collect();
        assert_eq!(roles, ["system", "user", "assistant", "user"]);
        let text = |at: usize| told[at].get("content").unwrap().as_str().unwrap();
        assert!(
            text(0).contains(r#"{"type":"function","function":{"name":"add","description":"Adds"}}"#),
            "{}",
            text(0)
        );
        let call = r#"{"name": "add", "arguments": {"a":2}}"#;
        assert_eq!(text(2), format!("<tool_call>\n{call}\n</tool_call>"));
        assert_eq!(text(3), "<tool_response>\n4\n</tool_response>");
        assert!(told[2].get("tool_calls").is_none());
        // A system message of the conversation stays the first one.
        let told = described(parsed(r#"[{"role":"system","content":"Be short."}]"#), &tools);
        assert_eq!(told.len(), 1);
        assert!(told[0].get("content").unwrap().as_str().unwrap().starts_with("Be short.\n\nYou can call"));
        let alone = parsed(r#"[{"role":"user","content":"Hi"}]"#);
        assert_eq!(described(alone.clone(), &Tools::default()), alone);
    }
}
