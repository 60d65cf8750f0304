//! Examples against numpy (`tools/golden/examples.py`): what each computes, included here as a module.

use serde_json::{Map, Value};
use trine::prelude::*;

programs! {
    "../../examples/cross_attention.rs" cross_attention;
    "../../examples/lora.rs" lora;
    "../../examples/lstm.rs" lstm;
    "../../examples/mixture_of_experts.rs" mixture_of_experts;
    "../../examples/qwen3_attention.rs" qwen3_attention;
    "../../examples/selective_scan.rs" selective_scan;
    "../../examples/vit_block.rs" vit_block;
}

/// How far a number may be from that of numpy, which computes in f64, as a part of the largest of its tensor.
const TOLERANCE: f32 = 1e-5;

fn cpu() -> Cpu {
    Cpu::new(CpuOptions::default()).expect("a machine")
}

#[track_caller]
fn assert_golden(name: &str, found: &[f32]) {
    let golden: Map<String, Value> = serde_json::from_str(include_str!("../fixtures/examples.json")).expect("JSON");
    let numbers = golden[name].as_array().expect("a list").iter();
    let expected: Vec<f32> = numbers.map(|number| number.as_f64().expect("a number") as f32).collect();
    assert_eq!(found.len(), expected.len(), "{name}");
    let largest = expected.iter().fold(0.0, |max: f32, x| max.max(x.abs()));
    let distance = |(found, expected): (&f32, &f32)| (found - expected).abs() / largest;
    let deviation = found.iter().zip(&expected).map(distance).fold(0.0, f32::max);
    println!("{name}: {deviation:.1e}");
    assert!(deviation <= TOLERANCE, "{name} deviates by {deviation:e}");
    assert!(found.iter().all(|x| x.is_finite()), "{name} has numbers that are not finite");
}

#[test]
fn mixture_of_experts_is_that_of_numpy() {
    assert_golden("mixture_of_experts", mixture_of_experts::example(&cpu()).data());
}

#[test]
fn lstm_is_that_of_numpy() {
    assert_golden("lstm", lstm::example(&cpu()).data());
}

#[test]
fn selective_scan_is_that_of_numpy() {
    assert_golden("selective_scan", selective_scan::example(&cpu()).data());
}

/// A prompt, and a token behind it whose keys and values of the prompt come from the cache.
#[test]
fn qwen3_attention_is_that_of_numpy() {
    let (prompt, next) = qwen3_attention::example(&cpu()).expect("memory");
    assert_golden("qwen3_attention.prompt", prompt.data());
    assert_golden("qwen3_attention.next", next.data());
}

#[test]
fn vit_block_is_that_of_numpy() {
    assert_golden("vit_block", vit_block::example(&cpu()).data());
}

#[test]
fn lora_is_that_of_numpy() {
    assert_golden("lora", lora::example(&cpu()).data());
}

#[test]
fn cross_attention_is_that_of_numpy() {
    assert_golden("cross_attention", cross_attention::example(&cpu()).data());
}
