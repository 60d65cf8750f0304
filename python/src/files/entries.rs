//! Metadata of a file as a document. What does not belong here: tensors.

use serde_json::{Map, Value as Json, json};
use trine::loader::{Array, Value};

/// The entries by their keys.
pub fn document(entries: Vec<(String, Value)>) -> Json {
    Json::Object(entries.into_iter().map(|(key, value)| (key, of(&value))).collect::<Map<_, _>>())
}

fn of(value: &Value) -> Json {
    match value {
        Value::U8(n) => json!(n),
        Value::I8(n) => json!(n),
        Value::U16(n) => json!(n),
        Value::I16(n) => json!(n),
        Value::U32(n) => json!(n),
        Value::I32(n) => json!(n),
        Value::U64(n) => json!(n),
        Value::I64(n) => json!(n),
        Value::F32(n) => shortest(*n),
        Value::F64(n) => json!(n),
        Value::Bool(truth) => json!(truth),
        Value::String(text) => json!(text),
        Value::Array(array) => elements(array),
    }
}

fn elements(array: &Array) -> Json {
    match array {
        Array::U8(items) => json!(items),
        Array::I8(items) => json!(items),
        Array::U16(items) => json!(items),
        Array::I16(items) => json!(items),
        Array::U32(items) => json!(items),
        Array::I32(items) => json!(items),
        Array::U64(items) => json!(items),
        Array::I64(items) => json!(items),
        Array::F32(items) => items.iter().map(|&n| shortest(n)).collect(),
        Array::F64(items) => json!(items),
        Array::Bool(items) => json!(items),
        Array::String(items) => items.iter().collect(),
        Array::Array(items) => items.iter().map(elements).collect(),
    }
}

/// The number with the fewest digits that is this `f32`.
fn shortest(number: f32) -> Json {
    number.to_string().parse::<f64>().map_or(Json::Null, |number| json!(number))
}
