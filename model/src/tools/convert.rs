//! The same model in a file of other tensor types.
//!
//! What belongs here: which tensors change, into what, and when that is refused. What does not: layouts
//! (`layouts.rs`, [`trine_kernels::packing`]) and files ([`trine_loader`]).
//!
//! Matrices of blocks keep every code and every scale. A scale that a type with f16 scales cannot hold goes into a
//! tensor `blk.N.NAME.scale` of one f32, which multiplies the product, and the codes get the scale 1. An embedding and
//! a head of codes get the type too where it holds them. The head is rounded to another type where that is asked for.
//! Every other tensor is copied.
//!
//! Of a directory, tensors get their names in GGUF files; the rows of query and key matrices get the order that the
//! architecture has there; scales become factors, also those that divide; gains become f32.

mod error;
mod layouts;
#[cfg(test)]
mod tests;

pub use error::{ConvertError, ConvertProblem};

use crate::description::{Projection, Role};
use crate::files::{Container, Description, Encoding, Source, SourceTensor};
use crate::parallel::Threads;
use crate::tools::trial;
use crate::warning::Warning;
use crate::weights::{self, LoadError, LoadOptions, Quantize};
use bytes::Bytes;
use layouts::{packed, reordered, rescaled};
use std::collections::HashMap;
use trine_kernels::packing::I2sPacking;
use trine_kernels::{Matrix, PackingError, PackingKind};
use trine_loader::{GgufWriter, TensorType};
use trine_ops::Cpu;
use trine_shapes::{Dyn, Recurrent};
use trine_text::{TokenizerOptions, VocabularyData};

/// What a model is converted to.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// Type of the matrices of blocks, one of [`MATRIX_TYPES`]; and of an embedding and a head of codes, where it holds
    /// them.
    pub matrices: TensorType,
    /// Type of the head: F16, Q8_0, Q6_K or Q4_0; `None` leaves it as it is. Where the embedding is the head, it
    /// changes.
    pub head: Option<TensorType>,
    /// How I2_S tensors of the source are packed.
    pub i2s_packing: I2sPacking,
    /// Quantize matrices of blocks that are not ternary or binary; `None` refuses them.
    pub quantize: Option<Quantize>,
    /// How the vocabulary of a directory is read.
    pub tokenizer: TokenizerOptions,
}

impl Conversion {
    /// Matrices of this type, and everything else as it is.
    pub fn to(matrices: TensorType) -> Conversion {
        let (i2s_packing, tokenizer) = (I2sPacking::default(), TokenizerOptions::default());
        Conversion { matrices, head: None, i2s_packing, quantize: None, tokenizer }
    }
}

/// A converted model, to be written.
#[derive(Debug)]
pub struct Converted {
    /// The file; its matrices are in memory.
    pub writer: GgufWriter,
    /// What a user should know.
    pub warnings: Vec<Warning>,
}

const FILE_TYPE: &str = "general.file_type";

/// Types that matrices of blocks are converted to.
pub const MATRIX_TYPES: [TensorType; 8] = [
    TensorType::I2S,
    TensorType::TQ1_0,
    TensorType::TQ2_0,
    TensorType::Q2_0,
    TensorType::PQ2_0,
    TensorType::PTQ1_0,
    TensorType::Q1_0,
    TensorType::F16,
];

/// Types that the head is converted to.
pub const HEAD_TYPES: [TensorType; 4] = [TensorType::F16, TensorType::Q8_0, TensorType::Q6_K, TensorType::Q4_0];

/// The model of `source` in a file of other types. What is computed on the way is computed on
/// `cpu`. `progress` is called after each tensor with
/// the number of tensors done and their total.
///
/// # Errors
/// [`ConvertError`] names the tensor that cannot be what was asked for, and why.
pub fn convert(
    source: &dyn Source,
    conversion: &Conversion,
    cpu: &Cpu,
    progress: &dyn Fn(usize, usize),
) -> Result<Converted, ConvertError> {
    let description = source.description(&conversion.tokenizer);
    let described =
        description.map_err(|error| ConvertError::of_file(source.label(), ConvertProblem::Description(error)));
    let Description { version, metadata, divisors, interleave, vocabulary, mut warnings } = described?;
    let written = |error| ConvertError::of_file(source.label(), ConvertProblem::Write(error));
    let tensors = source.tensors();
    let converter = Converter::new(source, conversion, cpu, &tensors, interleave)?;
    warnings.extend(check(source, vocabulary, conversion, cpu)?);
    let mut writer = GgufWriter::new();
    writer.version(version).map_err(written)?;
    let of_the_model = |key: &str| key != FILE_TYPE && !key.starts_with("split.");
    for (key, value) in metadata.into_iter().filter(|(key, _)| of_the_model(key)) {
        writer.set(key, value).map_err(written)?;
    }
    writer.set(FILE_TYPE, conversion.matrices.file_type()).map_err(written)?;
    if let Some(divisors) = divisors {
        let bytes: Bytes = divisors.iter().copied().flat_map(f32::to_le_bytes).collect();
        let name = Role::RopeFrequencies.to_string();
        writer.tensor(name, &[divisors.len()], TensorType::F32, bytes).map_err(written)?;
    }
    let threads = Threads::of(cpu);
    for (done, tensor) in tensors.iter().enumerate() {
        for output in threads.run(|| converter.outputs(tensor))? {
            writer.tensor(output.name, &output.dims, output.kind, output.bytes).map_err(written)?;
        }
        progress(done + 1, tensors.len());
    }
    warnings.extend(converter.other_activations());
    Ok(Converted { writer, warnings })
}

/// Refuses what does not load: a conversion copies what it does not understand, and would hand on what is not sound.
/// The result is what loading says of entries that nothing reads. `vocabulary` is that of the description.
fn check(
    source: &dyn Source,
    vocabulary: Option<VocabularyData>,
    conversion: &Conversion,
    cpu: &Cpu,
) -> Result<Vec<Warning>, ConvertError> {
    let dims = source.config().map_err(LoadError::from)?.dims;
    let options =
        LoadOptions { i2s_packing: conversion.i2s_packing, quantize: conversion.quantize, ..Default::default() };
    let mut warnings = Dyn::scope(dims, |model| {
        let loaded = weights::load(model, source, cpu, &options)?;
        let tried = trial(&loaded.transformer, cpu);
        tried.map_err(|error| ConvertError::of_file(source.label(), ConvertProblem::Trial(error)))?;
        Ok::<_, ConvertError>(loaded.warnings)
    })?;
    warnings.retain(|warning| matches!(warning, Warning::UnknownEntries { .. }));
    if source.has_vocabulary() {
        let text = |error| ConvertError::of_file(source.label(), ConvertProblem::Description(error));
        let tokenizer = match vocabulary {
            Some(vocabulary) => source.tokenizer_of(vocabulary),
            None => source.tokenizer(&conversion.tokenizer),
        };
        let tokenizer = tokenizer.map_err(|error| text(error.into()))?;
        source.check_template(&tokenizer).map_err(|error| text(error.into()))?;
    }
    Ok(warnings)
}

/// A tensor of the converted file.
struct Output {
    name: String,
    dims: Vec<usize>,
    kind: TensorType,
    bytes: Bytes,
}

struct Converter<'f> {
    source: &'f dyn Source,
    conversion: &'f Conversion,
    cpu: &'f Cpu,
    is_directory: bool,
    /// As [`Description::interleave`].
    interleave: Option<usize>,
    /// The tensor that computes logits, and the type that it gets.
    head: Option<(Role, TensorType, PackingKind)>,
    /// Blocks that are read; what is behind them is copied.
    blocks: usize,
    /// The role of each tensor that has one; no two have the same.
    tensors: HashMap<Role, &'f SourceTensor>,
}

impl<'f> Converter<'f> {
    fn new(
        source: &'f dyn Source,
        conversion: &'f Conversion,
        cpu: &'f Cpu,
        tensors: &'f [SourceTensor],
        interleave: Option<usize>,
    ) -> Result<Self, ConvertError> {
        if !MATRIX_TYPES.contains(&conversion.matrices) {
            let problem = ConvertProblem::Type { found: conversion.matrices };
            return Err(ConvertError::of_file(source.label(), problem));
        }
        let is_directory = matches!(source.container(), Container::Safetensors { .. });
        let tensors: HashMap<_, _> = tensors.iter().filter_map(|tensor| Some((tensor.role?, tensor))).collect();
        if !tensors.keys().any(|role| matches!(role, Role::Matrix(..))) {
            return Err(ConvertError::of_file(source.label(), ConvertProblem::NoMatrices));
        }
        let config = source.config().map_err(LoadError::from)?;
        let blocks = config.dims.blocks();
        if is_directory && config.dims.recurrent != Recurrent::NONE {
            return Err(ConvertError::of_file(source.label(), ConvertProblem::HeadOrder));
        }
        let role = if tensors.contains_key(&Role::Output) { Role::Output } else { Role::TokenEmbedding };
        let head = match conversion.head {
            Some(kind) => {
                let other = || ConvertError::of_file(source.label(), ConvertProblem::HeadType { found: kind });
                Some((role, kind, head_packing(kind).ok_or_else(other)?))
            }
            None => None,
        };
        Ok(Converter { source, conversion, cpu, is_directory, interleave, head, blocks, tensors })
    }

    /// What a tensor becomes: one tensor, a matrix and its scale, or nothing where another tensor holds it.
    fn outputs(&self, tensor: &SourceTensor) -> Result<Vec<Output>, ConvertError> {
        match (tensor.role, self.head) {
            (Some(role), _) if role.block().is_some_and(|block| block >= self.blocks) => Ok(vec![self.copy(tensor)?]),
            // llama.cpp rounds what meets a router in another type than F32.
            (Some(Role::Matrix(_, projection)), _) if projection.is_never_ternary() && self.is_directory => {
                Ok(vec![self.numbers(tensor)?])
            }
            (Some(Role::Matrix(_, projection)), _) if projection.is_never_ternary() => Ok(vec![self.copy(tensor)?]),
            (Some(Role::Matrix(block, projection)), _) if self.is_directory => {
                self.matrix_of_directory(tensor, block, projection)
            }
            (Some(Role::Matrix(block, projection)), _) => self.matrix(tensor, block, projection),
            (Some(Role::Scale(..) | Role::Bias(..)), _) if self.is_directory => Ok(Vec::new()),
            (Some(role), _) if self.is_directory && role.is_gains() => Ok(vec![self.numbers(tensor)?]),
            (Some(role), Some((head, kind, packing))) if role == head => Ok(vec![self.head(tensor, kind, packing)?]),
            (Some(Role::TokenEmbedding | Role::Output), _) => Ok(vec![self.table(tensor)?]),
            _ => Ok(vec![self.copy(tensor)?]),
        }
    }

    fn output(&self, tensor: &SourceTensor, kind: TensorType, bytes: Bytes) -> Output {
        let name = match tensor.role {
            Some(role) if self.is_directory => role.to_string(),
            _ => tensor.name.clone(),
        };
        Output { name, dims: tensor.dims.clone(), kind, bytes }
    }

    fn copy(&self, tensor: &SourceTensor) -> Result<Output, ConvertError> {
        match tensor.encoding {
            Encoding::Plain(kind) => Ok(self.output(tensor, kind, tensor.bytes.clone())),
            _ => Err(self.fail_encoding(tensor, "F32, F16 or BF16")),
        }
    }

    fn floats(&self, tensor: &SourceTensor) -> Result<Vec<f32>, ConvertError> {
        if tensor.encoding.float().is_none() {
            return Err(self.fail_encoding(tensor, "F32, F16 or BF16"));
        }
        let count = tensor.elements();
        let mut values = vec![0.0f32; count];
        self.read(tensor, (1, count))?.decode_row(0, &mut values);
        Ok(values)
    }

    /// Floats as f32, which every program reads.
    fn numbers(&self, tensor: &SourceTensor) -> Result<Output, ConvertError> {
        let numbers = self.floats(tensor)?;
        Ok(self.output(tensor, TensorType::F32, numbers.into_iter().flat_map(f32::to_le_bytes).collect()))
    }

    /// The head, rounded.
    fn head(&self, tensor: &SourceTensor, kind: TensorType, packing: PackingKind) -> Result<Output, ConvertError> {
        if tensor.encoding == Encoding::Plain(kind) {
            return self.copy(tensor);
        }
        let rounded = self.read(tensor, tensor.rows_and_cols())?.requantize(self.cpu, packing, |_| ());
        let rounded = rounded.map_err(|source| self.fail(tensor, source))?;
        Ok(self.output(tensor, kind, rounded.bytes().clone()))
    }

    /// An embedding or a head in the type of the matrices where it is of codes that the type holds, else as it is.
    fn table(&self, tensor: &SourceTensor) -> Result<Output, ConvertError> {
        let kind = self.conversion.matrices;
        let matrix = self.read(tensor, tensor.rows_and_cols())?;
        let codes = if matrix.has_codes() { Some(matrix.clone()) } else { weights::recognised_table(&matrix) };
        match (codes.map(|codes| packed(&codes, kind)), tensor.encoding, matrix.kind()) {
            (Some(Ok(bytes)), ..) => Ok(self.output(tensor, kind, bytes)),
            (Some(Err(source)), Encoding::Words(_), _) => Err(self.fail(tensor, source)),
            (None, Encoding::Words(_), PackingKind::Q4_1) => {
                Ok(self.output(tensor, TensorType::Q4_1, matrix.bytes().clone()))
            }
            (None, Encoding::Words(_), PackingKind::F32) => {
                Ok(self.output(tensor, TensorType::F32, matrix.bytes().clone()))
            }
            _ => self.copy(tensor),
        }
    }

    /// A matrix of a block, and its scale where that becomes a tensor of its own.
    fn matrix(&self, tensor: &SourceTensor, block: usize, projection: Projection) -> Result<Vec<Output>, ConvertError> {
        let kind = self.conversion.matrices;
        let (scale, bias) = (Role::Scale(block, projection), Role::Bias(block, projection));
        // A scale beside a matrix may multiply its bias too, as llama.cpp has it.
        let may_have_scale =
            !self.tensors.contains_key(&scale) && !self.tensors.contains_key(&bias) && !projection.is_of_experts();
        let matrix = self.codes(tensor)?;
        match packed(&matrix, kind) {
            Ok(bytes) => Ok(vec![self.output(tensor, kind, bytes)]),
            Err(PackingError::ScaleNotHalf { found, .. }) if may_have_scale && matrix.scale().is_some() => {
                let codes = rescaled(&matrix, 1.0).and_then(|codes| packed(&codes, kind));
                let codes = codes.map_err(|source| self.fail(tensor, source))?;
                Ok(vec![self.output(tensor, kind, codes), scale_tensor(scale, found)])
            }
            Err(source) => Err(self.fail(tensor, source)),
        }
    }

    /// The same of a directory, with the bias where there is one.
    fn matrix_of_directory(
        &self,
        tensor: &SourceTensor,
        block: usize,
        projection: Projection,
    ) -> Result<Vec<Output>, ConvertError> {
        let fail = |source| self.fail(tensor, source);
        let kind = self.conversion.matrices;
        let scale_role = Role::Scale(block, projection);
        let scale = self.separate_scale(tensor, scale_role)?;
        let order = self.interleave.filter(|_| projection.is_rotated());
        let codes = reordered(&self.codes(tensor)?, |row| weights::halves_row(row, order)).map_err(fail)?;
        // Codes under the scale 1 take the separate scale for their own.
        let (matrix, separate) = match (codes.scale(), scale) {
            (Some(1.0), Some(scale)) => (rescaled(&codes, scale).map_err(fail)?, None),
            (_, separate) => (codes, separate),
        };
        let (bytes, separate) = match (packed(&matrix, kind), matrix.scale()) {
            (Ok(bytes), _) => (bytes, separate),
            // The scale is no f16, so it becomes a tensor of its own.
            (Err(PackingError::ScaleNotHalf { .. }), own @ Some(_))
                if separate.is_none() && !projection.is_of_experts() =>
            {
                (rescaled(&matrix, 1.0).and_then(|codes| packed(&codes, kind)).map_err(fail)?, own)
            }
            (Err(source), _) => return Err(fail(source)),
        };
        let mut outputs = vec![self.output(tensor, kind, bytes)];
        outputs.extend(separate.map(|value| scale_tensor(scale_role, value)));
        if let Some(bias) = self.tensors.get(&Role::Bias(block, projection)) {
            let of_bias = |scale: &&&SourceTensor| weights::scales_bias(tensor.encoding, projection, scale.encoding);
            let scale = scale.filter(|_| self.tensors.get(&scale_role).filter(of_bias).is_some());
            outputs.push(self.bias(bias, scale, separate.filter(|_| projection.is_feed_forward()), order)?);
        }
        Ok(outputs)
    }

    /// A bias that the directory multiplies by `before` and the file by `after`.
    fn bias(
        &self,
        tensor: &SourceTensor,
        before: Option<f32>,
        after: Option<f32>,
        order: Option<usize>,
    ) -> Result<Output, ConvertError> {
        let factor = match (before, after) {
            (before, None) => before.unwrap_or(1.0),
            (Some(before), Some(after)) if before == after => 1.0,
            _ => return Err(ConvertError::of_tensor(tensor, ConvertProblem::Bias)),
        };
        let values = self.floats(tensor)?;
        let value = |row| values[weights::halves_row(row, order)] * factor;
        Ok(self.output(tensor, TensorType::F32, (0..values.len()).map(value).flat_map(f32::to_le_bytes).collect()))
    }

    /// The factor that a directory has for a matrix in a tensor of its own.
    fn separate_scale(&self, matrix: &SourceTensor, role: Role) -> Result<Option<f32>, ConvertError> {
        match self.tensors.get(&role) {
            Some(tensor) if tensor.elements() == 1 && tensor.encoding.float().is_some() => {
                let factor = weights::factor_of(tensor, self.conversion.i2s_packing);
                Ok(Some(factor.map_err(|source| self.fail(tensor, source))?.into_inner()))
            }
            Some(tensor) => Err(self.fail_encoding(tensor, "one scale in F32, F16 or BF16")),
            None if matches!(matrix.encoding, Encoding::PackedRows | Encoding::Int8Codes) => {
                Err(self.fail_encoding(matrix, "codes with a `weight_scale` beside them"))
            }
            None => Ok(None),
        }
    }

    /// A matrix of a block as codes and scales.
    fn codes(&self, tensor: &SourceTensor) -> Result<Matrix, ConvertError> {
        let matrix = self.read(tensor, tensor.rows_and_cols())?;
        let found = tensor.encoding;
        let recognised = || weights::recognised(&matrix);
        let quantize = match found {
            _ if matrix.has_codes() => return Ok(matrix),
            Encoding::Masters(_) => Some(Quantize::Absmean),
            Encoding::TernaryFloats(_) => {
                let one_scale = recognised().filter(|codes| codes.scale().is_some());
                return one_scale.ok_or_else(|| self.fail_encoding(tensor, "codes: values -s, 0 and s with one s"));
            }
            _ => match recognised() {
                Some(codes) => return Ok(codes),
                None => self.conversion.quantize,
            },
        };
        match quantize {
            Some(quantize) => quantize.quantize(&matrix).map_err(|source| self.fail(tensor, source)),
            None if found.float().is_some() => {
                Err(ConvertError::of_tensor(tensor, ConvertProblem::NotTernary { found }))
            }
            None => Err(ConvertError::of_tensor(tensor, ConvertProblem::Dense { found })),
        }
    }

    fn read(&self, tensor: &SourceTensor, (rows, cols): (usize, usize)) -> Result<Matrix, ConvertError> {
        let matrix = weights::packed(tensor, self.conversion.i2s_packing, rows, cols);
        matrix.map_err(|source| self.fail(tensor, source))
    }

    /// What the source's matrices do with activations and those of the file do not, where none is asked for.
    fn other_activations(&self) -> Option<Warning> {
        let graph = self.source.config().ok()?.graph();
        let first = self.codes(self.tensors.get(&Role::Matrix(0, Projection::Query))?).ok()?;
        let of_source = self.source.activations().filter(|_| self.conversion.quantize.is_none());
        let before = weights::default_activations(&first, &graph, of_source);
        let kind = match weights::packing(self.conversion.matrices) {
            // Floats that are codes are recognised again.
            None | Some(PackingKind::F16) if first.scale().is_some() => PackingKind::I2S,
            None | Some(PackingKind::F16) => first.kind(),
            Some(kind) => kind,
        };
        let after = weights::usual_activations(kind, first.cols(), &graph);
        (before != after).then(|| Warning::OtherActivations { file: self.source.label().to_owned(), before, after })
    }

    fn fail(&self, tensor: &SourceTensor, source: PackingError) -> ConvertError {
        ConvertError::of_tensor(tensor, ConvertProblem::Matrix { packing: source })
    }

    fn fail_encoding(&self, tensor: &SourceTensor, expected: &'static str) -> ConvertError {
        ConvertError::of_tensor(tensor, ConvertProblem::Encoding { found: tensor.encoding, expected })
    }
}

/// A factor for a matrix.
fn scale_tensor(role: Role, value: f32) -> Output {
    let bytes = Bytes::copy_from_slice(&value.to_le_bytes());
    Output { name: role.to_string(), dims: vec![1], kind: TensorType::F32, bytes }
}

fn head_packing(kind: TensorType) -> Option<PackingKind> {
    match kind {
        TensorType::F16 => Some(PackingKind::F16),
        TensorType::Q8_0 => Some(PackingKind::Q8_0),
        TensorType::Q6_K => Some(PackingKind::Q6K),
        TensorType::Q4_0 => Some(PackingKind::Q4_0),
        _ => None,
    }
}
