//! What is done with files: looking into them, checking them, converting them. The results are documents of JSON, which
//! the package reads. What does not belong here: opening a model (`engine.rs`).

mod checking;

use crate::arrays::in_python;
use crate::errors::{of_file, other};
use crate::wait;
use pyo3::prelude::*;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use trine::kernels::CpuOptions;
use trine::kernels::packing::I2sPacking;
use trine::loader::Access;
use trine::model::inspect::{TensorReport, document_of, tensors};
use trine::model::{
    Config, Container, Conversion, HEAD_TYPES, Judgement, MATRIX_TYPES, Quantize, Source, judge, open_model,
};
use trine::ops::Cpu;

/// Opens a file, a directory, or the embedded model.
fn open(path: Option<PathBuf>) -> PyResult<Box<dyn Source>> {
    match path {
        Some(path) => open_model(path, Access::Map).map_err(of_file),
        None => Ok(Box::new(trine::embedded_model().map_err(of_file)?)),
    }
}

fn machine() -> PyResult<Cpu> {
    Cpu::new(CpuOptions::default()).map_err(other)
}

/// A document of what a file holds; with `values`, of what the values of each tensor are like.
#[pyfunction]
pub fn inspect(py: Python<'_>, path: Option<PathBuf>, values: bool) -> PyResult<String> {
    wait::run(py, move |_| {
        let source = open(path)?;
        let config = source.config();
        let reports = tensors(&*source, config.as_ref().ok());
        let judged = match values {
            true => judge(&*source, config.as_ref().ok(), I2sPacking::default(), &machine()?),
            false => Vec::new(),
        };
        let judgements = judged.iter().map(Some).chain(std::iter::repeat(None));
        let (container, version, files) = match source.container() {
            Container::Gguf { version, .. } => ("gguf", Some(version), 1),
            Container::Safetensors { files } => ("safetensors", None, files),
        };
        let metadata: Map<_, _> = source.entries().into_iter().map(|(key, of)| (key, document_of(&of))).collect();
        let document = json!({
            "file": source.label(),
            "container": container,
            "version": version,
            "files": files,
            "bytes": source.bytes(),
            "model": config.as_ref().ok().map(model),
            "problem": config.as_ref().err().map(ToString::to_string),
            "metadata": metadata,
            "tensors": reports.iter().zip(judgements).map(|(report, of)| tensor(report, of)).collect::<Value>(),
        });
        Ok(document.to_string())
    })?
}

fn model(config: &Config) -> Value {
    let dims = config.dims;
    json!({
        "architecture": config.architecture.name(),
        "name": config.name,
        "context": config.context,
        "axes": {
            "vocab": dims.vocab, "blocks": dims.blocks(), "hidden": dims.hidden, "ffn": dims.ffn,
            "heads": dims.heads(), "kv_heads": dims.kv_heads, "head_dim": dims.head_dim,
        },
    })
}

fn tensor(report: &TensorReport, judgement: Option<&Judgement>) -> Value {
    let statistics = judgement.and_then(|judgement| judgement.statistics.as_ref().ok());
    json!({
        "name": report.name,
        "role": report.role,
        "dims": report.axes.iter().map(|axis| in_python(axis)).collect::<Value>(),
        "shape": report.dims,
        "type": report.kind,
        "bytes": report.bytes,
        "offset": report.offset,
        "packing": statistics.map(|found| found.packing),
        "scale": statistics.and_then(|found| found.scale),
        "zeros": statistics.map(|found| found.zeros),
        "rms": statistics.map(|found| found.rms).or(report.gain_rms),
        "remarks": judgement.map(|judgement| &judgement.remarks[..]).unwrap_or_default(),
    })
}

/// A document of what is wrong with a file, and of what is to be known of it.
#[pyfunction]
pub fn check(py: Python<'_>, path: Option<PathBuf>) -> PyResult<String> {
    wait::run(py, move |_| Ok(checking::document(&*open(path)?, &machine()?).to_string()))?
}

/// Writes the model in another type of tensors; what was noticed.
#[pyfunction]
pub fn convert(
    py: Python<'_>,
    path: PathBuf,
    output: PathBuf,
    to: String,
    head: Option<String>,
    quantize: bool,
) -> PyResult<Vec<String>> {
    wait::run(py, move |_| {
        let named = |option: &str, name: &str, types: &[trine::loader::TensorType]| {
            let names = || types.iter().map(|kind| kind.name().to_ascii_lowercase()).collect::<Vec<_>>().join(", ");
            let found = types.iter().find(|kind| kind.name().eq_ignore_ascii_case(name)).copied();
            found.ok_or_else(|| other(format!("{option} is {name:?}: expected one of {}", names())))
        };
        let conversion = Conversion {
            head: head.map(|name| named("head", &name, &HEAD_TYPES)).transpose()?,
            quantize: quantize.then_some(Quantize::Absmean),
            ..Conversion::to(named("to", &to, &MATRIX_TYPES)?)
        };
        let source = open(Some(path))?;
        let converted = trine::model::convert(&*source, &conversion, &machine()?, &|_, _| ()).map_err(of_file)?;
        converted.writer.write_file(&output).map_err(of_file)?;
        Ok(converted.warnings.iter().map(ToString::to_string).collect())
    })?
}
