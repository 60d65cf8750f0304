//! `trine inspect`: a file's metadata and tensors as a text for people; [`json`] is the one for programs.

mod json;

use crate::args::InspectArguments;
use crate::document;
use crate::load;
use crate::outcome::Outcome;
use crate::table::table;
use crate::terminal;
use anyhow::Result;
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use trine::kernels::CpuOptions;
use trine::kernels::packing::I2sPacking;
use trine::loader::{Value, one_line};
use trine::model::inspect::{TensorReport, number, shown, tensors};
use trine::model::{Config, ConfigError, Container, Judgement, Source, Statistics, judge};
use trine::ops::Cpu;
use trine::shapes::ExpertCounts;

/// Characters of a metadata value that are shown.
const VALUE_WIDTH: usize = 80;

/// What is known of a file.
struct Report<'f> {
    file: &'f dyn Source,
    config: Result<Config, ConfigError>,
    /// `None` where only metadata was asked for.
    tensors: Option<Vec<(TensorReport, Judgement)>>,
}

/// Tensors of one type: how many, and their bytes together.
type Totals = BTreeMap<&'static str, (usize, u64)>;

/// Runs the command.
///
/// # Errors
/// The file is no sound GGUF file, or the output cannot be written.
pub fn inspect(arguments: &InspectArguments) -> Result<Outcome> {
    let file = load::open(arguments.file.as_deref(), &arguments.access)?;
    let file = &*file;
    let config = file.config();
    let cpu = Cpu::new(CpuOptions::default())?;
    let tensors = (!arguments.metadata_only).then(|| judged(file, config.as_ref().ok(), arguments.i2s_packing, &cpu));
    let report = Report { file, config, tensors };
    if arguments.json {
        document::print(&json::document(&report))?;
        return Ok(Outcome::Done);
    }
    let mut out = BufWriter::new(terminal::output());
    print(&mut out, &report)?;
    out.flush()?;
    Ok(Outcome::Done)
}

/// Every tensor of a file, and what its values are like.
pub fn judged(
    file: &dyn Source,
    config: Option<&Config>,
    i2s: I2sPacking,
    cpu: &Cpu,
) -> Vec<(TensorReport, Judgement)> {
    tensors(file, config).into_iter().zip(judge(file, config, i2s, cpu)).collect()
}

impl Report<'_> {
    fn totals(&self) -> Totals {
        let mut totals = Totals::new();
        for (tensor, _) in self.tensors.iter().flatten() {
            let (count, bytes) = totals.entry(tensor.kind).or_default();
            *count += 1;
            *bytes += tensor.bytes;
        }
        totals
    }
}

fn print(out: &mut impl Write, report: &Report<'_>) -> Result<()> {
    let file = report.file;
    writeln!(out, "file    {}", one_line(file.label()))?;
    let length = file.bytes();
    match file.container() {
        Container::Gguf { version, alignment } => {
            writeln!(out, "format  GGUF version {version}, {length} bytes, data aligned to {alignment}")?;
        }
        Container::Safetensors { files } => writeln!(out, "format  safetensors, {length} bytes in {files} files")?,
    }
    for layout in file.layouts() {
        writeln!(out, "layout  {layout}")?;
    }
    match &report.config {
        Ok(config) => writeln!(out, "model   {}", one_line(&describe(config)))?,
        Err(error) => writeln!(out, "model   none that runs: {}", one_line(&error.to_string()))?,
    }
    let entries = file.entries();
    writeln!(out, "\nmetadata ({})", entries.len())?;
    let row = |(key, value): &(String, Value)| [one_line(key), one_line(&shown(value, VALUE_WIDTH))];
    table(out, &entries.iter().map(row).collect::<Vec<_>>())?;
    let Some(tensors) = &report.tensors else { return Ok(()) };
    writeln!(out, "\ntensors ({})", tensors.len())?;
    tensor_table(out, tensors)?;
    let remarks =
        tensors.iter().flat_map(|(tensor, judgement)| judgement.remarks.iter().map(move |text| (&tensor.name, text)));
    let remarks: Vec<_> = remarks.map(|(name, text)| [one_line(name), text.clone()]).collect();
    if !remarks.is_empty() {
        writeln!(out, "\nunusual ({}), which is no error: docs/judging.md", remarks.len())?;
        table(out, &remarks)?;
    }
    writeln!(out, "\nbytes by type")?;
    let totals = report.totals();
    let row = |(kind, (count, bytes)): (&&str, &(usize, u64))| {
        [kind.to_string(), format!("{count} tensors"), bytes.to_string()]
    };
    table(out, &totals.iter().map(row).collect::<Vec<_>>())
}

/// A row for each tensor.
///
/// # Errors
/// The output cannot be written.
pub fn tensor_table(out: &mut impl Write, tensors: &[(TensorReport, Judgement)]) -> Result<()> {
    table(out, &tensors.iter().map(|(tensor, judgement)| tensor_row(tensor, judgement)).collect::<Vec<_>>())
}

fn tensor_row(tensor: &TensorReport, judgement: &Judgement) -> [String; 7] {
    let dims = tensor.dims.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ");
    let axes = if tensor.axes.is_empty() { String::new() } else { format!("[{}]", tensor.axes.join(", ")) };
    let role = tensor.role.as_deref().unwrap_or("no role");
    let (kind, values) = match &judgement.statistics {
        Ok(Statistics { packing, scale, zeros, rms }) => {
            let as_packing = !tensor.kind.eq_ignore_ascii_case(packing);
            let kind = if as_packing { format!("{}, runs as {packing}", tensor.kind) } else { tensor.kind.to_owned() };
            let scale = scale.map(|scale| format!("scale {}, ", number(scale.into(), 6))).unwrap_or_default();
            let of = if tensor.gain_rms.is_some() { " of gains" } else { "" };
            (kind, format!("{scale}{:.1} % zeros, RMS{of} {}", 100.0 * zeros, number(*rms, 4)))
        }
        Err(why) => (tensor.kind.to_owned(), one_line(&why.to_string())),
    };
    [one_line(&tensor.name), kind, dims, format!("{} bytes", tensor.bytes), axes, role.to_owned(), values]
}

/// A model on one line.
pub fn describe(config: &Config) -> String {
    let dims = config.dims;
    let experts = match dims.experts {
        ExpertCounts { count: 0, .. } => String::new(),
        ExpertCounts { count, used } => format!("{used} of {count} experts with "),
    };
    format!(
        "{}, {} blocks, hidden {}, {experts}ffn {}, {} heads over {} of {}, vocabulary {}, context {}",
        config.architecture,
        config.dims.blocks(),
        dims.hidden,
        dims.ffn,
        dims.heads(),
        dims.kv_heads,
        dims.head_dim,
        dims.vocab,
        config.context
    )
}
