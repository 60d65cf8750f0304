//! The same bits everywhere: the logits of whole models on every level of instructions that this machine has, with one
//! thread and with three, are those of every other machine.
//!
//! Whether logits are right is the other tests' matter; the digests here are what Trine computes where they pass. A
//! change of the arithmetic changes them, and the failing test prints the new ones.

use crate::api::*;
use crate::support::{FeedIds, Reference, logits_of, open, skipped, with_model};
use std::num::NonZeroUsize;
use trine::kernels::Isa;

/// Files, and the digests of the logits of their prompt with each type of cache.
const DIGESTS: [(&str, [&str; 3]); 8] = [
    ("hf/a-i2_s", ["e2e3aee65e5b9b47", "5285f326eb395891", "c48341f740976737"]),
    ("hf/b-tq1_0", ["96d9f9024211517f", "eb02f668e8c3859c", "b2c914bcf4166a8c"]),
    ("llama_cpp/llama-tq2_0-q6_k", ["e19a3e10004702fc", "6c92b84b62b1909f", "201f941071ff245d"]),
    ("llama_cpp/llama-dense-q4_0", ["c9b9875318e417da", "0d37a9860718afe2", "565181e3df9d2763"]),
    ("llama_cpp/llama-tied-f32", ["623908f78d7107d8", "a1c8b337f7b09ebf", "ad4ef89f5b56c9bd"]),
    ("grouped/tied-ptq1_0", ["dbb790a4acad4434", "0a79875a53daf245", "8235cf993d893043"]),
    ("grouped/binary-q1_0", ["e4b4c239bce89619", "d04d44d6bc533b43", "845f0a4a520230c0"]),
    ("grouped/halves-q2_0", ["333c857d588c1435", "d38f3537a76fa28a", "3c63924b2d09d84a"]),
];

/// The prompt of the other program's logits.
fn prompt(name: &str) -> Vec<u32> {
    match name.split_once('/').expect("a folder and a name") {
        ("hf", file) => Reference::open(&format!("hf/{}.safetensors", &file[..1])).ids("prompt.ids"),
        ("grouped", file) => {
            let model = file.split_once('-').expect("a model and a packing").0;
            Reference::open("grouped/expected.safetensors").ids(&format!("{model}.short.ids"))
        }
        (folder, file) => Reference::open(&format!("{folder}/logits.safetensors")).ids(&format!("{file}.ids")),
    }
}

/// FNV-1a of the bits of some numbers.
fn digest(values: &[f32]) -> String {
    let bytes = values.iter().flat_map(|value| value.to_bits().to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

/// The digests of a file's logits on a `Cpu`: those of a prompt at once and of its second half in single steps.
fn digests(cpu: &Cpu, file: &Gguf, ids: &[u32]) -> [String; 3] {
    with_model(file, &LoadOptions::default(), |transformer| {
        [CacheType::F32, CacheType::F16, CacheType::Q8].map(|kind| {
            let mut logits = Vec::new();
            let mut session = Session::new(transformer, cpu, ids.len(), kind).expect("it fits in memory");
            let (first, second) = ids.split_at(ids.len() / 2);
            logits.extend(session.feed_ids(first));
            for id in second {
                logits.extend(session.feed_ids(&[*id]));
            }
            if kind == CacheType::F32 {
                logits.extend(logits_of(cpu, transformer, ids));
            }
            digest(&logits)
        })
    })
}

#[test]
fn logits_have_the_same_bits_on_every_level() {
    let mut wrong = Vec::new();
    for isa in Isa::ALL {
        if !isa.is_available() {
            skipped(&format!("level {isa}: not in this machine"));
            continue;
        }
        for threads in [1, 3] {
            let cpu = Cpu::new(CpuOptions { threads: NonZeroUsize::new(threads), isa: Some(isa) }).expect("available");
            for (name, expected) in DIGESTS {
                let found = digests(&cpu, &open(&format!("{name}.gguf")), &prompt(name));
                if found != expected {
                    wrong.push(format!("{name} on {isa} with {threads} threads: {found:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "other bits than on other machines:\n{}", wrong.join("\n"));
}
