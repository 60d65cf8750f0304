//! The machine that operations run on.

use core::ops::Deref;
use trine_kernels::{CpuError, CpuOptions};

/// The receiver of every operation: a [`trine_kernels::Machine`], whose operations on slices it has too. Clones share
/// its threads.
#[derive(Debug, Clone)]
pub struct Cpu(trine_kernels::Machine);

impl Cpu {
    /// Starts the threads of `options` and fixes the instruction set.
    ///
    /// # Errors
    /// As [`trine_kernels::Machine::new`].
    pub fn new(options: CpuOptions) -> Result<Cpu, CpuError> {
        Ok(Cpu(trine_kernels::Machine::new(options)?))
    }
}

impl From<trine_kernels::Machine> for Cpu {
    fn from(cpu: trine_kernels::Machine) -> Cpu {
        Cpu(cpu)
    }
}

impl Deref for Cpu {
    type Target = trine_kernels::Machine;

    #[inline]
    fn deref(&self) -> &trine_kernels::Machine {
        &self.0
    }
}
