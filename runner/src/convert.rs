//! `trine convert`: the same model in a file of other tensor types.

use crate::args::ConvertArguments;
use crate::load;
use crate::outcome::Outcome;
use crate::progress::Progress;
use anyhow::Result;
use trine::model::{Conversion, convert as converted};

/// Runs the command.
///
/// # Errors
/// The file is no sound GGUF file, a tensor cannot have the type that was asked for, or the output cannot be written.
pub fn convert(arguments: &ConvertArguments) -> Result<Outcome> {
    let file = load::open_gguf(&arguments.input, &arguments.access)?;
    let ConvertArguments { to: matrices, head, quantize, i2s_packing, .. } = *arguments;
    let cpu = load::cpu(&arguments.cpu)?;
    let conversion = Conversion { matrices, head, i2s_packing, quantize };
    let progress = Progress::new("converting");
    let writer = converted(&file, &conversion, &cpu, &|done, all| progress.set(done, all))?;
    writer.write_file(&arguments.output)?;
    Ok(Outcome::Done)
}
