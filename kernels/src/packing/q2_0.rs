//! Q2_0: four codes a byte, one f16 scale for 64 columns.
//!
//! Source: `block_q2_0` and `dequantize_row_q2_0` of llama.cpp v0.5.0.

use bytes::Bytes;
use typenum::{U18, U64};

use super::coded::{Pairs, coded_packing};
use super::{Coded, Groups64, Order, Packed, Packing, Pq2_0, Section, Ternary, WeightScale};
use crate::machine::parallel;

coded_packing! {
    /// The packing of GGUF type 42: an f16 scale, then 64 codes in 16 bytes, four neighbouring columns in each, the
    /// first in the lowest bits. The code 3, which means twice the scale, is not ternary.
    Q2_0, "q2_0", U64, U18
}

#[diagnostic::do_not_recommend]
impl Ternary for Q2_0 {}

impl Coded for Q2_0 {
    type Group = Groups64;
    type Fields = Pairs;
    const SECTIONS: &'static [Section] =
        &[Section { offset: 2, bytes: 16, fields: 4, element: 0, order: Order::Bytes }];
    const SCALE_OFFSET: Option<usize> = Some(0);
    const MAGNITUDES: bool = true;
}

/// Codes of four weights 0.
const ZEROS: u8 = 0x55;

impl Packed<Q2_0> {
    /// The same matrix in groups of 128 columns, where each two groups of 64 have one scale or one of them has no
    /// weight but 0, as in files that were made of groups of 128; `None` for other matrices. [`Packed::convert`]
    /// gives the same by way of the codes.
    pub fn joined(&self) -> Option<Packed<Pq2_0>> {
        const PAIR: usize = 2 * <Q2_0 as Packing>::BLOCK_BYTES;
        let differs = |pair: &[u8]| {
            let [(scale, codes), (other, others)] = halves(pair);
            scale != other && !is_zero(codes) && !is_zero(others)
        };
        if !self.cols().is_multiple_of(Pq2_0::BLOCK) || self.blocks().chunks_exact(PAIR).any(differs) {
            return None;
        }
        let mut bytes = vec![0; self.blocks().len() / PAIR * Pq2_0::BLOCK_BYTES];
        let (to, from) = ((&mut bytes[..], Pq2_0::BLOCK_BYTES), (self.blocks(), PAIR));
        let join = |_: &mut (), _, to: &mut [u8], pair: &[u8]| {
            let [(scale, codes), (other, others)] = halves(pair);
            to[..2].copy_from_slice(if is_zero(codes) { other } else { scale });
            to[2..18].copy_from_slice(codes);
            to[18..].copy_from_slice(others);
        };
        parallel::for_each_pair(to, from, 1 << 12, || (), join);
        let joined = Packed::new(self.rows(), self.cols(), Bytes::from(bytes)).ok()?;
        joined.with_multiplier(WeightScale::new(self.multiplier()).ok()?).ok()
    }
}

/// The scale and the codes of two blocks.
fn halves(pair: &[u8]) -> [(&[u8], &[u8]); 2] {
    let (first, second) = pair.split_at(Q2_0::BLOCK_BYTES);
    [first.split_at(2), second.split_at(2)]
}

fn is_zero(codes: &[u8]) -> bool {
    codes.iter().all(|&byte| byte == ZEROS)
}
