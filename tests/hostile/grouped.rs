//! Damaged files of the types with a scale for each group: layouts that are none, codes and scales that are none.
//!
//! Each is a model of the golden data with a few bytes changed, or cut.

use super::Case;
use trine::loader::Gguf;

const Q2_0: &[u8] = include_bytes!("../fixtures/grouped/tied-q2_0.gguf");
const LEGACY: &[u8] = include_bytes!("../fixtures/grouped/tied-q2_0-legacy.gguf");
const PQ2_0: &[u8] = include_bytes!("../fixtures/grouped/tied-pq2_0.gguf");
const PTQ1_0: &[u8] = include_bytes!("../fixtures/grouped/tied-ptq1_0.gguf");
const Q1_0: &[u8] = include_bytes!("../fixtures/grouped/binary-q1_0.gguf");

const UP: &str = "blk.0.ffn_up.weight";

/// Where the data of a tensor begins.
fn data_at(model: &'static [u8], tensor: &str) -> usize {
    let file = Gguf::from_bytes("model", bytes::Bytes::from_static(model)).expect("a valid model");
    file.tensor(tensor).expect("a tensor of the file").offset as usize
}

/// Where the dimensions of a matrix begin in the tensor table; its type is 16 bytes on.
fn dimensions_at(model: &[u8], tensor: &str) -> usize {
    let pattern = [&(tensor.len() as u64).to_le_bytes(), tensor.as_bytes()].concat();
    let name = model.windows(pattern.len()).position(|window| window == pattern).expect("a tensor of the file");
    name + pattern.len() + 4
}

fn patch(model: &'static [u8], name: &str, says: &[&str], at: usize, bytes: &'static [u8]) -> Case {
    Case { base: model, ..Case::patch(name, says, at, bytes) }
}

/// Every case.
pub(super) fn cases() -> Vec<Case> {
    [layouts(), contents(), codes(), scales()].into_iter().flatten().collect()
}

fn layouts() -> Vec<Case> {
    let retyped =
        |model, name, id: &'static [u8], says: &[&str]| patch(model, name, says, dimensions_at(model, UP) + 16, id);
    let cut = Case::new("groups of 64 in a file that is cut", &["output_norm.weight", "truncated"], |mut file| {
        file.truncate(file.len() - 40);
        file
    });
    vec![
        Case { base: Q2_0, ..cut },
        retyped(Q2_0, "groups of 64 by the number of PTQ1_0", &[143], &["belong to no tensor"]),
        retyped(LEGACY, "groups of 128 by the number of Q1_0", &[41], &["belong to no tensor"]),
        retyped(PTQ1_0, "PTQ1_0 by the number of Q2_0", &[42, 0], &[UP, "as type id 42 may mean, found 10752 bytes"]),
        patch(PQ2_0, "groups of 128 in rows of 64", &[UP, "multiple of 128"], dimensions_at(PQ2_0, UP), &[64]),
    ]
}

/// A matrix whose line in the tensor table says another type, and dimensions with which it is as long as before.
fn contents() -> Vec<Case> {
    let of = |model: &'static [u8], name: &str, [row, rows, id]: [u32; 3], says: &[&str]| {
        let line = [u64::from(row).to_le_bytes(), u64::from(rows).to_le_bytes()].concat();
        let line = [&line[..], &id.to_le_bytes()].concat();
        let at = dimensions_at(model, UP);
        let says = [&[UP], says].concat();
        Case { base: model, ..Case::patch(name, &says, at, line) }
    };
    vec![
        of(
            LEGACY,
            "groups of 64 among groups of 128",
            [64, 725, 42],
            &["other tensors of this id are Q2_0 in groups of 128", "mixed several"],
        ),
        of(Q2_0, "IQ4_NL_4_4 by the number of I2_S", [32, 768, 36], &["IQ4_NL_4_4, removed from ggml (id 36)"]),
        of(Q2_0, "MXFP4", [32, 813, 39], &["MXFP4 of llama.cpp (id 39)"]),
        of(Q2_0, "NVFP4", [64, 384, 40], &["NVFP4 of llama.cpp (id 40)"]),
        of(Q2_0, "STQ1_0 by the number of NVFP4", [256, 329, 40], &["STQ1_0 of an early upload", "(id 40)"]),
        of(Q2_0, "STQ1_0 of other dimensions", [256, 329, 43], &[UP, "should be [Ffn = 384", "is [329, 256]"]),
        of(Q2_0, "FP8 by the number of STQ1_0", [128, 108, 43], &["FP8 (id 43)"]),
    ]
}

fn codes() -> Vec<Case> {
    let of = |model, name, block: usize, says: &[&str]| {
        patch(model, name, says, data_at(model, UP) + 5 * block + 3, &[0b0111_0101])
    };
    vec![
        of(Q2_0, "code 3 in groups of 64", 18, &[UP, "block 1 of row 2", "element 6 has code 3"]),
        of(LEGACY, "code 3 in groups of 128", 34, &[UP, "block 0 of row 5", "element 6 has code 3"]),
        of(PQ2_0, "code 3 in PQ2_0", 34, &[UP, "pq2_0 block 0 of row 5", "element 6 has code 3"]),
    ]
}

fn scales() -> Vec<Case> {
    // The scale of the third block of each type, which is first in all but PTQ1_0.
    let models = [(Q2_0, "Q2_0", 36), (PQ2_0, "PQ2_0", 68), (PTQ1_0, "PTQ1_0", 56 + 26), (Q1_0, "Q1_0", 36)];
    let numbers: [(&str, &[u8], &str); 3] = [
        ("a negative scale", &[0, 0xbc], "the scale is -1"),
        ("a scale that is no number", &[0, 0x7e], "the scale is NaN"),
        ("an infinite scale", &[0, 0x7c], "the scale is inf"),
    ];
    let of = |(model, kind, at): (&'static [u8], &str, usize)| {
        numbers.map(|(what, bytes, says)| {
            patch(model, &format!("{what} in {kind}"), &[UP, says], data_at(model, UP) + at, bytes)
        })
    };
    models.into_iter().flat_map(of).collect()
}
