//! `trine diff`: whether two files hold the same model, as a text for people or a document for programs.

use crate::args::DiffArguments;
use crate::document;
use crate::load;
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::table::table;
use crate::terminal;
use anyhow::Result;
use serde_json::{Value as Json, json};
use std::io::{BufWriter, Write};
use trine::loader::one_line;
use trine::model::{Difference, KeyDifference, Side, TensorDifference, TokenizerOptions, Values, diff as compared};

/// Runs the command: exit code 0 where the files hold the same model, 1 where they do not.
///
/// # Errors
/// A model is not sound, or the output cannot be written.
pub fn diff(arguments: &DiffArguments) -> Result<Outcome> {
    let first = load::open(Some(&arguments.first), &arguments.access)?;
    let second = load::open(Some(&arguments.second), &arguments.access)?;
    let cpu = load::cpu(&arguments.cpu)?;
    let tokenizer = TokenizerOptions { pre: arguments.vocabulary.pre.clone() };
    let progress = Progress::new("comparing");
    let difference = compared(
        Side { source: &*first, i2s_packing: arguments.i2s_packing },
        Side { source: &*second, i2s_packing: arguments.second_i2s_packing },
        &tokenizer,
        &cpu,
        &|done, all| progress.set(done, all),
    )?;
    drop(progress);
    if arguments.json {
        document::print(&described(&difference))?;
    } else {
        let mut out = BufWriter::new(terminal::output());
        print(&mut out, &difference)?;
        out.flush()?;
    }
    Ok(if difference.is_none() { Outcome::Done } else { Outcome::Refused })
}

fn print(out: &mut impl Write, difference: &Difference) -> Result<()> {
    let Difference { metadata, tensors } = difference;
    if !metadata.is_empty() {
        writeln!(out, "metadata ({} keys differ)", metadata.len())?;
        table(out, &metadata.iter().map(key_row).collect::<Vec<_>>())?;
    }
    let other: Vec<_> = tensors.iter().filter(|tensor| tensor.values != Values::Same).collect();
    if !other.is_empty() {
        writeln!(out, "tensors ({} of {} differ)", other.len(), tensors.len())?;
        table(out, &other.iter().map(|tensor| tensor_row(tensor)).collect::<Vec<_>>())?;
    }
    let retyped =
        tensors.iter().filter(|tensor| tensor.values == Values::Same && tensor.first != tensor.second).count();
    let same = tensors.len() - other.len();
    let verdict = if difference.is_none() { "the same model" } else { "not the same model" };
    writeln!(out, "{verdict}: {same} of {} tensors are equal, {retyped} of them in other types", tensors.len())?;
    Ok(())
}

const ABSENT: &str = "-";

fn key_row(difference: &KeyDifference) -> [String; 3] {
    let value = |value: &Option<String>| one_line(value.as_deref().unwrap_or(ABSENT));
    [one_line(&difference.key), value(&difference.first), value(&difference.second)]
}

fn tensor_row(tensor: &TensorDifference) -> [String; 4] {
    let kind = |kind: &Option<String>| kind.clone().unwrap_or_else(|| ABSENT.to_owned());
    let what = match &tensor.values {
        Values::Same => "equal".to_owned(),
        Values::Differ { elements, signs, magnitudes, largest } => format!(
            "{signs} of {elements} elements differ in sign, {magnitudes} in magnitude alone, by {largest:e} at most"
        ),
        Values::Shapes(first, second) => format!("dimensions {first:?} and {second:?}"),
        Values::Missing if tensor.second.is_none() => "only in the first file".to_owned(),
        Values::Missing => "only in the second file".to_owned(),
        Values::Unreadable(why) => one_line(why),
    };
    [one_line(&tensor.name), kind(&tensor.first), kind(&tensor.second), what]
}

fn described(difference: &Difference) -> Json {
    let key = |key: &KeyDifference| json!({ "key": key.key, "first": key.first, "second": key.second });
    json!({
        "same": difference.is_none(),
        "metadata": difference.metadata.iter().map(key).collect::<Vec<_>>(),
        "tensors": difference.tensors.iter().map(tensor).collect::<Vec<_>>(),
    })
}

fn tensor(tensor: &TensorDifference) -> Json {
    let mut document = json!({
        "name": tensor.name,
        "first": tensor.first,
        "second": tensor.second,
        "same": tensor.values == Values::Same,
    });
    match &tensor.values {
        Values::Differ { elements, signs, magnitudes, largest } => {
            document["elements"] = json!(elements);
            document["signs"] = json!(signs);
            document["magnitudes"] = json!(magnitudes);
            document["largest"] = json!(largest);
        }
        Values::Shapes(first, second) => document["dims"] = json!([first, second]),
        Values::Unreadable(why) => document["problem"] = json!(why),
        Values::Same | Values::Missing => {}
    }
    document
}
