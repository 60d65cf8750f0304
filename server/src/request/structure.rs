//! The form that an answer has to have: `response_format` and its relatives. What does not belong here: how tokens are
//! kept to it.

use crate::error::ApiError;
use crate::fields::{Field, Fields};
use crate::json::Json;

/// The form of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Structure {
    /// A JSON object.
    Object,
    /// A JSON document of a schema.
    Schema(Json),
    /// A text that an expression matches.
    Regex(String),
    /// One of some texts.
    Choice(Vec<String>),
    /// A text of a grammar in Lark's form.
    Lark(String),
    /// A text of a grammar in llama.cpp's form.
    Gbnf(String),
    /// A text of a grammar in Lark's form that names others: documents of schemas.
    Parts(String, Vec<SchemaPart>),
}

/// A schema that a grammar names.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaPart {
    /// Its name in the grammar.
    pub name: String,
    /// The path of the field that has it.
    pub param: String,
    /// The schema.
    pub schema: Json,
}

/// A form, and the field that asks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Structured {
    /// The form.
    pub structure: Structure,
    /// The path of the field.
    pub param: String,
}

impl Structured {
    /// Takes the fields, of which one at most may ask for a form.
    ///
    /// # Errors
    /// One of them is wrong, or two ask.
    pub fn read(fields: &mut Fields) -> Result<Option<Structured>, ApiError> {
        let mut found = Vec::new();
        found.extend(fields.opt("response_format", response_format)?.flatten());
        found.extend(fields.opt("json_schema", schema)?);
        found.extend(fields.opt("grammar", |field| text(field, Structure::Gbnf))?);
        if let Some(outputs) = fields.take("structured_outputs") {
            let mut outputs = outputs.object()?;
            found.extend(outputs.opt("json", schema)?);
            found.extend(outputs.opt("regex", |field| text(field, Structure::Regex))?);
            found.extend(outputs.opt("choice", choice)?);
            found.extend(outputs.opt("grammar", |field| text(field, Structure::Lark))?);
            found.extend(outputs.opt("json_object", object)?.flatten());
            for name in ["structural_tag", "whitespace_pattern"] {
                outputs.refuse(name, &Json::Null, "a form is a schema, an expression, a choice or a grammar")?;
            }
        }
        fields.refuse("guided_whitespace_pattern", &Json::Null, "blanks of JSON are as this server has them")?;
        found.extend(fields.opt("guided_json_object", object)?.flatten());
        found.extend(fields.opt("guided_json", schema)?);
        found.extend(fields.opt("guided_regex", |field| text(field, Structure::Regex))?);
        found.extend(fields.opt("guided_choice", choice)?);
        found.extend(fields.opt("guided_grammar", |field| text(field, Structure::Lark))?);
        match found.get(1) {
            Some(second) => Err(ApiError::wrong_value(&second.param, "there", "one field that asks for a form")),
            None => Ok(found.pop()),
        }
    }
}

fn text(field: Field, of: impl FnOnce(String) -> Structure) -> Result<Structured, ApiError> {
    let param = field.path().to_owned();
    Ok(Structured { structure: of(field.string()?), param })
}

/// Any object, where the field is true.
fn object(field: Field) -> Result<Option<Structured>, ApiError> {
    let param = field.path().to_owned();
    Ok(field.bool()?.then_some(Structured { structure: Structure::Object, param }))
}

fn choice(field: Field) -> Result<Structured, ApiError> {
    let param = field.path().to_owned();
    let texts = field.array()?.into_iter().map(Field::string).collect::<Result<Vec<_>, _>>()?;
    match texts.is_empty() || texts.iter().any(String::is_empty) {
        true => Err(ApiError::wrong_value(&param, "empty, or has an empty text", "at least one text, none empty")),
        false => Ok(Structured { structure: Structure::Choice(texts), param }),
    }
}

/// A schema: an object, `true`, or such a document as a text.
pub(super) fn schema(field: Field) -> Result<Structured, ApiError> {
    let param = field.path().to_owned();
    let structure = match field.value() {
        Json::Object(_) | Json::Bool(true) => Structure::Schema(field.json()),
        Json::String(text) => match Json::parse(text.as_bytes()) {
            Ok(schema @ Json::Object(_)) => Structure::Schema(schema),
            _ => return field.out_of_range("a JSON schema"),
        },
        _ => return field.expected("a JSON schema"),
    };
    Ok(Structured { structure, param })
}

/// A form whose fields are in no object of their own, as `/v1/responses` has it.
pub(super) fn flat_format(field: Field) -> Result<Option<Structured>, ApiError> {
    let param = field.path().to_owned();
    let mut format = field.object()?;
    match format.require("type")?.one_of(&["text", "json_object", "json_schema"])? {
        "text" => Ok(None),
        "json_object" => Ok(Some(Structured { structure: Structure::Object, param })),
        _ => schema(format.require("schema")?).map(Some),
    }
}

fn response_format(field: Field) -> Result<Option<Structured>, ApiError> {
    let param = field.path().to_owned();
    let mut format = field.object()?;
    match format.require("type")?.one_of(&["text", "json_object", "json_schema"])? {
        "text" => Ok(None),
        "json_object" => match format.take("schema") {
            Some(given) => schema(given).map(Some),
            None => Ok(Some(Structured { structure: Structure::Object, param })),
        },
        _ => {
            let mut named = format.require("json_schema")?.object()?;
            named.opt("name", Field::string)?;
            named.opt("description", Field::string)?;
            named.opt("strict", Field::bool)?;
            schema(named.require("schema")?).map(Some)
        }
    }
}
