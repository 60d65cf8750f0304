//! Every name of the library: tests reach into all of it, so one prelude does not do.

pub use std::ops::ControlFlow;
pub use trine::kernels::*;
pub use trine::loader::{Access, Gguf, GgufWriter, TensorType};
pub use trine::model::*;
// Named, as the arithmetic has a machine of the same name.
pub use trine::ops::Cpu;
pub use trine::ops::*;
pub use trine::shapes::*;
