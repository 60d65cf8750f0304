//! Parameters of a network of a program's own: each is a type, which says its name in a file and what it is.
//!
//! What belongs here: finding tensors by the names of parameters, once each, and reading them. What does not: models of
//! an architecture, whose names are those of the schema (`load.rs`).

#[cfg(test)]
mod tests;

use super::{LoadError, LoadProblem, checked, matrices};
use crate::files::{Encoding, Source, SourceTensor};
use std::collections::HashMap;
use std::sync::Arc;
use trine_kernels::packing::I2sPacking;
use trine_kernels::{Matrix, Packed, Packing};
use trine_loader::{Safetensors, SafetensorsInfo, TensorType};
use trine_ops::{Bias, Embedding, Head, RmsNorm, Weight};
use trine_shapes::{Axis, Idx, Made, NormRole, Plain, PlainShape, Tensor};

/// A parameter of a network: which tensor of a file it is, and what that is.
/// [`parameters!`](crate::parameters) declares them.
pub trait Parameter: Sized {
    /// Its name in files. `{}` stands for the number of a layer.
    const NAME: &'static str;

    /// What it is: a [`Weight`], a [`Bias`], an [`Embedding`], a [`Head`], an [`RmsNorm`], a [`Tensor`] of floats.
    type Value: FromTensor;

    /// Whether its name has that of the norm whose gains it is, if it is gains.
    #[doc(hidden)]
    const IS_NAMED: bool = has_name_of_norm(Self::NAME, <Self::Value as FromTensor>::NORM);

    /// The parameter with this value, wherever that comes from: the one place where a program says so itself.
    fn of(value: Self::Value) -> Self;
}

/// What a tensor of a file can be read as.
#[diagnostic::on_unimplemented(
    message = "a tensor of a file is not read as `{Self}`",
    label = "expected a `Weight`, `Bias`, `Embedding`, `Head`, `RmsNorm`, or a `Tensor` of `f32` with plain axes"
)]
pub trait FromTensor: Sized {
    /// What a file does not say: the axes, and the epsilon of a norm.
    type Given;

    /// The norm that the name of the tensor must have, where it is the gains of one.
    const NORM: Option<&'static str> = None;

    /// Reads the tensor in the type that it has in the file.
    ///
    /// # Errors
    /// [`LoadError`] naming the tensor, what was expected and what was found.
    fn from_tensor(tensor: &SourceTensor, given: Self::Given) -> Result<Self, LoadError>;
}

/// The tensors of a file, for a network of a program's own: each is read once, as the parameter that has its name, by
/// the type that it has in the file.
///
/// ```
/// use trine_kernels::Matrix;
/// use trine_loader::{Gguf, GgufWriter, TensorType};
/// use trine_model::{LoadError, Parameters, parameters};
/// use trine_ops::{RmsNorm, Weight};
/// use trine_shapes::{Gate, Normed, axis, norm_role};
///
/// axis! { struct Inputs = 2; struct Cells = 3; }
/// norm_role! { enum InputNorm = "input_norm"; }
/// parameters! {
///     /// The gains before the cells.
///     struct Gains = "input_norm.weight": RmsNorm<InputNorm, Inputs>;
///     /// What opens a cell.
///     struct Opens = "opens.weight": Weight<Matrix, Gate<Cells>, Normed<InputNorm, Inputs>>;
///     /// What enters it.
///     struct Enters = "enters.weight": Weight<Matrix, Cells, Normed<InputNorm, Inputs>>;
/// }
///
/// fn network(file: &Gguf) -> Result<(Gains, Opens, Enters), LoadError> {
///     let (mut parameters, inputs) = (Parameters::of(file), Normed::of(Inputs));
///     let gains = parameters.read((Inputs, 1e-5))?;
///     let opens = parameters.read((Gate::of(Cells), inputs))?;
///     let enters = parameters.read((Cells, inputs))?;
///     parameters.finish()?;
///     Ok((gains, opens, enters))
/// }
///
/// let mut writer = GgufWriter::new();
/// writer.tensor("input_norm.weight", &[2], TensorType::F32, vec![1; 8])?;
/// writer.tensor("opens.weight", &[3, 2], TensorType::BF16, vec![1; 12])?;
/// writer.tensor("enters.weight", &[2, 3], TensorType::F16, vec![1; 12])?;
/// let mut bytes = Vec::new();
/// writer.write_to(&mut bytes)?;
/// let error = network(&Gguf::from_bytes("cells.gguf", bytes.into())?).err().unwrap();
/// assert_eq!(
///     error.to_string(),
///     "cells.gguf: tensor `enters.weight` should be [Cells = 3, Inputs = 2] but is [2, 3] (it looks transposed)"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Parameters {
    file: String,
    /// Those that were read are `None`.
    tensors: HashMap<String, Option<SourceTensor>>,
}

impl Parameters {
    /// The tensors of a GGUF file or of a directory.
    pub fn of(source: &dyn Source) -> Parameters {
        Parameters::new(source.label(), source.tensors())
    }

    /// The tensors of one safetensors file.
    pub fn of_safetensors(file: &Safetensors) -> Parameters {
        let tensor = |info: &SafetensorsInfo| SourceTensor {
            name: info.name.clone(),
            role: None,
            dims: info.shape.clone(),
            encoding: Encoding::of_dtype(info.dtype),
            file: Arc::from(file.label()),
            offset: info.offset,
            bytes: file.bytes(info),
            groups: None,
            parts: None,
        };
        Parameters::new(file.label(), file.tensors().iter().map(tensor).collect())
    }

    fn new(file: &str, tensors: Vec<SourceTensor>) -> Parameters {
        let tensors = tensors.into_iter().map(|tensor| (tensor.name.clone(), Some(tensor))).collect();
        Parameters { file: file.to_owned(), tensors }
    }

    /// Reads the tensor with the name of `P`; `given` is what the file does not say: the axes, and the epsilon of a
    /// norm.
    ///
    /// # Errors
    /// [`LoadError`] where there is no such tensor, it was read before, it is the gains of another norm by its name, or
    /// it has another shape, another type or other contents than `P` has.
    pub fn read<P: Parameter>(&mut self, given: <P::Value as FromTensor>::Given) -> Result<P, LoadError> {
        self.read_named(P::NAME, given)
    }

    /// [`read`](Parameters::read) for one of the layers: its number takes the place of `{}` in the name of `P`.
    ///
    /// # Errors
    /// As of [`read`](Parameters::read).
    pub fn read_of_layer<P: Parameter, L: Axis>(
        &mut self,
        layer: Idx<L>,
        given: <P::Value as FromTensor>::Given,
    ) -> Result<P, LoadError> {
        self.read_named(&P::NAME.replace("{}", &layer.get().to_string()), given)
    }

    fn read_named<P: Parameter>(&mut self, name: &str, given: <P::Value as FromTensor>::Given) -> Result<P, LoadError> {
        let refused = |problem| Err(LoadError::named(&self.file, name, problem));
        let count = self.tensors.len();
        let Some(place) = self.tensors.get_mut(name) else { return refused(LoadProblem::Absent { count }) };
        let Some(tensor) = &*place else { return refused(LoadProblem::ReadBefore) };
        let parameter = match P::Value::NORM {
            Some(norm) if !P::IS_NAMED => Err(LoadError::of_tensor(tensor, LoadProblem::OtherNorm { norm })),
            _ => P::Value::from_tensor(tensor, given).map(P::of),
        }?;
        // A tensor that was refused is not read.
        *place = None;
        Ok(parameter)
    }

    /// That all tensors were read.
    ///
    /// # Errors
    /// [`LoadProblem::Unread`] with the names of those that were not.
    pub fn finish(self) -> Result<(), LoadError> {
        let mut names: Vec<String> = self.tensors.into_values().flatten().map(|tensor| tensor.name).collect();
        names.sort();
        match names.is_empty() {
            true => Ok(()),
            false => Err(LoadError::of_file(&self.file, LoadProblem::Unread { names })),
        }
    }
}

/// Whether `norm`, where there is one, is a part of `name`: parts are what dots separate.
const fn has_name_of_norm(name: &str, norm: Option<&str>) -> bool {
    let Some(norm) = norm else { return true };
    let (name, norm) = (name.as_bytes(), norm.as_bytes());
    let mut start = 0;
    while start + norm.len() <= name.len() {
        let mut equal = 0;
        while equal < norm.len() && name[start + equal] == norm[equal] {
            equal += 1;
        }
        let end = start + equal;
        if equal == norm.len() && (start == 0 || name[start - 1] == b'.') && (end == name.len() || name[end] == b'.') {
            return true;
        }
        start += 1;
    }
    false
}

#[diagnostic::do_not_recommend]
impl<O: Made, I: Axis> FromTensor for Weight<Matrix, O, I> {
    type Given = (O, I);

    fn from_tensor(tensor: &SourceTensor, axes: (O, I)) -> Result<Self, LoadError> {
        let matrix = checked::matrix(tensor, I2sPacking::default(), axes)?;
        Weight::check(&tensor.name, matrix, axes).map_err(|error| LoadError::of_tensor(tensor, error.into()))
    }
}

/// A matrix in one packing: a tensor of another type is refused.
#[diagnostic::do_not_recommend]
impl<P: Packing, O: Made, I: Axis> FromTensor for Weight<Packed<P>, O, I> {
    type Given = (O, I);

    fn from_tensor(tensor: &SourceTensor, axes: (O, I)) -> Result<Self, LoadError> {
        let (rows, cols) = checked::rows_and_cols(tensor, axes)?;
        let is_packing = |kind: TensorType| matrices::packing(kind).is_some_and(|packing| packing.name() == P::NAME);
        if !matches!(tensor.encoding, Encoding::Plain(kind) if is_packing(kind)) {
            let expected = TensorType::all().find(|kind| is_packing(*kind)).map_or(P::NAME, TensorType::name);
            return Err(LoadError::of_tensor(tensor, LoadProblem::OtherType { expected, found: tensor.encoding }));
        }
        let packed = Packed::new(rows, cols, tensor.bytes.clone());
        let packed = packed.map_err(|error| LoadError::of_tensor(tensor, error.into()))?;
        Weight::check(&tensor.name, packed, axes).map_err(|error| LoadError::of_tensor(tensor, error.into()))
    }
}

macro_rules! tables {
    ($($table:ident)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<V: Plain, H: Plain> FromTensor for $table<Matrix, V, H> {
            type Given = (V, H);

            fn from_tensor(tensor: &SourceTensor, axes: (V, H)) -> Result<Self, LoadError> {
                let matrix = checked::matrix(tensor, I2sPacking::default(), axes)?;
                $table::check(&tensor.name, matrix, axes).map_err(|error| LoadError::of_tensor(tensor, error.into()))
            }
        }
    )*};
}
tables!(Embedding Head);

#[diagnostic::do_not_recommend]
impl<O: Made, I: Axis> FromTensor for Bias<O, I> {
    type Given = (O, I);

    fn from_tensor(tensor: &SourceTensor, axes: (O, I)) -> Result<Self, LoadError> {
        let values = checked::floats(tensor, "a bias")?;
        let bias = Bias::check(&tensor.name, values, &tensor.dims, axes);
        bias.map_err(|error| LoadError::of_tensor(tensor, error.into()))
    }
}

#[diagnostic::do_not_recommend]
impl<S: PlainShape> FromTensor for Tensor<f32, S> {
    type Given = S;

    fn from_tensor(tensor: &SourceTensor, shape: S) -> Result<Self, LoadError> {
        let values = checked::floats(tensor, "a tensor of floats")?;
        let checked = Tensor::check(&tensor.name, values, &tensor.dims, shape);
        checked.map_err(|error| LoadError::of_tensor(tensor, error.into()))
    }
}

#[diagnostic::do_not_recommend]
impl<R: NormRole, A: Plain> FromTensor for RmsNorm<R, A> {
    /// The axis, and the epsilon.
    type Given = (A, f32);

    const NORM: Option<&'static str> = Some(R::NAME);

    fn from_tensor(tensor: &SourceTensor, (axis, epsilon): (A, f32)) -> Result<Self, LoadError> {
        Tensor::from_tensor(tensor, (axis,)).map(|gains| RmsNorm::new(gains, epsilon))
    }
}

/// Declares parameters of a network: the name of each in files, and what it is. Each is a type of its own around its
/// value, so that one is not given for another of the same axes.
///
/// ```
/// use trine_kernels::Matrix;
/// use trine_model::parameters;
/// use trine_ops::{Activations, Cpu, Weight};
/// use trine_shapes::{Tensor, axis};
///
/// axis! { pub struct Inputs = 4; pub struct Cells = 3; }
/// parameters! {
///     /// What a cell keeps.
///     pub struct Keeps = "keeps.weight": Weight<Matrix, Cells, Inputs>;
///     /// What it lets in.
///     pub struct LetsIn = "lets_in.weight": Weight<Matrix, Cells, Inputs>;
/// }
/// fn kept<T: trine_shapes::Plain>(
///     cpu: &Cpu,
///     x: &Activations<T, Inputs>,
///     keeps: &Keeps,
/// ) -> Tensor<f32, (T, Cells)> {
///     cpu.linear(x, keeps)
/// }
/// ```
/// A parameter has one value, that of its name:
/// ```compile_fail,E0308
/// # use trine_kernels::Matrix;
/// # use trine_ops::Weight;
/// # trine_shapes::axis! { pub struct Inputs = 4; pub struct Cells = 3; }
/// # trine_model::parameters! {
/// #     pub struct Keeps = "keeps.weight": Weight<Matrix, Cells, Inputs>;
/// #     pub struct LetsIn = "lets_in.weight": Weight<Matrix, Cells, Inputs>;
/// # }
/// # fn kept(keeps: &Keeps) {}
/// fn cell(lets_in: &LetsIn) {
///     kept(lets_in)
/// }
/// ```
/// Gains of a norm have its name:
/// ```compile_fail,E0080
/// # use trine_ops::RmsNorm;
/// # use trine_shapes::AttnNorm;
/// # trine_shapes::axis! { pub struct Width = 4; }
/// trine_model::parameters! {
///     struct Gains = "ffn_norm.weight": RmsNorm<AttnNorm, Width>;
/// }
/// ```
#[macro_export]
macro_rules! parameters {
    () => {};
    ($(#[$doc:meta])* $vis:vis struct $name:ident = $file:literal: $value:ty; $($rest:tt)*) => {
        $crate::parameters!(@declare [$(#[$doc])* $vis] $name [] [] $file, $value);

        const _: () = assert!(
            <$name as $crate::Parameter>::IS_NAMED,
            // A name may have braces in it.
            "{}",
            concat!("`", $file, "` is not the name of the norm whose gains `", stringify!($name), "` is")
        );
        $crate::parameters!($($rest)*);
    };
    ($(#[$doc:meta])* $vis:vis struct $name:ident<$environment:ident: $bound:path> = $file:literal: $value:ty;
     $($rest:tt)*) => {
        $crate::parameters!(@declare [$(#[$doc])* $vis] $name [<$environment: $bound>] [<$environment>] $file, $value);
        $crate::parameters!($($rest)*);
    };
    (@declare [$($front:tt)*] $name:ident [$($generics:tt)*] [$($of:tt)*] $file:literal, $value:ty) => {
        #[derive(Clone, Debug)]
        $($front)* struct $name $($generics)* ($value);

        impl $($generics)* $crate::Parameter for $name $($of)* {
            const NAME: &'static str = $file;
            type Value = $value;

            fn of(value: $value) -> Self {
                $name(value)
            }
        }

        impl $($generics)* ::core::ops::Deref for $name $($of)* {
            type Target = $value;

            fn deref(&self) -> &$value {
                &self.0
            }
        }
    };
}
