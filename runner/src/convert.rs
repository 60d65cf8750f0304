//! `trine convert`: the same model in a file of other tensor types.

use crate::args::ConvertArguments;
use crate::load;
use crate::message::warning;
use crate::outcome::{Outcome, check_output};
use crate::progress::Progress;
use anyhow::Result;
use trine::model::{Conversion, Converted, TokenizerOptions, convert as converted};

/// Runs the command.
///
/// # Errors
/// The model is not sound, a tensor cannot have the type that was asked for, or the output cannot be written.
pub fn convert(arguments: &ConvertArguments) -> Result<Outcome> {
    check_output(&arguments.output)?;
    let source = load::open(Some(&arguments.input), &arguments.access)?;
    let ConvertArguments { to: matrices, head, quantize, i2s_packing, .. } = *arguments;
    let cpu = load::cpu(&arguments.cpu)?;
    let tokenizer = TokenizerOptions { pre: arguments.vocabulary.pre.clone() };
    let quantize = quantize.chosen();
    let conversion = Conversion { matrices, head, i2s_packing, quantize, tokenizer };
    let progress = Progress::new("converting");
    let Converted { writer, warnings } = converted(&*source, &conversion, &cpu, &|done, all| progress.set(done, all))?;
    drop(progress);
    writer.write_file(&arguments.output)?;
    warnings.iter().for_each(|remark| warning(&remark.to_string()));
    Ok(Outcome::Done)
}
