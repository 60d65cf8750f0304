//! Which row stands for a text, as sentence-transformers write it beside a model: `modules.json` names a folder, whose
//! `config.json` says it.
//!
//! What belongs here: reading these files. What does not: making the row
//! ([`Transformer::embeddings`](crate::Transformer::embeddings)).

use crate::description::ConfigError;
use serde_json::Value;
use std::path::{Component, Path};
use trine_loader::json::{self, Object};
use trine_ops::Pooling;

const MODULES: &str = "modules.json";
const MODES: &str = "pooling_mode_";

/// The pooling of the model in a directory, where the directory says it.
pub(super) fn read(directory: &Path) -> Result<Option<Pooling>, ConfigError> {
    let path = directory.join(MODULES);
    if json::text(&path)?.is_none() {
        return Ok(None);
    }
    let (modules, _): (Vec<Value>, _) = json::parse(&path)?;
    let text = |module: &Value, key| module.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(module) = modules.iter().find(|module| text(module, "type").ends_with(".Pooling")) else {
        return Ok(None);
    };
    let folder = text(module, "path");
    let folder = Path::new(&folder);
    if !folder.components().all(|part| matches!(part, Component::Normal(_))) {
        let expected = "a folder of the directory";
        let file = path.display().to_string();
        return Err(ConfigError::value(file, "path", format!("{:?}", folder), expected));
    }
    let object = Object::open(&directory.join(folder).join("config.json"))?;
    let modes = object.iter().filter(|(key, value)| key.starts_with(MODES) && value.as_bool() == Some(true));
    let modes: Vec<&str> = modes.map(|(key, _)| key).collect();
    match modes[..] {
        ["pooling_mode_lasttoken"] => Ok(Some(Pooling::Last)),
        ["pooling_mode_mean_tokens"] => Ok(Some(Pooling::Mean)),
        _ => {
            let expected = "`pooling_mode_lasttoken` or `pooling_mode_mean_tokens`, and no other";
            Err(ConfigError::value(object.file(), MODES, format!("{modes:?}"), expected))
        }
    }
}
