//! The loops that are measured do what is counted; how fast they are is no matter of tests.

use super::{CODE, DotPeak, Dots, FusedDone, FusedPeak, LINE, OPERANDS, ReadAll, floats};
use crate::{CpuOptions, Isa, Machine};
use std::num::NonZeroUsize;

/// The sum of all products that were counted, on every instruction set.
#[test]
fn dot_products_are_computed() {
    let activations: Vec<i8> = (0..OPERANDS).map(|i| (i % 19) as i8 - 4).collect();
    for isa in Isa::available() {
        let Dots { products, sums } = isa.run(DotPeak { activations: &activations, steps: 5000 });
        // Vectors of less than a line use the beginning of each.
        let width = if matches!(isa, Isa::Avx512Vnni | Isa::Avx512VnniLookup) { LINE } else { LINE / 2 };
        let used = activations.chunks_exact(LINE).flat_map(|line| &line[..width]);
        let of_a_tile: i64 = used.map(|&activation| i64::from(activation) * i64::from(CODE)).sum();
        let tiles = products as i64 / (OPERANDS / LINE * width) as i64;
        assert!(tiles >= 2 * 5000, "{isa}: {tiles}");
        assert_eq!(sums, tiles * of_a_tile, "{isa}");
    }
}

#[test]
fn fused_products_are_computed() {
    for isa in Isa::available() {
        let FusedDone { products, sum } = floats::run(isa, FusedPeak { steps: 1000 });
        assert!(products >= 4 * 16 * 1000, "{isa}: {products}");
        assert_eq!(sum, products as f32 * 0.5 * 0.25, "{isa}");
    }
}

#[test]
fn operations_and_bytes_are_those_of_all_threads() {
    for threads in [1, 3] {
        let cpu = Machine::new(CpuOptions { threads: NonZeroUsize::new(threads), isa: None }).unwrap();
        let (one, _) = Machine::new(CpuOptions { threads: NonZeroUsize::new(1), isa: None }).unwrap().time_of_dots(100);
        assert_eq!(cpu.time_of_dots(100).0, threads as u64 * one);
        let FusedDone { products, .. } = floats::run(cpu.isa(), FusedPeak { steps: 100 });
        assert_eq!(cpu.time_of_fused(100).0, threads as u64 * 2 * products);
        let bytes = vec![7; 1_000_000];
        let read = cpu.time_of_reads(&bytes).0;
        assert_eq!(read, (1_000_000 / threads / LINE * LINE * threads) as u64);
        assert_eq!(cpu.time_of_reads(&bytes[..threads * LINE - 1]).0, 0);
    }
}

#[test]
fn every_byte_is_read() {
    let bytes: Vec<u8> = (0..LINE * 1001).map(|i| (i * 7 + i / 256) as u8).collect();
    let expected: i64 = bytes.iter().map(|byte| i64::from(byte & 3)).sum();
    for isa in Isa::available() {
        assert_eq!(isa.run(ReadAll { bytes: &bytes }), expected, "{isa}");
    }
}
