//! What a file holds, tensor by tensor, for people who look for what is wrong with it.
//!
//! Nothing here refuses a file: [`Config`], [`load`](crate::load) and
//! [`Tokenizer`](crate::Tokenizer) do that.

use crate::description::{Architecture, Config, Role};
use crate::files::{Source, SourceTensor};
use crate::weights::packed;
use serde_json::{Value as Json, json};
use trine_kernels::packing::I2sPacking;
use trine_loader::{Array, Value};

/// One tensor of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorReport {
    /// Its name.
    pub name: String,
    /// Its role in words, such as `query projection of block 3`, where it has one.
    pub role: Option<String>,
    /// The axes of its role, outermost first.
    pub axes: Vec<&'static str>,
    /// Its dimensions, outermost first.
    pub dims: Vec<usize>,
    /// Its type.
    pub kind: &'static str,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its first byte in the file.
    pub offset: u64,
    /// For norms: the root mean square of the gains, `sqrt(mean(gain^2))`, where they can be read.
    pub gain_rms: Option<f64>,
}

/// Describes every tensor in file order. `config` narrows the roles to those of its architecture.
pub fn tensors(source: &dyn Source, config: Option<&Config>) -> Vec<TensorReport> {
    let expected = config.map(Role::all);
    let known = |role: &Role| expected.as_ref().is_none_or(|all| all.contains(role));
    let graph = config.map_or(Architecture::Llama.graph(), Config::graph);
    let report = |tensor: SourceTensor| {
        let role = tensor.role.filter(known);
        TensorReport {
            role: role.map(in_words),
            axes: role.map_or(&[][..], |role| role.axes(&graph)).iter().map(|axis| axis.name()).collect(),
            kind: tensor.encoding.name(),
            bytes: tensor.byte_len() as u64,
            offset: tensor.offset,
            gain_rms: role.filter(|role| role.is_gains()).and_then(|_| gain_rms(&tensor)),
            name: tensor.name,
            dims: tensor.dims,
        }
    };
    source.tensors().into_iter().map(report).collect()
}

fn gain_rms(tensor: &SourceTensor) -> Option<f64> {
    let count = tensor.elements();
    let matrix = packed(tensor, I2sPacking::default(), 1, count).ok()?;
    let mut gains = vec![0.0f32; count];
    matrix.decode_row(0, &mut gains);
    Some((gains.iter().map(|&gain| f64::from(gain).powi(2)).sum::<f64>() / count as f64).sqrt())
}

fn in_words(role: Role) -> String {
    let words = role.slot().entry().words;
    let of_block = role.block().map(|block| format!(" of block {block}")).unwrap_or_default();
    match role {
        Role::Scale(..) => format!("scale of the {words}{of_block}"),
        Role::Bias(..) => format!("bias of the {words}{of_block}"),
        Role::InputNorm(..) => format!("norm of the input of the {words}{of_block}"),
        _ => format!("{words}{of_block}"),
    }
}

/// A number with so many decimals where they show it well, otherwise with a power of ten: a mean of damaged values may
/// have forty digits.
pub fn number(value: f64, decimals: usize) -> String {
    let least = 1.0 / 10f64.powi(decimals as i32);
    match value.abs() {
        size if size == 0.0 || !size.is_finite() || (least..1e6).contains(&size) => format!("{value:.decimals$}"),
        _ => format!("{value:.3e}"),
    }
}

/// A metadata value on one line: long texts and arrays are cut after `limit` characters.
pub fn shown(value: &Value, limit: usize) -> String {
    let text = match value {
        Value::String(text) => format!("{text:?}"),
        Value::Array(array) => format!("{} x {}: {}", array.len(), array.element_type().name(), elements(array)),
        Value::U8(n) => n.to_string(),
        Value::I8(n) => n.to_string(),
        Value::U16(n) => n.to_string(),
        Value::I16(n) => n.to_string(),
        Value::U32(n) => n.to_string(),
        Value::I32(n) => n.to_string(),
        Value::U64(n) => n.to_string(),
        Value::I64(n) => n.to_string(),
        Value::F32(n) => n.to_string(),
        Value::F64(n) => n.to_string(),
        Value::Bool(truth) => truth.to_string(),
    };
    match text.char_indices().nth(limit) {
        None => text,
        Some((cut, _)) => format!("{}...", &text[..cut]),
    }
}

/// The first elements of an array.
fn elements(array: &Array) -> String {
    const SHOWN: usize = 8;
    fn join<T: std::fmt::Debug>(items: impl Iterator<Item = T>) -> String {
        items.take(SHOWN).map(|item| format!("{item:?}")).collect::<Vec<_>>().join(" ")
    }
    match array {
        Array::U8(items) => join(items.iter()),
        Array::I8(items) => join(items.iter()),
        Array::U16(items) => join(items.iter()),
        Array::I16(items) => join(items.iter()),
        Array::U32(items) => join(items.iter()),
        Array::I32(items) => join(items.iter()),
        Array::U64(items) => join(items.iter()),
        Array::I64(items) => join(items.iter()),
        Array::F32(items) => join(items.iter()),
        Array::F64(items) => join(items.iter()),
        Array::Bool(items) => join(items.iter()),
        Array::String(items) => join(items.iter()),
        Array::Array(items) => format!("{} arrays", items.len()),
    }
}

/// A metadata value as a document.
pub fn document_of(value: &Value) -> Json {
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
        Value::Array(array) => documents_of(array),
    }
}

fn documents_of(array: &Array) -> Json {
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
        Array::Array(items) => items.iter().map(documents_of).collect(),
    }
}

/// The number with the fewest digits that is this `f32`, where plain widening would show digits that nobody wrote
/// (`0.00001` as `0.000009999999747378752`). JSON has no infinity and no NaN: they are null.
pub fn shortest(number: f32) -> Json {
    number.to_string().parse::<f64>().map_or(Json::Null, |number| json!(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_as_short_as_it_may_be() {
        let shown = [0.0, 1.25, 999999.5, 0.0001, 0.00009, 8e35, -8e35, f64::INFINITY].map(|value| number(value, 4));
        assert_eq!(shown, ["0.0000", "1.2500", "999999.5000", "0.0001", "9.000e-5", "8.000e35", "-8.000e35", "inf"]);
    }
}
