//! The same model in a file of other tensor types.
//!
//! What belongs here: which tensors change, into what, and when that is refused. What does not: layouts
//! ([`trine_kernels::packing`]) and files ([`trine_loader`]).
//!
//! Matrices of blocks keep every code and every scale. A scale that a type with f16 scales cannot hold goes into a
//! tensor `blk.N.NAME.scale` of one f32, which multiplies the product, and the codes get the scale 1. The head is
//! rounded to another type where that is asked for. Every other tensor is copied.

mod error;
#[cfg(test)]
mod tests;

pub use error::ConvertError;

use crate::parallel;
use crate::role::{Projection, Role};
use crate::weights::{Quantize, absmean, as_ternary, of_file};
use bytes::Bytes;
use half::f16;
use std::collections::HashMap;
use trine_kernels::matrix::AnyPacked;
use trine_kernels::packing::{I2S, I2sPacking, PackScales, Packed, Packing, Ternary, Tq1_0, Tq2_0};
use trine_kernels::{Cpu, Matrix, PackingError, PackingKind};
use trine_loader::{Gguf, GgufWriter, TensorInfo, TensorType};

/// What a file is converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Type of the matrices of blocks: I2_S, TQ1_0, TQ2_0 or F16.
    pub matrices: TensorType,
    /// Type of the head: F16, Q8_0, Q6_K or Q4_0; `None` leaves it as it is. Where the embedding is the head, it
    /// changes.
    pub head: Option<TensorType>,
    /// How I2_S tensors of the source are packed.
    pub i2s_packing: I2sPacking,
    /// Quantize float matrices that are not ternary; `None` refuses them.
    pub quantize: Option<Quantize>,
}

const FILE_TYPE: &str = "general.file_type";

/// Types that matrices of blocks are converted to.
pub const MATRIX_TYPES: [TensorType; 4] = [TensorType::I2S, TensorType::TQ1_0, TensorType::TQ2_0, TensorType::F16];

/// Types that the head is converted to.
pub const HEAD_TYPES: [TensorType; 4] = [TensorType::F16, TensorType::Q8_0, TensorType::Q6_K, TensorType::Q4_0];

/// The converted model, to be written: its matrices are in memory. `cpu` rounds the head. `progress` is called after
/// each tensor with the number of tensors done and their total.
///
/// # Errors
/// [`ConvertError`] names the tensor that cannot be what was asked for, and why.
pub fn convert(
    file: &Gguf,
    conversion: &Conversion,
    cpu: &Cpu,
    progress: &dyn Fn(usize, usize),
) -> Result<GgufWriter, ConvertError> {
    let converter = Converter::new(file, conversion, cpu)?;
    let mut writer = GgufWriter::new();
    writer.version(file.version())?;
    let of_the_model = |key: &str| key != FILE_TYPE && !key.starts_with("split.");
    for (key, value) in file.metadata().iter().filter(|(key, _)| of_the_model(key)) {
        writer.set(key, value.clone())?;
    }
    writer.set(FILE_TYPE, conversion.matrices.file_type())?;
    for (done, tensor) in file.tensors().iter().enumerate() {
        for output in converter.outputs(tensor)? {
            writer.tensor(output.name, &output.dims, output.kind, output.bytes)?;
        }
        progress(done + 1, file.tensors().len());
    }
    Ok(writer)
}

/// A tensor of the converted file.
struct Output {
    name: String,
    dims: Vec<usize>,
    kind: TensorType,
    bytes: Bytes,
}

struct Converter<'f> {
    file: &'f Gguf,
    conversion: &'f Conversion,
    cpu: &'f Cpu,
    /// The tensor that computes logits, and the type that it gets.
    head: Option<(Role, TensorType, PackingKind)>,
    /// The role of each tensor that has one; no two have the same.
    tensors: HashMap<Role, &'f TensorInfo>,
}

impl<'f> Converter<'f> {
    fn new(file: &'f Gguf, conversion: &'f Conversion, cpu: &'f Cpu) -> Result<Self, ConvertError> {
        if !MATRIX_TYPES.contains(&conversion.matrices) {
            return Err(ConvertError::Type { found: conversion.matrices });
        }
        let roles = file.tensors().iter().filter_map(|tensor| Some((Role::from_name(&tensor.name)?, tensor)));
        let tensors: HashMap<Role, &TensorInfo> = roles.collect();
        if !tensors.keys().any(|role| matches!(role, Role::Matrix(..))) {
            return Err(ConvertError::NoMatrices { file: file.label().to_owned() });
        }
        let role = if tensors.contains_key(&Role::Output) { Role::Output } else { Role::TokenEmbedding };
        let head = match conversion.head {
            Some(kind) => Some((role, kind, head_packing(kind).ok_or(ConvertError::HeadType { found: kind })?)),
            None => None,
        };
        Ok(Converter { file, conversion, cpu, head, tensors })
    }

    /// What a tensor becomes: one tensor, or a matrix and its scale.
    fn outputs(&self, tensor: &TensorInfo) -> Result<Vec<Output>, ConvertError> {
        match Role::from_name(&tensor.name) {
            Some(Role::Matrix(block, projection)) => self.matrix(tensor, block, projection),
            Some(role) => match self.head {
                Some((head, kind, packing)) if head == role && kind != tensor.kind => {
                    Ok(vec![self.head(tensor, kind, packing)?])
                }
                _ => Ok(vec![self.copy(tensor)]),
            },
            None => Ok(vec![self.copy(tensor)]),
        }
    }

    fn copy(&self, tensor: &TensorInfo) -> Output {
        Output {
            name: tensor.name.clone(),
            dims: tensor.ne.row_major(),
            kind: tensor.kind,
            bytes: self.file.bytes(tensor),
        }
    }

    /// The head, rounded.
    fn head(&self, tensor: &TensorInfo, kind: TensorType, packing: PackingKind) -> Result<Output, ConvertError> {
        let rounded = self.read(tensor)?.requantize(self.cpu, packing, |_| ());
        let rounded = rounded.map_err(|source| self.fail(tensor, source))?;
        Ok(Output { name: tensor.name.clone(), dims: tensor.ne.row_major(), kind, bytes: rounded.bytes().clone() })
    }

    fn matrix(&self, tensor: &TensorInfo, block: usize, projection: Projection) -> Result<Vec<Output>, ConvertError> {
        let kind = self.conversion.matrices;
        let (scale, bias) = (Role::Scale(block, projection), Role::Bias(block, projection));
        // A scale beside a matrix may multiply its bias too, as llama.cpp has it.
        let may_have_scale = !self.tensors.contains_key(&scale) && !self.tensors.contains_key(&bias);
        let matrix = self.ternary(tensor)?;
        let output = |bytes| Output { name: tensor.name.clone(), dims: tensor.ne.row_major(), kind, bytes };
        let value = match packed(matrix.packed(), kind) {
            Ok(bytes) => return Ok(vec![output(bytes)]),
            Err(PackingError::ScaleNotHalf { found, .. }) if may_have_scale => found,
            Err(source) => return Err(self.fail(tensor, source)),
        };
        // The scale is no f16, so it becomes a tensor of its own.
        let bytes =
            unscaled(&matrix).and_then(|codes| packed(&codes, kind)).map_err(|source| self.fail(tensor, source))?;
        let scale = Output {
            name: scale.to_string(),
            dims: vec![1],
            kind: TensorType::F32,
            bytes: Bytes::copy_from_slice(&value.to_le_bytes()),
        };
        Ok(vec![output(bytes), scale])
    }

    /// A matrix of a block as ternary codes and scales.
    fn ternary(&self, tensor: &TensorInfo) -> Result<Matrix, ConvertError> {
        let (file, tensor_name) = (self.file.label_of(tensor).to_owned(), tensor.name.clone());
        let matrix = self.read(tensor)?;
        if matrix.is_ternary() {
            return Ok(matrix);
        }
        match (tensor.kind.is_float(), self.conversion.quantize) {
            (true, quantize) => match (as_ternary(&matrix), quantize) {
                (Some(ternary), _) => Ok(ternary),
                (None, Some(Quantize::Absmean)) => absmean(&matrix).map_err(|source| self.fail(tensor, source)),
                (None, None) => Err(ConvertError::NotTernary { file, tensor: tensor_name, found: tensor.kind }),
            },
            (false, _) => Err(ConvertError::Dense { file, tensor: tensor_name, found: tensor.kind }),
        }
    }

    fn read(&self, tensor: &TensorInfo) -> Result<Matrix, ConvertError> {
        let cols = tensor.ne.fastest();
        let size = (tensor.ne.elements() / cols, cols);
        let matrix = of_file(tensor.kind, self.conversion.i2s_packing, size, self.file.bytes(tensor));
        matrix.map_err(|source| self.fail(tensor, source))
    }

    fn fail(&self, tensor: &TensorInfo, source: PackingError) -> ConvertError {
        let (file, tensor) = (self.file.label_of(tensor).to_owned(), tensor.name.clone());
        ConvertError::Matrix { file, tensor, source: Box::new(source) }
    }
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

/// The bytes of a ternary matrix in a type of files, every code and scale kept.
fn packed(matrix: &AnyPacked, kind: TensorType) -> Result<Bytes, PackingError> {
    match matrix {
        AnyPacked::I2S(matrix) => packed_from(matrix, kind),
        AnyPacked::Tq1_0(matrix) => packed_from(matrix, kind),
        AnyPacked::Tq2_0(matrix) => packed_from(matrix, kind),
        _ => unreachable!("only ternary matrices are packed"),
    }
}

fn packed_from<P: Ternary>(matrix: &Packed<P>, kind: TensorType) -> Result<Bytes, PackingError> {
    match kind {
        TensorType::I2S if !matrix.cols().is_multiple_of(I2S::BLOCK) => {
            Err(PackingError::Columns { packing: I2S::NAME, cols: matrix.cols(), multiple: I2S::BLOCK })
        }
        TensorType::I2S => matrix.convert::<I2S>().map(|packed| packed.bytes().clone()),
        TensorType::TQ1_0 => matrix.convert::<Tq1_0>().map(|packed| packed.bytes().clone()),
        TensorType::TQ2_0 => matrix.convert::<Tq2_0>().map(|packed| packed.bytes().clone()),
        _ => halves(matrix),
    }
}

/// The weights as f16.
fn halves<P: Ternary>(matrix: &Packed<P>) -> Result<Bytes, PackingError> {
    let exact = |scale: &f32| f16::from_f32(*scale).to_f32() == *scale;
    if let Some(&found) = matrix.scales().iter().find(|scale| !exact(scale)) {
        return Err(PackingError::ScaleNotHalf { packing: "f16", found });
    }
    let mut bytes = vec![0; 2 * matrix.rows() * matrix.cols()];
    let row_of = |values: &mut Vec<f32>, row, bytes: &mut [u8]| {
        matrix.decode_row(row, values);
        for (to, value) in bytes.as_chunks_mut().0.iter_mut().zip(values) {
            *to = f16::from_f32(*value).to_le_bytes();
        }
    };
    parallel::for_each_piece(&mut bytes, 2 * matrix.cols(), || vec![0.0; matrix.cols()], row_of);
    Ok(bytes.into())
}

/// The codes of a matrix under the scale 1.
fn unscaled(matrix: &Matrix) -> Result<AnyPacked, PackingError> {
    fn of<P: Ternary>(matrix: &Packed<P>) -> Result<AnyPacked, PackingError> {
        let (rows, cols) = (matrix.rows(), matrix.cols());
        let mut codes = vec![0; rows * cols];
        codes.chunks_exact_mut(cols).enumerate().for_each(|(row, codes)| matrix.row_codes(row, codes));
        Packed::<I2S>::pack(rows, cols, &codes, PackScales::One(1.0)).map(AnyPacked::from)
    }
    match matrix.packed() {
        AnyPacked::I2S(matrix) => of(matrix),
        AnyPacked::Tq1_0(matrix) => of(matrix),
        AnyPacked::Tq2_0(matrix) => of(matrix),
        _ => unreachable!("only ternary matrices have codes"),
    }
}
