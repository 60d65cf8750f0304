//! Conversions between the packings of codes.
//!
//! What belongs here: which scales a matrix has in the groups of another packing. What does not: which packing holds
//! all matrices of another ([`super::group`]).

use alloc::vec::Vec;
use core::ops::Range;

use super::coded::ZERO_CODE;
use super::{Coded, PackScales, Packed, PackingError, Scales, WeightScale};

impl<P: Coded> Packed<P> {
    /// The same weights in the packing `Q`, exactly; the multiplier is kept. [`Packed::recoded`] is for packings
    /// that hold every matrix of this one.
    ///
    /// A negative scale becomes a magnitude where `Q` has those, and its codes change sides. Where the scale of a block
    /// is 0, or all of its codes mean 0, all weights are 0, in whichever way `Q` has for that.
    ///
    /// # Errors
    /// A [`PackingError`] where `Q` cannot hold the weights: columns that are not a multiple of its block where it has
    /// block scales, a scale that f16 cannot hold exactly, scales that differ where `Q` has one, or a weight 0 among
    /// others where it has none. Also for a matrix with block scales whose rows are padded.
    pub fn convert<Q: Coded>(&self) -> Result<Packed<Q>, PackingError> {
        if Q::SCALE_OFFSET.is_some() && !self.cols().is_multiple_of(Q::BLOCK) {
            return Err(PackingError::Columns { packing: Q::NAME, cols: self.cols(), multiple: Q::BLOCK });
        }
        self.unpacked()?.packed()
    }

    /// Codes and scales.
    fn unpacked(&self) -> Result<Decoded, PackingError> {
        let (rows, cols) = (self.rows(), self.cols());
        let scales = match self.shared() {
            Scales::Tensor(scale) => vec![scale],
            Scales::Blocks if cols.is_multiple_of(P::BLOCK) => self.scales(),
            Scales::Blocks => return Err(PackingError::Columns { packing: P::NAME, cols, multiple: P::BLOCK }),
        };
        Ok(Decoded { from: P::NAME, rows, cols, codes: self.codes(), scales, multiplier: self.multiplier() })
    }
}

/// A matrix of codes outside of any packing.
struct Decoded {
    /// The name of the packing that it was in.
    from: &'static str,
    rows: usize,
    cols: usize,
    codes: Vec<u8>,
    /// Of runs of equal length.
    scales: Vec<f32>,
    multiplier: f32,
}

impl Decoded {
    fn packed<Q: Coded>(mut self) -> Result<Packed<Q>, PackingError> {
        let run = self.codes.len() / self.scales.len();
        for (codes, scale) in self.codes.chunks_exact_mut(run).zip(&mut self.scales) {
            if *scale == 0.0 {
                codes.fill(ZERO_CODE);
            } else if *scale < 0.0 && Q::MAGNITUDES {
                codes.iter_mut().for_each(|code| *code = 2 - *code);
                *scale = -*scale;
            }
        }
        let Decoded { from, rows, cols, mut codes, scales, multiplier } = self;
        let runs = Runs { codes: &codes, scales: &scales, run };
        let packed = if Q::SCALE_OFFSET.is_none() {
            let one = runs.of_all().map_err(|_| PackingError::ScalesDiffer { packing: Q::NAME })?;
            Packed::<Q>::pack(rows, cols, &codes, PackScales::One(one))?
        } else {
            let (packing, columns) = (Q::NAME, Q::BLOCK);
            let differ = |found| PackingError::GroupScales { from, packing, columns, found };
            let mut scales = runs.of_blocks(Q::BLOCK).map_err(differ)?;
            if !Q::HAS_ZERO {
                zeros_by_scale(&mut codes, &mut scales);
            }
            Packed::<Q>::pack(rows, cols, &codes, PackScales::Blocks(&scales))?
        };
        packed.with_multiplier(WeightScale::new(multiplier)?)
    }
}

/// Makes blocks of zeros such by their scale, whose codes then mean nothing.
fn zeros_by_scale(codes: &mut [u8], scales: &mut [f32]) {
    let block = codes.len() / scales.len();
    for (codes, scale) in codes.chunks_exact_mut(block).zip(scales) {
        if codes.iter().all(|&code| code == ZERO_CODE) {
            codes.fill(2);
            *scale = 0.0;
        }
    }
}

/// Codes and the scale of each run of them.
pub(crate) struct Runs<'a> {
    pub(crate) codes: &'a [u8],
    pub(crate) scales: &'a [f32],
    /// Codes of a run, which divides a row.
    pub(crate) run: usize,
}

impl Runs<'_> {
    /// The scale of the first non-zero run of some, or of the first; the other scale where they have two.
    fn common(&self, runs: Range<usize>) -> Result<f32, [f32; 2]> {
        let of_weights = |run: &usize| self.codes[run * self.run..][..self.run].iter().any(|&code| code != ZERO_CODE);
        if runs.len() == 1 {
            return Ok(self.scales[runs.start]);
        }
        let mut scales = runs.clone().filter(of_weights).map(|run| self.scales[run]);
        let scale = scales.next().unwrap_or(self.scales[runs.start]);
        scales.find(|&other| other != scale).map_or(Ok(scale), |other| Err([scale, other]))
    }

    /// The one scale of all runs that have weights other than 0; the two first ones where they differ.
    pub(crate) fn of_all(&self) -> Result<f32, [f32; 2]> {
        self.common(0..self.scales.len())
    }

    /// The scale of each block of so many codes: that of the runs that it is made of, or of the run that it is part
    /// of. Two scales of a block that has two.
    pub(crate) fn of_blocks(&self, block: usize) -> Result<Vec<f32>, [f32; 2]> {
        let runs = |number: usize| number * block / self.run..((number + 1) * block).div_ceil(self.run);
        (0..self.codes.len() / block).map(|number| self.common(runs(number))).collect()
    }
}
