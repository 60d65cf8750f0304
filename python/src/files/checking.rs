//! What `trine check` finds, as a document of problems that each name their place. What does not belong here: what is
//! checked, which loading, the tokenizer and the judge of the library decide.

use serde_json::{Value, json};
use trine::kernels::packing::I2sPacking;
use trine::model::{
    Config, ConfigError, LoadError, LoadOptions, LoadProblem, Loaded, Source, TokenizerOptions, TrialError, judge,
    load, trial,
};
use trine::ops::Cpu;
use trine::shapes::Dyn;

/// What is wrong, and what is to be known.
#[derive(Default)]
struct Found {
    problems: Vec<Value>,
    warnings: Vec<Value>,
}

/// A problem at a place.
struct Place<'p> {
    file: &'p str,
    key: Option<&'p str>,
    tensor: Option<&'p str>,
    offset: Option<u64>,
}

impl Place<'_> {
    fn problem(&self, kind: &str, message: String) -> Value {
        let Place { file, key, tensor, offset } = self;
        json!({ "kind": kind, "message": message, "file": file, "key": key, "tensor": tensor, "offset": offset })
    }
}

impl Found {
    fn problem(&mut self, of: &Place<'_>, kind: &str, message: impl ToString) {
        let problem = of.problem(kind, message.to_string());
        let told = |known: &Value| known["message"] == problem["message"];
        if !self.problems.iter().any(told) {
            self.problems.push(problem);
        }
    }

    fn config(&mut self, error: &ConfigError) {
        let of = Place { file: error.file(), key: error.key(), tensor: None, offset: None };
        self.problem(&of, "description", error);
    }

    /// Each tensor that is missing or unknown is a problem of its own.
    fn load(&mut self, error: &LoadError) {
        let of = |tensor| Place { file: error.file(), key: None, tensor, offset: error.offset() };
        match error.problem() {
            LoadProblem::Config(error) => self.config(error),
            LoadProblem::Inventory { architecture, missing, extra } => {
                for name in missing {
                    let message = format!("{}: tensor `{name}` is missing in `{architecture}`", error.file());
                    self.problem(&of(Some(name)), "missing_tensor", message);
                }
                for name in extra {
                    let message = format!("{}: tensor `{name}` has no role in `{architecture}`", error.file());
                    self.problem(&of(Some(name)), "unknown_tensor", message);
                }
            }
            LoadProblem::Shape(_) | LoadProblem::NotAMatrix { .. } => self.problem(&of(error.tensor()), "shape", error),
            LoadProblem::Contents(_) => self.problem(&of(error.tensor()), "contents", error),
            _ => self.problem(&of(error.tensor()), "tensor", error),
        }
    }

    /// Loads the weights and computes the first logits.
    fn model(&mut self, source: &dyn Source, config: &Config, cpu: &Cpu) {
        let whole = Place { file: source.label(), key: None, tensor: None, offset: None };
        Dyn::scope(config.dims, |model| match load(model, source, cpu, &LoadOptions::default()) {
            Err(error) => self.load(&error),
            Ok(Loaded { transformer, warnings, .. }) => {
                self.warnings.extend(warnings.iter().map(|warning| whole.problem("warning", warning.to_string())));
                if let Err(error) = trial(&transformer, cpu) {
                    let kind = if matches!(error, TrialError::NotFinite { .. }) { "arithmetic" } else { "memory" };
                    self.problem(&whole, kind, format!("{}: {error}", source.label()));
                }
            }
        });
    }

    /// Reads the vocabulary and the template.
    fn text(&mut self, source: &dyn Source) {
        let whole = Place { file: source.label(), key: None, tensor: None, offset: None };
        if !source.has_vocabulary() {
            let message = format!("{}: no vocabulary: the model runs on ids alone", source.label());
            return self.warnings.push(whole.problem("no_vocabulary", message));
        }
        match source.tokenizer(&TokenizerOptions::default()) {
            Err(error) => self.problem(&whole, "tokenizer", error),
            Ok(tokenizer) => {
                let warnings = tokenizer.warnings().iter();
                let text = |warning| format!("{}: {warning}", source.label());
                self.warnings.extend(warnings.map(|warning| whole.problem("tokenizer", text(warning))));
                if let Err(error) = source.check_template(&tokenizer) {
                    self.problem(&whole, "template", error);
                }
            }
        }
    }

    /// Says what values are unusual.
    fn judge(&mut self, source: &dyn Source, config: &Config, cpu: &Cpu) {
        let judged = judge(source, Some(config), I2sPacking::default(), cpu);
        for (tensor, judgement) in source.tensors().iter().zip(judged) {
            let of = Place { file: &tensor.file, key: None, tensor: Some(&tensor.name), offset: Some(tensor.offset) };
            let text = |remark| format!("{}: tensor `{}`: {remark}", tensor.file, tensor.name);
            let remarks = judgement.remarks.into_iter().map(|remark| of.problem("unusual", text(remark)));
            self.warnings.extend(remarks);
        }
    }
}

/// The document of a file.
pub fn document(source: &dyn Source, cpu: &Cpu) -> Value {
    let mut found = Found::default();
    match source.config() {
        Err(error) => found.config(&error),
        Ok(config) => {
            found.model(source, &config, cpu);
            if found.problems.is_empty() {
                found.judge(source, &config, cpu);
            }
        }
    }
    found.text(source);
    let Found { problems, warnings } = found;
    json!({ "file": source.label(), "loads": problems.is_empty(), "problems": problems, "warnings": warnings })
}
