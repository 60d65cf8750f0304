//! How the calls of a model's chat template are written: what takes them apart, and the grammar that they are kept to.
//! What does not belong here: which calls a request allows (`request`), and taking them apart (`trine-text`).

use crate::error::ApiError;
use crate::grammar::{Begins, Constraint, literal, one_of};
use crate::json::Json;
use crate::options::{ToolFormat, ToolOptions};
use crate::request::{SchemaPart, Structure, Structured, ToolChoice, ToolDefinition, Tools};
use std::collections::BTreeMap;
use std::fmt::Write;
use trine::text::{CallFormat, CallParser, Tool};

/// The tag behind which a call stands.
const TAG: &str = "<tool_call>";

impl ToolFormat {
    /// The form of a template, where it is one that is known.
    fn of(template: &str) -> Option<ToolFormat> {
        let has = |text: &str| template.contains(text);
        if has("<function=") {
            Some(ToolFormat::QwenXml)
        } else if has(TAG) {
            Some(ToolFormat::Hermes)
        } else if has("<|python_tag|>") || has("\"parameters\"") {
            Some(ToolFormat::Llama3Json)
        } else {
            None
        }
    }

    /// What takes calls of these tools apart.
    pub(crate) fn parser(self, tools: &Tools) -> CallParser {
        let format = if self == ToolFormat::Llama3Json { CallFormat::Bare } else { CallFormat::Tagged };
        CallParser::new(tools.list.iter().map(shape).collect(), format)
    }

    /// The grammar of the calls of an answer, where some are asked for or kept to their schemas. Where the answer has
    /// no thought before it, it begins so.
    ///
    /// # Errors
    /// A tool that is kept to its schema has a parameter that this form does not keep.
    pub(crate) fn constraint(self, tools: &Tools, answer: Begins) -> Result<Option<Constraint>, ApiError> {
        let has_strict = tools.list.iter().any(|tool| tool.strict);
        let (chosen, is_auto) = match &tools.choice {
            ToolChoice::Auto if has_strict => (tools.list.iter().collect::<Vec<_>>(), true),
            ToolChoice::None | ToolChoice::Auto => return Ok(None),
            ToolChoice::Required => (tools.list.iter().collect(), false),
            ToolChoice::Named(name) => (tools.list.iter().filter(|tool| tool.name == *name).collect(), false),
        };
        let many = tools.parallel && !matches!(tools.choice, ToolChoice::Named(_));
        let mut grammar = Grammar::default();
        let names: Vec<String> = chosen.iter().enumerate().map(|(at, _)| format!("f{at}")).collect();
        let (open, close, between) = self.around();
        let (open, close) = (literal(open), literal(close));
        let more = if many { format!(" ({} call)*", literal(between)) } else { String::new() };
        let start = match (is_auto, self) {
            // Behind the tag, which the model has written itself.
            (true, ToolFormat::Hermes | ToolFormat::QwenXml) => format!("start: /\\n?/ one {close}\n"),
            (true, ToolFormat::Llama3Json) => format!("start: /[^\\{{\\s<](?s:.*)/ | \"\" | call{more}\n"),
            (false, _) => format!("start: call{more}\n"),
        };
        grammar.text = format!("{start}call: {open} one {close}\none: {}\n", names.join(" | "));
        for (name, tool) in names.iter().zip(&chosen) {
            let schema = schema_of(tool, !is_auto || tool.strict);
            match self {
                ToolFormat::QwenXml => grammar.marked(name, tool, &schema),
                ToolFormat::Hermes => grammar.object(name, tool, schema, "arguments"),
                ToolFormat::Llama3Json => grammar.object(name, tool, schema, "parameters"),
            }
        }
        let param = if is_auto { "tools".to_owned() } else { tools.choice_param.clone() };
        let structure = Structure::Parts(grammar.text, grammar.parts);
        let begins = if is_auto && self != ToolFormat::Llama3Json { Begins::AtTag(TAG) } else { answer };
        Ok(Some(Constraint { form: Structured { structure, param }, begins }))
    }

    /// What stands before a call, behind it and between two.
    fn around(self) -> (&'static str, &'static str, &'static str) {
        match self {
            ToolFormat::Hermes | ToolFormat::QwenXml => ("<tool_call>\n", "\n</tool_call>", "\n"),
            ToolFormat::Llama3Json => ("", "", "; "),
        }
    }
}

impl ToolOptions {
    /// How the calls of answers are written, where that is known.
    pub(crate) fn form(self, template: &str) -> Option<ToolFormat> {
        let described = self.describes(template).then_some(ToolFormat::Hermes);
        self.format.or(described).or_else(|| ToolFormat::of(template))
    }

    /// Whether tools are described in a system message, as the template does not write them.
    pub(crate) fn describes(self, template: &str) -> bool {
        self.fallback && !template.contains("tools")
    }

    /// Whether the model is told of tools, and its calls are in a form that is known.
    pub(crate) fn are_known(self, template: &str) -> bool {
        (template.contains("tools") || self.fallback) && self.form(template).is_some()
    }
}

/// A grammar in the making.
#[derive(Default)]
struct Grammar {
    text: String,
    parts: Vec<SchemaPart>,
}

impl Grammar {
    /// A schema as a rule.
    fn schema(&mut self, param: &str, schema: Json) -> String {
        let name = format!("s{}", self.parts.len());
        let rule = format!("@{name}");
        self.parts.push(SchemaPart { name, param: param.to_owned(), schema });
        rule
    }

    fn rule(&mut self, name: &str, body: &str) {
        // A `String` takes everything.
        let _ = writeln!(self.text, "{name}: {body}");
    }

    fn object(&mut self, name: &str, tool: &ToolDefinition, schema: Json, field: &str) {
        let head = format!("{{\"name\": {}, \"{field}\": ", Json::from(tool.name.as_str()));
        let schema = self.schema(&tool.param, schema);
        self.rule(name, &format!("{} {schema} {}", literal(&head), literal("}")));
    }

    fn marked(&mut self, name: &str, tool: &ToolDefinition, schema: &Json) {
        let required: Vec<&str> = match schema.get("required") {
            Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        let mut body = literal(&format!("<function={}>\n", tool.name));
        let properties = match schema.get("properties") {
            Some(Json::Object(properties)) => properties.as_slice(),
            _ => &[],
        };
        for (at, (key, property)) in properties.iter().enumerate() {
            let value = format!("{name}v{at}");
            let behind = "\n</parameter>\n";
            match (kind(property), property.get("enum")) {
                (Kind::Text, Some(Json::Array(texts))) => {
                    let texts = one_of(texts.iter().filter_map(Json::as_str));
                    self.rule(&value, &format!("/{texts}/ {}", literal(behind)));
                }
                (Kind::Text, _) => {
                    let head = format!("{value}[suffix={}]", Json::from(behind));
                    self.rule(&head, "/(?s:.*)/");
                }
                _ => {
                    let param = format!("{}.properties.{key}", tool.param);
                    let schema = self.schema(&param, with_definitions(property, schema));
                    self.rule(&value, &format!("{schema} {}", literal(behind)));
                }
            }
            let parameter = format!("{} {value}", literal(&format!("<parameter={key}>\n")));
            let _ = match required.contains(&key.as_str()) {
                true => write!(body, " {parameter}"),
                false => write!(body, " ({parameter})?"),
            };
        }
        self.rule(name, &format!("{body} {}", literal("</function>")));
    }
}

/// The schema of the arguments of a tool: an object, and any where calls of the tool are not kept to it.
fn schema_of(tool: &ToolDefinition, is_kept: bool) -> Json {
    let mut fields = match &tool.parameters {
        Some(Json::Object(fields)) if is_kept => fields.clone(),
        _ => Vec::new(),
    };
    if !fields.iter().any(|(name, _)| name == "type") {
        fields.insert(0, ("type".to_owned(), Json::from("object")));
    }
    Json::Object(fields)
}

/// A part of a schema, with what it may refer to.
fn with_definitions(part: &Json, whole: &Json) -> Json {
    let mut part = part.clone();
    if let Json::Object(fields) = &mut part {
        for name in ["$defs", "definitions"] {
            let known = whole.get(name).filter(|_| !fields.iter().any(|(field, _)| field == name)).cloned();
            fields.extend(known.map(|definitions| (name.to_owned(), definitions)));
        }
    }
    part
}

/// What a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Other,
}

fn kind(property: &Json) -> Kind {
    match property.get("type").and_then(Json::as_str) {
        Some("string") => Kind::Text,
        _ => Kind::Other,
    }
}

/// A tool, as far as its calls are read.
fn shape(tool: &ToolDefinition) -> Tool {
    let properties = tool.parameters.as_ref().and_then(|parameters| parameters.get("properties"));
    let parameters: BTreeMap<String, bool> = match properties {
        Some(Json::Object(fields)) => {
            fields.iter().map(|(name, property)| (name.clone(), kind(property) == Kind::Text)).collect()
        }
        _ => BTreeMap::new(),
    };
    Tool { name: tool.name.clone(), parameters }
}
