//! The inventory of a file: each tensor is claimed by one role, as a norm, a matrix, a table or a vector.

use super::{Corrected, Corrections};
use super::{LoadError, LoadOptions, LoadProblem, MakeShortlist, Quantize, Requantize};
use super::{checked, corrections, floats, matrices};
use crate::description::{Config, Presence, Projection, Role, RopeFactors, RopeScaling, block_number};
use crate::files::{Encoding, Source, SourceTensor};
use crate::network::Linear;
use crate::parallel::Threads;
use crate::warning::Warning;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use trine_kernels::packing::WeightScale;
use trine_kernels::{ActivationMode, Matrix, PackingError, Shortlist};
use trine_ops::{Bias, Cpu, Embedding, Head, RmsNorm, Rope, Weight};
use trine_shapes::{Axis, Made, NormRole, PerLayer, Plain, PlainShape, ShapeError, Tensor};

/// The tensors of a file by role, and what was noticed while they were claimed.
pub(super) struct Claims<'l> {
    label: String,
    config: &'l Config,
    cpu: &'l Cpu,
    /// As many as `cpu` has, for loops that it does not share out.
    threads: Threads,
    options: &'l LoadOptions<'l>,
    /// What the source says of the activations of ternary matrices.
    activations: Option<ActivationMode>,
    by_role: HashMap<Role, SourceTensor>,
    claimed: usize,
    dense_masters: Vec<String>,
    corrected: Vec<Corrected>,
}

/// The tensors of a model, each with its role.
///
/// # Errors
/// Missing tensors, tensors without a role, two tensors with one role.
fn by_role(source: &dyn Source, config: &Config) -> Result<HashMap<Role, SourceTensor>, LoadError> {
    let expected = Role::all(config);
    let known: HashSet<Role> = expected.iter().copied().collect();
    let mut by_role: HashMap<Role, SourceTensor> = HashMap::new();
    let mut extra = Vec::new();
    let blocks = config.dims.blocks();
    let is_skipped = |tensor: &SourceTensor| {
        let block = tensor.role.and_then(Role::block).or_else(|| block_of(&tensor.name));
        block.is_some_and(|block| (blocks..blocks + config.layers.skipped).contains(&block))
    };
    for tensor in source.tensors().into_iter().filter(|tensor| !is_skipped(tensor)) {
        match tensor.role.filter(|role| known.contains(role)) {
            None => extra.push(tensor.name),
            Some(role) => {
                let second = tensor.name.clone();
                if let Some(first) = by_role.insert(role, tensor) {
                    return Err(LoadError::named(source.label(), &second, LoadProblem::SameRole { first: first.name }));
                }
            }
        }
    }
    let absent =
        expected.iter().filter(|role| role.presence_in(config) == Presence::Required && !by_role.contains_key(role));
    let missing: Vec<_> = absent.map(|role| source.tensor_name(*role)).collect();
    match missing.is_empty() && extra.is_empty() {
        true => Ok(by_role),
        false => {
            let problem = LoadProblem::Inventory { architecture: config.architecture, missing, extra };
            Err(LoadError::of_file(source.label(), problem))
        }
    }
}

/// The block that a GGUF file's name of a tensor begins with.
fn block_of(name: &str) -> Option<usize> {
    block_number(name.strip_prefix("blk.")?.split_once('.')?.0)
}

impl<'l> Claims<'l> {
    /// Assigns every tensor its role.
    ///
    /// # Errors
    /// Missing tensors, tensors without a role, two tensors with one role.
    pub(super) fn new(
        source: &dyn Source,
        config: &'l Config,
        cpu: &'l Cpu,
        options: &'l LoadOptions<'l>,
    ) -> Result<Self, LoadError> {
        let (label, by_role) = (source.label().to_owned(), by_role(source, config)?);
        let (activations, dense_masters, corrected) = (source.activations(), Vec::new(), Vec::new());
        let threads = Threads::of(cpu);
        Ok(Claims { label, config, cpu, threads, options, activations, by_role, claimed: 0, dense_masters, corrected })
    }

    pub(super) fn config(&self) -> &Config {
        self.config
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Whether the file has a tensor with this role.
    pub(super) fn has(&self, role: Role) -> bool {
        self.by_role.contains_key(&role)
    }

    /// The gains of a norm.
    pub(super) fn norm<R: NormRole, A: Plain>(&mut self, role: Role, axis: A) -> Result<RmsNorm<R, A>, LoadError> {
        let tensor = self.claim(role);
        let mut values = self.floats(&tensor, "norm gains")?;
        self.corrected.extend(corrections::gains(self.options.corrections, &tensor.name, &mut values));
        let gains = Tensor::check(&tensor.name, values, &tensor.dims, (axis,));
        let gains = gains.map_err(|source| self.shape(&tensor, source))?;
        if gains.data().iter().all(|gain| *gain == 0.0) {
            return Err(self.value(&tensor, "only zeros", "gains that are not all zero"));
        }
        Ok(RmsNorm::new(gains, self.config.rms_epsilon))
    }

    /// Numbers of a block.
    pub(super) fn numbers<S: PlainShape>(&mut self, role: Role, shape: S) -> Result<Tensor<f32, S>, LoadError> {
        let tensor = self.claim(role);
        let values = self.floats(&tensor, "numbers")?;
        Tensor::check(&tensor.name, values, &tensor.dims, shape).map_err(|source| self.shape(&tensor, source))
    }

    /// How fast heads forget: numbers of which none is above 0, as a state would grow without bounds.
    pub(super) fn decays<A: Plain>(&mut self, role: Role, heads: A) -> Result<Tensor<f32, (A,)>, LoadError> {
        let decays = self.numbers(role, (heads,))?;
        match decays.data().iter().find(|decay| **decay > 0.0) {
            None => Ok(decays),
            Some(found) => {
                Err(self.value(&self.by_role[&role], found, "numbers that are at most 0, as -exp(A_log) is"))
            }
        }
    }

    /// A matrix of a block, ternary where its values are, with its scale and its bias where it has them.
    pub(super) fn linear<O: Made, I: Axis>(
        &mut self,
        (block, projection): (usize, Projection),
        axes: (O, I),
    ) -> Result<Linear<O, I>, LoadError> {
        let tensor = self.claim(Role::Matrix(block, projection));
        self.linear_of(&tensor, (block, projection), axes)
    }

    /// A matrix for each expert, each as [`Claims::linear`] takes one: all of one tensor, in which those of an expert
    /// lie together, so that none is copied; or each of a tensor of its own.
    pub(super) fn experts<E: Plain, O: Made, I: Axis>(
        &mut self,
        (block, projection): (usize, Projection),
        experts: E,
        axes: (O, I),
    ) -> Result<PerLayer<E, Linear<O, I>>, LoadError> {
        let tensor = self.claim(Role::Matrix(block, projection));
        let found = match tensor.parts.is_some() {
            // Each is checked by its own name.
            true => ShapeError::check(&tensor.name, &tensor.dims[..1], (experts,)),
            false => ShapeError::check(&tensor.name, &tensor.dims, (experts, axes.0, axes.1)),
        };
        found.map_err(|source| self.shape(&tensor, source))?;
        if tensor.parts.is_none() {
            checked::beside_words(&tensor, (experts, axes.0))?;
        }
        PerLayer::try_from_fn(experts, |expert| {
            let part = checked::part(&tensor, expert.get())?;
            self.linear_of(&part, (block, projection), axes)
        })
    }

    /// The matrix of a tensor, or of a part of it.
    fn linear_of<O: Made, I: Axis>(
        &mut self,
        tensor: &SourceTensor,
        (block, projection): (usize, Projection),
        axes: (O, I),
    ) -> Result<Linear<O, I>, LoadError> {
        let mut matrix = self.matrix(tensor, axes)?;
        if matches!(tensor.encoding, Encoding::Masters(_)) {
            matrix = self.quantized(tensor, &matrix, Quantize::Absmean)?;
        } else if projection == Projection::Router {
            // Also where its values are ternary: scores meet activations that are not rounded.
        } else if let Some(codes) = self.recognised(tensor, &matrix) {
            matrix = codes;
        } else if matches!(tensor.encoding, Encoding::TernaryFloats(_)) {
            let expected = "values -s, 0 and s with one s, as the `quantization_config` of an offline model promises";
            return Err(self.value(tensor, "other values", expected));
        } else if projection.is_never_ternary() {
            // It stays as the file has it.
        } else if let (false, Some(quantize)) = (matrix.has_codes(), self.options.quantize) {
            matrix = self.quantized(tensor, &matrix, quantize)?;
        } else if !matrix.has_codes() && self.config.graph().ternary {
            self.dense_masters.push(tensor.name.clone());
        }
        let (scale, bias) = (Role::Scale(block, projection), Role::Bias(block, projection));
        if self.has(scale) {
            let scaled = matrix.with_multiplier(self.scale(scale)?);
            matrix = scaled.map_err(|source| self.contents(tensor, source))?;
        } else if matches!(tensor.encoding, Encoding::PackedRows | Encoding::Int8Codes) {
            return Err(self.value(tensor, "codes without a `weight_scale`", "a tensor with their scale beside it"));
        }
        let inverted = corrections::scale(self.options.corrections, &tensor.name, matrix);
        let (matrix, corrected) = inverted.map_err(|source| self.contents(tensor, source))?;
        self.corrected.extend(corrected);
        let mut matrix = self.with_activations(tensor, matrix)?;
        // Copies of all experts would be as large as they are, and a token reads few.
        if self.options.triples.is_some() && !projection.is_of_experts() {
            matrix = matrix.with_triples(self.cpu);
        }
        let weight = Weight::check(&tensor.name, matrix, axes).map_err(|source| self.shape(tensor, source))?;
        if !self.has(bias) {
            return Ok(Linear::new(projection, self.adapted((block, projection), tensor, weight)?));
        }
        let factor = match self.by_role.get(&scale) {
            Some(scale) if matrices::scales_bias(tensor.encoding, projection, scale.encoding) => {
                self.floats(scale, "a scale")?[0]
            }
            _ => 1.0,
        };
        let weight = weight.with_bias(self.bias(bias, axes, factor)?);
        Ok(Linear::new(projection, self.adapted((block, projection), tensor, weight)?))
    }

    /// A matrix of a block with its adapters, beside it or merged.
    #[cfg(feature = "text")]
    fn adapted<O: Made, I: Axis>(
        &self,
        of: (usize, Projection),
        tensor: &SourceTensor,
        mut weight: Weight<Matrix, O, I>,
    ) -> Result<Weight<Matrix, O, I>, LoadError> {
        let axes = (weight.out(), weight.input());
        for adapter in self.options.adapters {
            if let Some(beside) = adapter.beside(self.cpu, self.config, of, axes)? {
                weight = weight.with_low_rank(beside);
            }
        }
        if !self.options.merge_adapters {
            return Ok(weight);
        }
        weight.merged(self.cpu).map_err(|error| match error {
            PackingError::NotFromFloat { packing } => LoadError::of_tensor(tensor, LoadProblem::NotMerged { packing }),
            error => self.contents(tensor, error),
        })
    }

    #[cfg(not(feature = "text"))]
    fn adapted<W>(&self, _: (usize, Projection), _: &SourceTensor, weight: W) -> Result<W, LoadError> {
        Ok(weight)
    }

    /// What the product of a matrix with these axes adds: the values times `factor`.
    fn bias<O: Made, I: Axis>(&mut self, role: Role, axes: (O, I), factor: f32) -> Result<Bias<O, I>, LoadError> {
        let tensor = self.claim(role);
        let mut values = self.floats(&tensor, "a bias")?;
        values.iter_mut().for_each(|value| *value *= factor);
        Bias::check(&tensor.name, values, &tensor.dims, axes).map_err(|source| self.shape(&tensor, source))
    }

    /// The embedding, in the type it has in the file, or as codes where its floats are.
    pub(super) fn embedding<V: Plain, H: Plain>(&mut self, axes: (V, H)) -> Result<Embedding<Matrix, V, H>, LoadError> {
        let (tensor, matrix) = self.table(Role::TokenEmbedding, axes)?;
        Embedding::check(&tensor.name, matrix, axes).map_err(|source| self.shape(&tensor, source))
    }

    /// A head of its own, in the type it has in the file, or as codes where its floats are.
    pub(super) fn head<V: Plain, H: Plain>(&mut self, axes: (V, H)) -> Result<Head<Matrix, V, H>, LoadError> {
        let (tensor, matrix) = self.table(Role::Output, axes)?;
        Head::check(&tensor.name, matrix, axes).map_err(|source| self.shape(&tensor, source))
    }

    fn table<V: Plain, H: Plain>(&mut self, role: Role, axes: (V, H)) -> Result<(SourceTensor, Matrix), LoadError> {
        let tensor = self.claim(role);
        let matrix = self.matrix(&tensor, axes)?;
        let codes = self.threads.run(|| floats::recognised_table(&matrix));
        let matrix = self.with_activations(&tensor, codes.unwrap_or(matrix))?;
        Ok((tensor, matrix))
    }

    /// A float matrix as codes, where it is ternary or binary.
    fn recognised(&self, tensor: &SourceTensor, matrix: &Matrix) -> Option<Matrix> {
        let codes = self.threads.run(|| floats::recognised(matrix));
        // That the matrix is ternary was promised, and that means of one scale.
        codes.filter(|codes| !matches!(tensor.encoding, Encoding::TernaryFloats(_)) || codes.scale().is_some())
    }

    /// The head, which is or comes from the tensor of `role`, in another packing.
    pub(super) fn requantized<V: Plain, H: Plain>(
        &self,
        role: Role,
        head: Head<Matrix, V, H>,
        to: &Requantize<'_>,
    ) -> Result<Head<Matrix, V, H>, LoadError> {
        let (tensor, matrix) = (&self.by_role[&role], head.data());
        if matrix.kind() == to.kind {
            return Ok(head);
        }
        let show = rows_done(to.progress, matrix.rows());
        let (cpu, kind) = (self.cpu, to.kind);
        let copy = self.threads.run(|| matrix.requantize(cpu, kind, show));
        let copy = copy.map_err(|source| self.contents(tensor, source))?;
        let copy = self.with_activations(tensor, copy)?;
        Head::check(&tensor.name, copy, (head.vocab(), head.hidden())).map_err(|source| self.shape(tensor, source))
    }

    /// The shortlist of a head, which is or comes from the tensor of `role`.
    pub(super) fn shortlist<V: Plain, H: Plain>(
        &self,
        role: Role,
        head: &Head<Matrix, V, H>,
        make: &MakeShortlist<'_>,
    ) -> Result<Head<Shortlist, V, H>, LoadError> {
        let (tensor, matrix) = (&self.by_role[&role], head.data());
        let (cpu, done) = (self.cpu, rows_done(make.progress, matrix.rows()));
        let shortlist = self.threads.run(|| Shortlist::new(cpu, matrix, done));
        let shortlist = shortlist.map_err(|source| self.contents(tensor, source))?;
        Head::check(&tensor.name, shortlist, (head.vocab(), head.hidden())).map_err(|source| self.shape(tensor, source))
    }

    /// The rotation tables, with the divisors of the frequencies where the file has them; no rotation where layers that
    /// see all positions do not rotate.
    pub(super) fn rope<D: Plain>(&mut self, head: D) -> Result<Rope<D>, LoadError> {
        let rope = self.config.rope;
        if self.config.graph().global_unrotated {
            return Ok(Rope::none(head, rope.pairing));
        }
        let mut factors = rope.divisors();
        let used = match rope.scaling {
            RopeScaling::LongRope(long) => Role::RopeFactors(long.factors(self.config.context)),
            _ => Role::RopeFrequencies,
        };
        let given = [RopeFactors::Short, RopeFactors::Long].map(Role::RopeFactors).into_iter();
        let given: Vec<Role> = given.chain([Role::RopeFrequencies]).filter(|role| self.has(*role)).collect();
        for role in given {
            let divisors = self.divisors(role, factors.len())?;
            if role == used {
                factors.iter_mut().zip(&divisors).for_each(|(factor, divisor)| *factor *= divisor);
            }
        }
        Ok(Rope::new(head, rope.pairing, rope.base, &factors, self.config.context).with_multiplier(rope.multiplier()))
    }

    /// The rotation tables of layers with a window, where the model has such.
    pub(super) fn local_rope<D: Plain>(&self, head: D) -> Option<Rope<D>> {
        let (rope, sliding) = (self.config.rope, self.config.sliding.as_ref()?);
        let factors = vec![1.0; rope.rotated / 2];
        Some(Rope::new(head, rope.pairing, sliding.base, &factors, self.config.context))
    }

    /// Divisors of frequencies, one for each of so many pairs.
    fn divisors(&mut self, role: Role, pairs: usize) -> Result<Vec<f32>, LoadError> {
        let tensor = self.claim(role);
        let divisors = self.floats(&tensor, "frequency divisors")?;
        if divisors.len() != pairs {
            let found = format!("{} values", divisors.len());
            return Err(self.value(&tensor, found, "one divisor for each pair that RoPE rotates"));
        }
        match divisors.iter().find(|divisor| **divisor <= 0.0) {
            Some(wrong) => Err(self.value(&tensor, wrong, "positive divisors")),
            None => Ok(divisors),
        }
    }

    /// The corrections that were made, once every tensor is claimed.
    ///
    /// # Errors
    /// [`LoadError::Uncorrected`] where one was ordered that does not fit its tensor.
    pub(super) fn take_corrected(&mut self) -> Result<Vec<Corrected>, LoadError> {
        let corrected = std::mem::take(&mut self.corrected);
        let mut ordered = self.options.corrections.into_iter().flat_map(Corrections::tensors);
        match ordered.find(|name| corrected.iter().all(|made| made.tensor != *name)) {
            Some(tensor) => Err(LoadError::named(&self.label, tensor, LoadProblem::Uncorrected)),
            None => Ok(corrected),
        }
    }

    /// Remarks for the user, once every tensor is claimed.
    pub(super) fn into_warnings(self) -> Vec<Warning> {
        debug_assert_eq!(self.claimed, self.by_role.len(), "every tensor is claimed once");
        let (count, architecture, file) = (self.dense_masters.len(), self.config.architecture, self.label);
        let first = self.dense_masters.into_iter().next();
        first.map(|first| Warning::NotTernary { file, count, first, architecture }).into_iter().collect()
    }

    /// The tensor of a role that the inventory found.
    fn claim(&mut self, role: Role) -> SourceTensor {
        self.claimed += 1;
        if let Some(progress) = self.options.progress {
            progress(self.claimed, self.by_role.len());
        }
        self.by_role[&role].clone()
    }

    fn matrix<O: Axis, I: Axis>(&self, tensor: &SourceTensor, axes: (O, I)) -> Result<Matrix, LoadError> {
        let packing = self.options.i2s_packing;
        self.threads.run(|| checked::matrix(tensor, packing, axes))
    }

    /// The matrix with the activation mode that was asked for, or its default.
    fn with_activations(&self, tensor: &SourceTensor, matrix: Matrix) -> Result<Matrix, LoadError> {
        // A source speaks of the weights that it has, not of those that quantizing makes of them.
        let of_source = self.activations.filter(|_| self.options.quantize.is_none());
        let (graph, asked) = (self.config.graph(), self.options.activations);
        let mode = matrices::activation_mode(&matrix, &graph, asked, of_source);
        matrix.with_activation_mode(mode).map_err(|source| self.contents(tensor, source))
    }

    /// A matrix that is quantized to codes.
    fn quantized(&self, tensor: &SourceTensor, matrix: &Matrix, with: Quantize) -> Result<Matrix, LoadError> {
        self.threads.run(|| with.quantize(matrix)).map_err(|source| self.contents(tensor, source))
    }

    /// A factor for a whole matrix.
    fn scale(&mut self, role: Role) -> Result<WeightScale, LoadError> {
        let tensor = self.claim(role);
        let scale = match self.floats(&tensor, "a scale")?[..] {
            [scale] if scale != 0.0 => scale,
            ref found => {
                let found = format!("{:?}", &found[..found.len().min(4)]);
                return Err(self.value(&tensor, found, "one scale, not zero"));
            }
        };
        matrices::factor(tensor.encoding, scale).map_err(|source| self.contents(&tensor, source))
    }

    fn floats(&self, tensor: &SourceTensor, what: &'static str) -> Result<Vec<f32>, LoadError> {
        self.threads.run(|| checked::floats(tensor, what))
    }

    fn shape(&self, tensor: &SourceTensor, source: ShapeError) -> LoadError {
        LoadError::of_tensor(tensor, LoadProblem::Shape(source))
    }

    fn contents(&self, tensor: &SourceTensor, source: PackingError) -> LoadError {
        LoadError::of_tensor(tensor, LoadProblem::Contents(source))
    }

    fn value(&self, tensor: &SourceTensor, found: impl ToString, expected: &'static str) -> LoadError {
        LoadError::of_tensor(tensor, LoadProblem::Value { found: found.to_string(), expected })
    }
}

/// Counts rows that are done, of `total`, and tells `progress`.
fn rows_done<'p>(
    progress: Option<&'p (dyn Fn(usize, usize) + Sync)>,
    total: usize,
) -> impl Fn(usize) + Send + Sync + 'p {
    let done = AtomicUsize::new(0);
    move |rows| {
        let done = done.fetch_add(rows, Ordering::Relaxed) + rows;
        progress.inspect(|progress| progress(done, total));
    }
}
