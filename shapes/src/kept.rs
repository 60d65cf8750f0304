//! What a program keeps of environments whose lengths are known at run time: any number of them, in a list or a field.
//!
//! What belongs here: values that outlive the scope of their environment. What does not: environments that a scope
//! ends with ([`Dyn`](crate::Dyn)), and models of files, which an engine of the crate `trine-model` keeps.

use crate::environment::Environment;
use core::fmt;

/// What is kept, written for any environment with lengths `L`.
pub trait Kind<L> {
    /// The value, such as `Tensor<f32, (Width<E>,)>`.
    type In<E: Environment<L>>;
}

/// Makes what is kept: what a generic closure would be.
pub trait Make<L, K: Kind<L>> {
    /// Why there is none, such as an error of a file.
    type Error;

    /// Makes it in `environment`.
    ///
    /// # Errors
    /// Those of the program that implements it.
    fn make<E: Environment<L>>(self, environment: E) -> Result<K::In<E>, Self::Error>;
}

/// Works on what is kept: what a generic closure would be.
pub trait Enter<L, K: Kind<L>> {
    /// What it returns. It cannot hold a tensor of the environment, whose type it does not know.
    type Out;

    /// Works on it.
    fn enter<E: Environment<L>>(self, environment: E, kept: &mut K::In<E>) -> Self::Out;
}

/// The lengths of one [`Kept`].
#[derive(Clone, Copy)]
struct Own<L>(L);

impl<L: fmt::Debug> fmt::Debug for Own<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// Lawful as far as two values of it do not meet. It is private, `Make` and `Enter` know it as some `E`, and each call
// has its own. Neither says `E: 'static`: else `Any` could carry a tensor of one environment into another.
impl<L: Copy + fmt::Debug + Send + Sync> Environment<L> for Own<L> {
    const NAME: &'static str = "Kept";

    #[inline]
    fn lengths(self) -> L {
        self.0
    }
}

/// A value of kind `K` in an environment of its own, without a lifetime and without a type parameter for its lengths.
///
/// ```
/// use trine_shapes::*;
///
/// environment! { pub struct Net { width } }
/// axis! { pub struct Width<E: Environment<Net>> = |net| net.width; }
///
/// /// A gain.
/// struct Gain;
/// impl Kind<Net> for Gain {
///     type In<E: Environment<Net>> = Tensor<f32, (Width<E>,)>;
/// }
///
/// struct Ones;
/// impl Make<Net, Gain> for Ones {
///     type Error = ShapeError;
///     fn make<E: Environment<Net>>(self, net: E) -> Result<Tensor<f32, (Width<E>,)>, ShapeError> {
///         let width = Width::of(net);
///         Tensor::check("gain", vec![1.0; width.len()], &[width.len()], (width,))
///     }
/// }
///
/// struct Sum;
/// impl Enter<Net, Gain> for Sum {
///     type Out = f32;
///     fn enter<E: Environment<Net>>(self, _: E, gain: &mut Tensor<f32, (Width<E>,)>) -> f32 {
///         gain.data().iter().sum()
///     }
/// }
///
/// let mut gains = Vec::new();
/// for width in [3, 5, 8] {
///     gains.push(Kept::<Net, Gain>::new(Net { width }, Ones)?);
/// }
/// let sums: Vec<f32> = gains.iter_mut().map(|gain| gain.enter(Sum)).collect();
/// assert_eq!(sums, [3.0, 5.0, 8.0]);
/// # Ok::<(), ShapeError>(())
/// ```
pub struct Kept<L: Copy + fmt::Debug + Send + Sync, K: Kind<L>> {
    environment: Own<L>,
    value: K::In<Own<L>>,
}

impl<L: Copy + fmt::Debug + Send + Sync, K: Kind<L>> Kept<L, K> {
    /// What `program` makes in an environment of these lengths.
    ///
    /// # Errors
    /// Those of `program`.
    pub fn new<P: Make<L, K>>(lengths: L, program: P) -> Result<Self, P::Error> {
        let environment = Own(lengths);
        Ok(Kept { environment, value: program.make(environment)? })
    }

    /// Runs `program` on what is kept.
    pub fn enter<P: Enter<L, K>>(&mut self, program: P) -> P::Out {
        program.enter(self.environment, &mut self.value)
    }

    /// The lengths.
    pub fn lengths(&self) -> L {
        self.environment.0
    }
}

impl<L: Copy + fmt::Debug + Send + Sync, K: Kind<L>> fmt::Debug for Kept<L, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kept").field(&self.environment).finish()
    }
}
