//! The JSON document of `trine inspect --json`. Its schema is a promise, stated in docs/cli.md.

use super::Report;
use serde_json::{Map, Value as Json, json};
use trine::loader::{TypeLayout, Value};
use trine::model::inspect::{TensorReport, document_of, shortest};
use trine::model::{Config, Container, Judgement, RopeScaling};

/// The whole document.
pub fn document(report: &Report<'_>) -> Json {
    let file = report.file;
    let (version, alignment) = match file.container() {
        Container::Gguf { version, alignment } => (Some(version), Some(alignment)),
        Container::Safetensors { .. } => (None, None),
    };
    let metadata: Map<String, Json> = file
        .entries()
        .into_iter()
        .map(|(key, value)| {
            let entry = entry(&value);
            (key, entry)
        })
        .collect();
    let mut document = json!({
        "file": file.label(),
        "version": version,
        "alignment": alignment,
        "bytes": file.bytes(),
        "model": report.config.as_ref().ok().map(model),
        "problem": report.config.as_ref().err().map(ToString::to_string),
        "metadata": metadata,
        "layouts": file.layouts().iter().map(layout).collect::<Json>(),
    });
    if let Some(tensors) = &report.tensors {
        document["tensors"] = tensors.iter().map(tensor).collect();
        let totals = report.totals();
        let total = |(kind, (tensors, bytes)): (&str, (usize, u64))| {
            (kind.to_owned(), json!({ "tensors": tensors, "bytes": bytes }))
        };
        document["types"] = Json::Object(totals.into_iter().map(total).collect());
    }
    document
}

fn layout(layout: &TypeLayout) -> Json {
    json!({ "id": layout.id, "type": layout.kind.name(), "name": layout.name, "tensors": layout.tensors })
}

fn model(config: &Config) -> Json {
    let (scaling, factor) = match config.rope.scaling {
        RopeScaling::None => ("none", 1.0),
        RopeScaling::Linear { factor } => ("linear", factor),
        RopeScaling::Llama3 { factor, .. } => ("llama3", factor),
        RopeScaling::Yarn(yarn) => ("yarn", yarn.factor),
        RopeScaling::LongRope(_) => ("longrope", 1.0),
    };
    json!({
        "architecture": config.architecture.name(),
        "name": config.name,
        "blocks": config.dims.blocks(),
        "context": config.context,
        "vocab": config.dims.vocab,
        "hidden": config.dims.hidden,
        "ffn": config.dims.ffn,
        "experts": config.dims.experts.count,
        "experts_used": config.dims.experts.used,
        "heads": config.dims.heads(),
        "kv_heads": config.dims.kv_heads,
        "head_dim": config.dims.head_dim,
        "rms_epsilon": shortest(config.rms_epsilon),
        "rope_base": shortest(config.rope.base),
        "rope_rotated": config.rope.rotated,
        "rope_scaling": scaling,
        "rope_factor": shortest(factor),
    })
}

fn tensor((tensor, judgement): &(TensorReport, Judgement)) -> Json {
    let statistics = judgement.statistics.as_ref().ok();
    json!({
        "name": tensor.name,
        "role": tensor.role,
        "axes": tensor.axes,
        "dims": tensor.dims,
        "type": tensor.kind,
        "bytes": tensor.bytes,
        "offset": tensor.offset,
        "gain_rms": tensor.gain_rms,
        "packing": statistics.map(|found| found.packing),
        "scale": statistics.and_then(|found| found.scale).map(shortest),
        "zeros": statistics.map(|found| found.zeros),
        "rms": statistics.map(|found| found.rms),
        "remarks": judgement.remarks,
        "problem": judgement.statistics.as_ref().err().map(ToString::to_string),
    })
}

fn entry(value: &Value) -> Json {
    let kind = value.value_type().name();
    match value {
        Value::Array(array) => {
            let element = array.element_type().name();
            json!({ "type": kind, "element_type": element, "length": array.len(), "value": document_of(value) })
        }
        _ => json!({ "type": kind, "value": document_of(value) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_numbers_with_the_digits_that_were_meant() {
        assert_eq!(entry(&Value::F32(1e-5)).to_string(), r#"{"type":"f32","value":0.00001}"#);
        assert_eq!(document_of(&Value::U64(u64::MAX)).to_string(), "18446744073709551615");
        assert_eq!(document_of(&Value::F32(f32::NAN)), Json::Null);
        assert_eq!(document_of(&Value::F32(f32::INFINITY)), Json::Null);
    }

    #[test]
    fn arrays_say_what_they_hold() {
        let array = entry(&Value::from(vec![-3i32, 7]));
        assert_eq!(array, json!({ "type": "array", "element_type": "i32", "length": 2, "value": [-3, 7] }));
    }
}
