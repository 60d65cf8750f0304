//! What a machine can do at most: the peaks of the integer dot product and of products of single precision, the
//! bandwidth of reading memory, and the time that it takes to hand work to other threads. Measurements of kernels are
//! fractions of these.
//!
//! What belongs here: loops that do one thing as fast as the instruction set allows. What does not: medians,
//! repetitions and tables (`trine bench`).

#[cfg(test)]
mod tests;

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::machine::Machine;
use crate::simd::floats::{self, FloatKernel, Floats, LANES};
use crate::simd::{Kernel, Simd, Vector, prefetch};

/// Bytes that [`Machine::time_of_reads`] reads at once; others are left out at the end.
const LINE: usize = 64;
/// Places of the memory that a thread reads from in turns: more than one, as one keeps too few reads on their way, and
/// few, as the machine looks ahead in few places.
const STREAMS: usize = 4;
/// Bytes between an address that is read and the one that is asked for at the same time.
const AHEAD: usize = 512;
/// Vectors of activations in a tile of [`Machine::time_of_dots`].
const COLUMNS: usize = 4;
/// Bytes of activations of a tile.
const OPERANDS: usize = COLUMNS * LINE;
/// Codes of a ternary weight are 0, 1 and 2; all are 1 here.
const CODE: u8 = 1;
/// Calls that one fork-join is the average of.
const CALLS: u32 = 1000;

impl Machine {
    /// Takes `steps` steps of integer dot products on every thread at once, with operands from registers and the L1
    /// cache alone: the number of operations, and the time. A multiply and an add are two operations.
    ///
    /// The peak of the machine is what the fastest of several runs gives. It is that of the instruction which the
    /// kernels of this instruction set multiply with, and of what it needs to be exact.
    pub fn time_of_dots(&self, steps: usize) -> (u64, Duration) {
        let activations: Vec<i8> = (0..OPERANDS).map(|i| i as i8).collect();
        let mut products = vec![0; self.threads()];
        let start = Instant::now();
        self.for_each(&mut products, |_, products| {
            let Dots { products: done, sums } = self.isa().run(DotPeak { activations: &activations, steps });
            black_box(sums);
            *products = done;
        });
        (2 * products.iter().sum::<u64>(), start.elapsed())
    }

    /// Takes `steps` steps of fused multiplications and additions of single precision on every thread at once, with
    /// operands in registers alone: the number of operations, and the time. A multiply and an add are two operations.
    pub fn time_of_fused(&self, steps: usize) -> (u64, Duration) {
        let mut operations = vec![0; self.threads()];
        let start = Instant::now();
        self.for_each(&mut operations, |_, operations| {
            let FusedDone { products, sum } = floats::run(self.isa(), FusedPeak { steps });
            black_box(sum);
            *operations = 2 * products;
        });
        (operations.iter().sum(), start.elapsed())
    }

    /// Reads `memory` once, each thread a part of it: the number of bytes, and the time.
    ///
    /// The memory must be far larger than the caches, and written before: the system lends one page of zeros for all
    /// memory that nobody has written.
    pub fn time_of_reads(&self, memory: &[u8]) -> (u64, Duration) {
        let part = memory.len() / self.threads() / LINE * LINE;
        if part == 0 {
            return (0, Duration::ZERO);
        }
        let mut parts: Vec<&[u8]> = memory.chunks_exact(part).take(self.threads()).collect();
        let bytes = parts.iter().map(|part| part.len() as u64).sum();
        let start = Instant::now();
        self.for_each(&mut parts, |_, part| {
            black_box(self.isa().run(ReadAll { bytes: part }));
        });
        (bytes, start.elapsed())
    }

    /// The time that it takes to offer work to every thread and to end it: the average of many calls in a row that do
    /// nothing else. A thread that comes too late for its share is not waited for.
    pub fn time_of_fork_join(&self) -> Duration {
        let mut items = vec![0_u32; self.threads()];
        let start = Instant::now();
        for _ in 0..CALLS {
            self.for_each(&mut items, |_, item| *item = black_box(*item + 1));
        }
        start.elapsed() / CALLS
    }
}

/// What the dot products of [`DotPeak`] came to.
struct Dots {
    /// Multiplications of a code and an activation.
    products: u64,
    /// Their sums, so that they cannot be left out.
    sums: i64,
}

/// Dot products of register tiles, as a matrix product has them in its innermost loop.
struct DotPeak<'a> {
    /// [`OPERANDS`] activations.
    activations: &'a [i8],
    /// Tiles, rounded up to a whole number of runs.
    steps: usize,
}

impl Kernel for DotPeak<'_> {
    type Output = Dots;
    const DOTS: bool = true;

    #[inline(always)]
    fn run<V: Vector>(self, simd: Simd<V>) -> Dots {
        // As many accumulators as the registers of the instruction set hold beside the operands.
        if V::PARTS == 2 { self.tiles::<V, 4>(simd) } else { self.tiles::<V, 2>(simd) }
    }
}

impl DotPeak<'_> {
    /// Steps of `ROWS` vectors of codes times [`COLUMNS`] vectors of activations.
    #[inline(always)]
    fn tiles<V: Vector, const ROWS: usize>(self, simd: Simd<V>) -> Dots {
        assert_eq!(self.activations.len(), OPERANDS, "activations of a tile");
        let codes = black_box([[CODE; LINE]; ROWS]);
        let run_steps = V::RUN.min(1024);
        let mut steps = 0;
        // SAFETY: a vector has at most `LINE` bytes, and there are as
        // many in each row of `codes` and from each activation that is loaded.
        unsafe {
            let codes: [V; ROWS] = std::array::from_fn(|row| V::load(simd, codes[row].as_ptr()));
            let mut sums = [[V::zero_sums(simd); ROWS]; COLUMNS];
            while steps < self.steps {
                let mut runs = [[V::zero_run(simd); ROWS]; COLUMNS];
                for _ in 0..run_steps {
                    // Unknown to the compiler, which could else multiply once and add in the loop.
                    let activations = black_box(self.activations.as_ptr());
                    for (column, runs) in runs.iter_mut().enumerate() {
                        let activations = V::load(simd, activations.add(column * LINE).cast());
                        for (run, codes) in runs.iter_mut().zip(codes) {
                            *run = codes.dot(activations, *run);
                        }
                    }
                }
                for (sums, run) in sums.as_flattened_mut().iter_mut().zip(runs.as_flattened()) {
                    *sums = V::widen(*run, *sums);
                }
                steps += run_steps;
            }
            let lanes = sums.as_flattened().iter().map(|sums| V::lanes(*sums));
            let sums = lanes.flat_map(|lanes| lanes.into_iter().take(V::LANES)).map(i64::from).sum();
            Dots { products: steps as u64 * (COLUMNS * ROWS * 4 * V::LANES) as u64, sums }
        }
    }
}

/// What the products of [`FusedPeak`] came to.
struct FusedDone {
    /// Multiplications.
    products: u64,
    /// Their sum, so that they cannot be left out.
    sum: f32,
}

/// Fused multiplications and additions, as many beside one another as hide that each takes some cycles.
struct FusedPeak {
    steps: usize,
}

impl FloatKernel for FusedPeak {
    type Output = FusedDone;

    #[inline(always)]
    fn run<F: Floats>(self, floats: F) -> FusedDone {
        // Registers of 256 bits hold half a vector: four vectors are eight sums there.
        if F::MANY_REGISTERS { self.chains::<F, 8>(floats) } else { self.chains::<F, 4>(floats) }
    }
}

impl FusedPeak {
    #[inline(always)]
    fn chains<F: Floats, const CHAINS: usize>(self, floats: F) -> FusedDone {
        let factors = [floats.splat(black_box(0.5)), floats.splat(black_box(0.25))];
        let mut sums = [floats.splat(0.0); CHAINS];
        for _ in 0..self.steps {
            for sum in &mut sums {
                *sum = floats.mul_add(factors[0], factors[1], *sum);
            }
        }
        let sum = sums.into_iter().map(|sums| floats.sum(sums)).sum();
        FusedDone { products: (self.steps * CHAINS * LANES) as u64, sum }
    }
}

/// A read of all bytes, a whole number of [`LINE`]s: the sum of the lowest two bits of each.
struct ReadAll<'a> {
    bytes: &'a [u8],
}

impl Kernel for ReadAll<'_> {
    type Output = i64;

    #[inline(always)]
    fn run<V: Vector>(self, simd: Simd<V>) -> i64 {
        let lines = self.bytes.as_chunks::<LINE>().0;
        let part = lines.len() / STREAMS;
        let (together, rest) = lines.split_at(part * STREAMS);
        let mut streams: [&[[u8; LINE]]; STREAMS] = [&[]; STREAMS];
        for (stream, lines) in streams.iter_mut().zip(together.chunks_exact(part.max(1))) {
            *stream = lines;
        }
        sum_of_low_bits::<V, STREAMS>(simd, streams) + sum_of_low_bits::<V, 1>(simd, [rest])
    }
}

/// The sum of the lowest two bits of all bytes of streams of equal length, which are read in turns.
///
/// # Panics
/// If the streams have different lengths.
#[inline(always)]
fn sum_of_low_bits<V: Vector, const N: usize>(simd: Simd<V>, streams: [&[[u8; LINE]]; N]) -> i64 {
    let lines = streams[0].len();
    assert!(streams.iter().all(|stream| stream.len() == lines), "streams of one length");
    // Far fewer than a run holds, of far smaller codes.
    let run_lines = V::RUN / (LINE / 32);
    let mut total = 0;
    // SAFETY: all streams have `lines` lines, of whole vectors.
    unsafe {
        let ones = V::load(simd, [1; LINE].as_ptr());
        let mut start = 0;
        while start < lines {
            let stop = lines.min(start.saturating_add(run_lines));
            let mut runs = [V::zero_run(simd); N];
            for line in start..stop {
                for (stream, run) in streams.iter().zip(&mut runs) {
                    let line = stream.as_ptr().add(line).cast::<u8>();
                    prefetch(line.wrapping_add(AHEAD));
                    for part in (0..LINE).step_by(4 * V::LANES) {
                        *run = V::load(simd, line.add(part)).two_bits::<0>().dot(ones, *run);
                    }
                }
            }
            for run in runs {
                let lanes = V::lanes(V::widen(run, V::zero_sums(simd)));
                total += lanes.into_iter().take(V::LANES).map(i64::from).sum::<i64>();
            }
            start = stop;
        }
    }
    total
}
