//! Codes of activations in the orders in which packings have their columns.
//!
//! What belongs here: the orders, and codes in each of them. What does not: where codes of weights lie
//! ([`crate::packing`]) and how a register meets activations ([`crate::product::ternary`]).

use alloc::boxed::Box;
use alloc::vec::Vec;

use once_cell::race::OnceBox;

use super::LEAST_VALUES;
use crate::machine::Machine;
use crate::simd::{Kernel, Simd, Vector};

/// Columns within which an order differs from the natural one.
const COLUMNS: usize = 128;

/// The order of 128 columns: those of the first field of all bytes of a window of weights, then those of the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnOrder {
    /// One after the other.
    Natural,
    /// Four neighbours in a byte, 32 bytes: place `32 f + b` has column `4 b + f`.
    Pairs,
    /// Four neighbours in a byte, twice sixteen bytes: place `64 h + 16 f + b` has column `64 h + 4 b + f`.
    PairsOf64,
    /// Eight neighbours in a byte, sixteen bytes whose lower nibbles come first: place `32 f + 16 h + b` has column
    /// `8 b + 4 h + f`.
    Bits,
}

impl ColumnOrder {
    /// Every order but the natural one.
    const OTHERS: usize = 3;
}

/// Codes in other orders than the natural one, each made when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Orders([OnceBox<Vec<i8>>; ColumnOrder::OTHERS]);

impl Orders {
    /// `codes`, whose length is a multiple of 128, in an order.
    pub(super) fn get<'a>(&'a self, cpu: &Machine, order: ColumnOrder, codes: &'a [i8]) -> &'a [i8] {
        if order == ColumnOrder::Natural {
            return codes;
        }
        self.0[order as usize - 1].get_or_init(|| {
            let mut ordered = vec![0; codes.len()];
            let windows = ordered.as_chunks_mut::<COLUMNS>().0.chunks_mut(LEAST_VALUES / COLUMNS);
            let mut work: Vec<_> = codes.as_chunks::<COLUMNS>().0.chunks(LEAST_VALUES / COLUMNS).zip(windows).collect();
            cpu.for_each(&mut work, |_, (from, to)| cpu.isa().run(Reorder { order, from, to }));
            Box::new(ordered)
        })
    }
}

/// Writes columns in an order, window by window.
struct Reorder<'a> {
    order: ColumnOrder,
    from: &'a [[i8; COLUMNS]],
    to: &'a mut [[i8; COLUMNS]],
}

impl Kernel for Reorder<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self, _: Simd<V>) {
        for (from, to) in self.from.iter().zip(self.to) {
            match self.order {
                ColumnOrder::Natural => *to = *from,
                ColumnOrder::Pairs => transpose::<32, 4>(from, to),
                ColumnOrder::PairsOf64 => {
                    for (from, to) in from.as_chunks::<64>().0.iter().zip(to.as_chunks_mut::<64>().0) {
                        transpose::<16, 4>(from, to);
                    }
                }
                // Field `4 h + f` of sixteen bytes goes to place `32 f + 16 h`.
                ColumnOrder::Bits => {
                    let mut fields = [0; COLUMNS];
                    transpose::<16, 8>(from, &mut fields);
                    for (field, codes) in fields.as_chunks::<16>().0.iter().enumerate() {
                        to[32 * (field % 4) + 16 * (field / 4)..][..16].copy_from_slice(codes);
                    }
                }
            }
        }
    }
}

/// Element `field` of each of `BYTES` groups of `FIELDS` goes to place `field * BYTES + group`.
#[inline(always)]
fn transpose<const BYTES: usize, const FIELDS: usize>(from: &[i8], to: &mut [i8]) {
    for (field, to) in to.as_chunks_mut::<BYTES>().0.iter_mut().enumerate() {
        for (to, group) in to.iter_mut().zip(from.as_chunks::<FIELDS>().0) {
            *to = group[field];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CpuOptions;

    #[test]
    fn places_have_the_columns_that_are_said() {
        let cpu = Machine::new(CpuOptions::default()).expect("a machine");
        let codes: Vec<i8> = (0..2 * COLUMNS).map(|column| (column % COLUMNS) as i8).collect();
        let orders = Orders::default();
        let check = |order, column: fn(usize) -> usize| {
            let found = orders.get(&cpu, order, &codes);
            let expected: Vec<i8> = (0..2 * COLUMNS).map(|place| column(place % COLUMNS) as i8).collect();
            assert_eq!(found, expected, "{order:?}");
        };
        check(ColumnOrder::Natural, |place| place);
        check(ColumnOrder::Pairs, |place| 4 * (place % 32) + place / 32);
        check(ColumnOrder::PairsOf64, |place| place / 64 * 64 + 4 * (place % 16) + place % 64 / 16);
        check(ColumnOrder::Bits, |place| 8 * (place % 16) + place % 32 / 16 * 4 + place / 32);
    }
}
