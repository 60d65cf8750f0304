//! The inventory of a file: each tensor is claimed by one role, as a norm, a matrix, a table or a vector.

use super::{LoadError, LoadOptions, Quantize, matrices};
use crate::config::Config;
use crate::role::Role;
use crate::transformer::Linear;
use std::collections::{HashMap, HashSet};
use trine_kernels::packing::WeightScale;
use trine_kernels::{Matrix, RmsNorm, Rope};
use trine_loader::{Gguf, TensorInfo};
use trine_shapes::{Axis, NormRole, ShapeError, Tensor, Weight};

/// The tensors of a file by role, and what was noticed while they were claimed.
pub(super) struct Claims<'l> {
    file: &'l Gguf,
    config: &'l Config,
    options: &'l LoadOptions<'l>,
    by_role: HashMap<Role, &'l TensorInfo>,
    claimed: usize,
    dense_masters: Vec<String>,
}

impl<'l> Claims<'l> {
    /// Assigns every tensor its role.
    ///
    /// # Errors
    /// Missing tensors, tensors without a role, two tensors with one role.
    pub(super) fn new(file: &'l Gguf, config: &'l Config, options: &'l LoadOptions<'l>) -> Result<Self, LoadError> {
        let expected = Role::all(config);
        let known: HashSet<Role> = expected.iter().copied().collect();
        let mut by_role: HashMap<Role, &TensorInfo> = HashMap::new();
        let mut extra = Vec::new();
        for tensor in file.tensors() {
            match Role::from_name(&tensor.name).filter(|role| known.contains(role)) {
                None => extra.push(tensor.name.clone()),
                Some(role) => {
                    if let Some(first) = by_role.insert(role, tensor) {
                        let (first, second) = (first.name.clone(), tensor.name.clone());
                        return Err(LoadError::SameRole { file: file.label().to_owned(), first, second });
                    }
                }
            }
        }
        let absent = expected.iter().filter(|role| !role.is_optional() && !by_role.contains_key(role));
        let missing: Vec<_> = absent.map(Role::to_string).collect();
        if missing.is_empty() && extra.is_empty() {
            return Ok(Claims { file, config, options, by_role, claimed: 0, dense_masters: Vec::new() });
        }
        let (file, architecture) = (file.label().to_owned(), config.architecture);
        Err(LoadError::Inventory { file, architecture, missing, extra })
    }

    pub(super) fn config(&self) -> &Config {
        self.config
    }

    /// Whether the file has a tensor with this role.
    pub(super) fn has(&self, role: Role) -> bool {
        self.by_role.contains_key(&role)
    }

    /// The gains of a norm.
    pub(super) fn norm<R: NormRole, A: Axis>(&mut self, role: Role, axis: A) -> Result<RmsNorm<R, A>, LoadError> {
        let tensor = self.claim(role);
        let gains = self.vector(tensor, (axis,), "norm gains")?;
        if gains.data().iter().all(|gain| *gain == 0.0) {
            return Err(self.value(tensor, "only zeros", "gains that are not all zero"));
        }
        Ok(RmsNorm::new(gains, self.config.rms_epsilon))
    }

    /// A matrix of a block, ternary where its values are.
    pub(super) fn linear<O: Axis, I: Axis>(&mut self, role: Role, axes: (O, I)) -> Result<Linear<O, I>, LoadError> {
        let tensor = self.claim(role);
        let mut matrix = self.matrix(tensor, axes)?;
        if tensor.kind.is_float()
            && let Some(ternary) = matrices::as_ternary(&matrix)
        {
            matrix = ternary;
        } else if !matrix.is_ternary() && self.options.quantize == Some(Quantize::Absmean) {
            matrix = self.quantized(tensor, &matrix)?;
        } else if !matrix.is_ternary() && self.config.architecture.is_ternary() {
            self.dense_masters.push(tensor.name.clone());
        }
        if let Role::Matrix(block, projection) = role {
            let scale = Role::Scale(block, projection);
            if self.has(scale) {
                let scale = WeightScale::new(self.scale(scale)?);
                let scaled = scale.and_then(|scale| matrix.with_multiplier(scale));
                matrix = scaled.map_err(|source| self.contents(tensor, source))?;
            }
        }
        let matrix = self.with_activations(tensor, matrix)?;
        Weight::check(&tensor.name, matrix, axes).map_err(|source| self.shape(source))
    }

    /// An embedding or a head, in the type it has in the file.
    pub(super) fn table<O: Axis, I: Axis>(&mut self, role: Role, axes: (O, I)) -> Result<Linear<O, I>, LoadError> {
        let tensor = self.claim(role);
        let matrix = self.matrix(tensor, axes)?;
        let matrix = self.with_activations(tensor, matrix)?;
        Weight::check(&tensor.name, matrix, axes).map_err(|source| self.shape(source))
    }

    /// The rotation tables, with the divisors of the frequencies where the file has them.
    pub(super) fn rope<D: Axis>(&mut self, head: D) -> Result<Rope<D>, LoadError> {
        let rope = self.config.rope;
        let mut factors = vec![rope.factor; rope.rotated / 2];
        if self.has(Role::RopeFrequencies) {
            let tensor = self.claim(Role::RopeFrequencies);
            let divisors = self.floats(tensor, "frequency divisors")?;
            if divisors.len() != factors.len() {
                let found = format!("{} values", divisors.len());
                return Err(self.value(tensor, found, "one divisor for each pair that RoPE rotates"));
            }
            if let Some(wrong) = divisors.iter().find(|divisor| **divisor <= 0.0) {
                return Err(self.value(tensor, wrong, "positive divisors"));
            }
            factors.iter_mut().zip(&divisors).for_each(|(factor, divisor)| *factor *= divisor);
        }
        let pairing = self.config.architecture.rope_pairing();
        Ok(Rope::new(head, pairing, rope.base, &factors, self.config.context))
    }

    /// Remarks for the user, once every tensor is claimed.
    pub(super) fn into_warnings(self) -> Vec<String> {
        debug_assert_eq!(self.claimed, self.by_role.len(), "every tensor is claimed once");
        match self.dense_masters.as_slice() {
            [] => Vec::new(),
            [first, ..] => vec![format!(
                "{}: {} matrices (first: `{first}`) are not ternary and run as they are, which is not what a `{}` \
                 model computes; `--quantize absmean` quantizes float masters",
                self.file.label(),
                self.dense_masters.len(),
                self.config.architecture
            )],
        }
    }

    /// The tensor of a role that the inventory found.
    fn claim(&mut self, role: Role) -> &'l TensorInfo {
        self.claimed += 1;
        if let Some(progress) = self.options.progress {
            progress(self.claimed, self.by_role.len());
        }
        self.by_role[&role]
    }

    fn matrix<O: Axis, I: Axis>(&self, tensor: &TensorInfo, axes: (O, I)) -> Result<Matrix, LoadError> {
        // Shape first: a transposed matrix is better named than a row length that its packing does not have.
        let dims = tensor.ne.row_major();
        let [rows, cols] = dims[..] else {
            let (file, tensor) = (self.file.label_of(tensor).to_owned(), tensor.name.clone());
            return Err(LoadError::NotAMatrix { file, tensor, found: dims });
        };
        Weight::check(&tensor.name, matrices::Size(rows, cols), axes).map_err(|source| self.shape(source))?;
        self.packed(tensor, rows, cols)
    }

    fn packed(&self, tensor: &TensorInfo, rows: usize, cols: usize) -> Result<Matrix, LoadError> {
        let kind = matrices::packing_kind(tensor.kind);
        Matrix::new(kind, rows, cols, self.file.bytes(tensor)).map_err(|source| self.contents(tensor, source))
    }

    /// The matrix with the activation mode that was asked for, or its default.
    fn with_activations(&self, tensor: &TensorInfo, matrix: Matrix) -> Result<Matrix, LoadError> {
        let mode = matrices::activation_mode(&matrix, self.config.architecture, self.options.activations);
        matrix.with_activation_mode(mode).map_err(|source| self.contents(tensor, source))
    }

    /// A float master, quantized as was asked for.
    fn quantized(&self, tensor: &TensorInfo, matrix: &Matrix) -> Result<Matrix, LoadError> {
        if !tensor.kind.is_float() {
            return Err(self.value(tensor, tensor.kind, "F32, F16 or BF16 masters, which quantizing to ternary needs"));
        }
        matrices::absmean(matrix).map_err(|source| self.contents(tensor, source))
    }

    /// A factor for a whole matrix.
    fn scale(&mut self, role: Role) -> Result<f32, LoadError> {
        let tensor = self.claim(role);
        match self.floats(tensor, "a scale")?[..] {
            [scale] if scale != 0.0 => Ok(scale),
            ref found => Err(self.value(tensor, format!("{:?}", &found[..found.len().min(4)]), "one scale, not zero")),
        }
    }

    fn vector<A: Axis>(
        &self,
        tensor: &TensorInfo,
        axis: (A,),
        what: &'static str,
    ) -> Result<Tensor<f32, (A,)>, LoadError> {
        let values = self.floats(tensor, what)?;
        Tensor::check(&tensor.name, values, &tensor.ne.row_major(), axis).map_err(|source| self.shape(source))
    }

    /// The finite values of a float tensor.
    fn floats(&self, tensor: &TensorInfo, what: &'static str) -> Result<Vec<f32>, LoadError> {
        if !tensor.kind.is_float() {
            let (file, tensor, found) = (self.file.label_of(tensor).to_owned(), tensor.name.clone(), tensor.kind);
            return Err(LoadError::Quantized { file, tensor, what, found });
        }
        let count = tensor.ne.elements();
        let matrix = self.packed(tensor, 1, count)?;
        let mut values = vec![0.0; count];
        matrix.decode_row(0, &mut values);
        Ok(values)
    }

    fn shape(&self, source: ShapeError) -> LoadError {
        LoadError::Shape { file: self.file.label().to_owned(), source: Box::new(source) }
    }

    fn contents(&self, tensor: &TensorInfo, source: trine_kernels::PackingError) -> LoadError {
        let file = self.file.label_of(tensor).to_owned();
        LoadError::Contents { file, tensor: tensor.name.clone(), offset: tensor.offset, source: Box::new(source) }
    }

    fn value(&self, tensor: &TensorInfo, found: impl ToString, expected: &'static str) -> LoadError {
        let (file, tensor) = (self.file.label_of(tensor).to_owned(), tensor.name.clone());
        LoadError::Value { file, tensor, found: found.to_string(), expected }
    }
}
