//! Copies of ternary matrices in triples: decoding reads less, and computes the same bits.

use crate::api::*;
use crate::support::{FeedIds, open};
use trine::loader::{Gguf, TensorType};

const IDS: [u32; 5] = [3, 250, 17, 91, 5];

/// The logits after each token, processed one by one, the bytes that a token reads, and why there are no copies.
fn decoded(
    file: &Gguf,
    cpu: &Cpu,
    activations: Option<ActivationMode>,
    keep: Option<KeepTriples>,
) -> (Vec<f32>, u64, Option<NoTriples>) {
    let config = Config::from_gguf(file).expect("a model");
    let options = LoadOptions { activations, triples: keep, ..LoadOptions::default() };
    Dyn::scope(config.dims, |model| {
        let loaded = load(model, file, cpu, &options).expect("a model");
        let mut session = Session::new(&loaded.transformer, cpu, IDS.len(), CacheType::F16).expect("memory");
        let logits = IDS.iter().flat_map(|&id| session.feed_ids(&[id]).to_vec()).collect();
        let why = loaded.warnings.into_iter().map(|warning| match warning {
            Warning::NoTriples { why, .. } => why,
            other => panic!("{other}"),
        });
        let why: Vec<_> = why.collect();
        assert!(why.len() <= 1, "{why:?}");
        (logits, loaded.transformer.bytes_per_token(), why.first().copied())
    })
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn decoding_reads_less_and_computes_the_same() {
    for matrices in [TensorType::I2S, TensorType::TQ1_0, TensorType::TQ2_0] {
        let file = Synthetic { matrices, ..Synthetic::tiny() }.gguf().expect("a model");
        for activations in [ActivationMode::Int8PerToken, ActivationMode::Q8K] {
            for isa in Isa::available() {
                let cpu = Cpu::new(CpuOptions { isa: Some(isa), ..CpuOptions::default() }).expect("a machine");
                let (expected, bytes, _) = decoded(&file, &cpu, Some(activations), None);
                let (found, bytes_read, why) = decoded(&file, &cpu, Some(activations), Some(KeepTriples::Always));
                let what = format!("{matrices}, {activations}, {isa}");
                assert_eq!(bits(&found), bits(&expected), "{what}");
                if isa.reads_triples() {
                    assert_eq!(why, None, "{what}");
                    let is_smaller = bytes_read < bytes;
                    assert_eq!(is_smaller, matrices != TensorType::TQ1_0, "{what}: {bytes_read} instead of {bytes}");
                } else {
                    assert_eq!(bytes_read, bytes, "{what}");
                    assert_eq!(why, Some(NoTriples::NoLookups(isa)), "{what}");
                }
            }
        }
    }
}

#[test]
fn a_model_without_ternary_matrices_has_no_copies() {
    let cpu = Cpu::new(CpuOptions::default()).expect("a machine");
    let file = open("llama_cpp/llama-tied-f32.gguf");
    let (expected, bytes, _) = decoded(&file, &cpu, None, None);
    for keep in [KeepTriples::IfFaster, KeepTriples::Always] {
        let (found, bytes_read, why) = decoded(&file, &cpu, None, Some(keep));
        assert_eq!((bits(&found), bytes_read), (bits(&expected), bytes));
        let expected = if cpu.isa().reads_triples() { NoTriples::NoMatrix } else { NoTriples::NoLookups(cpu.isa()) };
        assert_eq!(why, Some(expected));
    }
}

/// Which it is depends on the machine.
#[test]
fn copies_are_kept_or_the_measurement_says_why_not() {
    let file = Synthetic { matrices: TensorType::I2S, ..Synthetic::tiny() }.gguf().expect("a model");
    for isa in Isa::available().into_iter().filter(|isa| isa.reads_triples()) {
        let cpu = Cpu::new(CpuOptions { isa: Some(isa), ..CpuOptions::default() }).expect("a machine");
        let decoded = |keep| decoded(&file, &cpu, None, keep);
        let (expected, bytes, _) = decoded(None);
        let (_, fewer, _) = decoded(Some(KeepTriples::Always));
        let (found, bytes_read, why) = decoded(Some(KeepTriples::IfFaster));
        assert_eq!(bits(&found), bits(&expected), "{isa}");
        match why {
            None => assert_eq!(bytes_read, fewer, "{isa}"),
            Some(NoTriples::Slower { with, without }) => assert!(bytes_read == bytes && with >= without, "{isa}"),
            Some(why) => panic!("{isa}: {why}"),
        }
    }
}
