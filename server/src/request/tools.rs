//! Tools that a model may call, and whether it has to. What does not belong here: how calls are written (`prepare`).

use crate::error::ApiError;
use crate::fields::{Field, Fields};
use crate::json::Json;

/// A tool.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolDefinition {
    /// Its name.
    pub name: String,
    /// The schema of its arguments.
    pub parameters: Option<Json>,
    /// Where the schema stands in the request.
    pub param: String,
    /// Whether calls are kept to the schema.
    pub strict: bool,
    /// The tool as a template is given it.
    pub described: Json,
}

/// Which calls there may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// None.
    None,
    /// Any, or none.
    #[default]
    Auto,
    /// At least one.
    Required,
    /// One of this tool.
    Named(String),
}

/// Tools and how they are used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tools {
    /// The tools that may be called; none where the choice is none.
    pub list: Vec<ToolDefinition>,
    /// Which calls there may be.
    pub choice: ToolChoice,
    /// Where the choice stands in the request.
    pub choice_param: String,
    /// Whether there may be more than one call.
    pub parallel: bool,
}

/// Most tools.
const MOST_TOOLS: usize = 1024;

impl ToolDefinition {
    /// A tool of a name, which templates are told of as OpenAI's API describes tools.
    pub fn new(name: String, description: Option<String>, parameters: Option<Json>, strict: bool, param: &str) -> Self {
        let mut function = vec![("name".to_owned(), Json::String(name.clone()))];
        function.extend(description.map(|text| ("description".to_owned(), Json::String(text))));
        function.extend(parameters.clone().map(|schema| ("parameters".to_owned(), schema)));
        let described = Json::Object(vec![
            ("type".to_owned(), Json::from("function")),
            ("function".to_owned(), Json::Object(function)),
        ]);
        ToolDefinition { name, parameters, param: param.to_owned(), strict, described }
    }

    /// A tool with its fields in an object `function`.
    fn nested(field: Field) -> Result<ToolDefinition, ApiError> {
        let described = field.value().clone();
        let mut fields = field.object()?;
        fields.require("type")?.one_of(&["function"])?;
        let function = fields.require("function")?.object()?;
        Ok(ToolDefinition { described, ..ToolDefinition::flat(function)? })
    }

    /// A tool with its fields in this object.
    ///
    /// # Errors
    /// One of them is wrong.
    pub fn flat(mut function: Fields) -> Result<ToolDefinition, ApiError> {
        let param = function.path_of("parameters");
        let name = function.require("name")?.string()?;
        let description = function.opt("description", Field::string)?;
        let parameters = function.opt("parameters", |field| match field.value() {
            Json::Object(_) => Ok(field.json()),
            _ => field.expected("an object"),
        })?;
        let strict = function.or("strict", false, Field::bool)?;
        Ok(ToolDefinition::new(name, description, parameters, strict, &param))
    }
}

impl Tools {
    /// Takes `tools`, `tool_choice` and `parallel_tool_calls`.
    ///
    /// # Errors
    /// One of them is wrong.
    pub fn read(fields: &mut Fields) -> Result<Tools, ApiError> {
        for name in ["functions", "function_call"] {
            fields.refuse(name, &Json::Null, "use `tools` and `tool_choice`")?;
        }
        let list = fields.or("tools", Vec::new(), |field| tools(field, ToolDefinition::nested))?;
        let mut tools = Tools::of(list, fields)?;
        if let Some(choice) = fields.take("tool_choice") {
            tools.choose(choice, true)?;
        }
        Ok(tools)
    }

    /// The same where tools and named choices have their fields in no object of their own, as `/v1/responses` has it.
    ///
    /// # Errors
    /// As [`Tools::read`].
    pub fn read_flat(fields: &mut Fields) -> Result<Tools, ApiError> {
        let flat = |field: Field| {
            let mut fields = field.object()?;
            fields.require("type")?.one_of(&["function"])?;
            ToolDefinition::flat(fields)
        };
        let list = fields.or("tools", Vec::new(), |field| tools(field, flat))?;
        let mut tools = Tools::of(list, fields)?;
        if let Some(choice) = fields.take("tool_choice") {
            tools.choose(choice, false)?;
        }
        Ok(tools)
    }

    fn of(list: Vec<ToolDefinition>, fields: &mut Fields) -> Result<Tools, ApiError> {
        let choice_param = fields.path_of("tool_choice");
        let parallel = fields.or("parallel_tool_calls", true, Field::bool)?;
        Ok(Tools { list, choice: ToolChoice::Auto, choice_param, parallel })
    }

    /// Takes a choice.
    fn choose(&mut self, choice: Field, nested: bool) -> Result<(), ApiError> {
        match choice.value() {
            Json::String(_) => self.mode(choice.one_of(&["none", "auto", "required"])?),
            Json::Object(_) => {
                let mut choice = choice.object()?;
                match choice.require("type")?.one_of(&["function", "allowed_tools"])? {
                    "function" => {
                        let mut named = if nested { choice.require("function")?.object()? } else { choice };
                        let name = named.require("name")?.string()?;
                        self.name(name)
                    }
                    _ => {
                        let allowed = if nested { choice.require("allowed_tools")?.object()? } else { choice };
                        self.allow(allowed, nested)
                    }
                }
            }
            _ => choice.expected("a string or an object"),
        }
    }

    /// Takes a choice by its name.
    ///
    /// # Errors
    /// A call is asked for and there are no tools.
    pub fn mode(&mut self, mode: &str) -> Result<(), ApiError> {
        self.choice = match mode {
            "none" => {
                self.list.clear();
                ToolChoice::None
            }
            "required" if self.list.is_empty() => {
                return Err(ApiError::wrong_value(&self.choice_param, "\"required\"", "`tools` with it"));
            }
            "required" => ToolChoice::Required,
            _ => ToolChoice::Auto,
        };
        Ok(())
    }

    /// Chooses a tool.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn name(&mut self, name: String) -> Result<(), ApiError> {
        if !self.list.iter().any(|tool| tool.name == name) {
            let found = Json::from(name).to_string();
            return Err(ApiError::wrong_value(&self.choice_param, &found, "the name of one of `tools`"));
        }
        self.choice = ToolChoice::Named(name);
        Ok(())
    }

    fn allow(&mut self, mut allowed: Fields, nested: bool) -> Result<(), ApiError> {
        let mode = allowed.require("mode")?.one_of(&["auto", "required"])?;
        let mut names = Vec::new();
        for tool in allowed.require("tools")?.array()? {
            let mut tool = tool.object()?;
            tool.require("type")?.one_of(&["function"])?;
            let mut tool = if nested { tool.require("function")?.object()? } else { tool };
            let name = tool.require("name")?.string()?;
            self.name(name.clone())?;
            names.push(name);
        }
        self.list.retain(|tool| names.contains(&tool.name));
        self.mode(mode)
    }
}

fn tools(
    field: Field,
    read: impl Fn(Field) -> Result<ToolDefinition, ApiError>,
) -> Result<Vec<ToolDefinition>, ApiError> {
    let path = field.path().to_owned();
    let mut tools: Vec<ToolDefinition> = Vec::new();
    for tool in field.array()? {
        let here = tool.path().to_owned();
        let tool = read(tool)?;
        if tools.iter().any(|other| other.name == tool.name) {
            let found = Json::from(tool.name).to_string();
            return Err(ApiError::wrong_value(&here, &found, "a tool of another name than those before"));
        }
        tools.push(tool);
    }
    match tools.len() > MOST_TOOLS {
        true => Err(ApiError::wrong_value(&path, "longer", &format!("at most {MOST_TOOLS} tools"))),
        false => Ok(tools),
    }
}
