//! Damaged directories of MLX: words, scales and biases that are not those of ternary or binary weights.

use super::{CONFIG, Case, data_of, line, of, renamed, set};
use serde_json::json;

const TERNARY: &str = "grouped/tied-mlx";
const BINARY: &str = "grouped/binary-mlx";

const WORDS: &str = "model.layers.0.mlp.up_proj.weight";
const SCALES: &str = "model.layers.0.mlp.up_proj.scales";
const BIASES: &str = "model.layers.0.mlp.up_proj.biases";

pub(super) fn cases() -> Vec<Case> {
    [entries(), contents()].into_iter().flatten().collect()
}

/// What `config.json` says of words.
fn entries() -> Vec<Case> {
    let bits = |name, says, bits: u32, columns: u32| {
        let both = json!({ "group_size": columns, "bits": bits });
        of(BINARY, set(name, says, CONFIG, "/quantization", both))
    };
    let four = "`quantization` is 4 bits in groups of 64, expected 2 bits in groups of 64 or 128";
    let matrix = "model.layers.0.mlp.up_proj";
    let other = json!({ "group_size": 128, "bits": 2, matrix: { "group_size": 64, "bits": 4 } });
    let of_head = json!({ "group_size": 128, "bits": 2, "lm_head": { "group_size": 32, "bits": 4 } });
    vec![
        bits("four bits", four, 4, 64),
        bits("one bit in groups of 64", "`quantization` is 1 bits in groups of 64", 1, 64),
        of(BINARY, set("an exception", "`quantization.model.layers.0.mlp.up_proj` is", CONFIG, "/quantization", other)),
        of(
            BINARY,
            set(
                "a head of other groups",
                "`quantization.lm_head` is 4 bits in groups of 32, expected 4 bits in groups of 64",
                CONFIG,
                "/quantization",
                of_head,
            ),
        ),
        of(BINARY, set("another mode", "expected `affine`", CONFIG, "/quantization/mode", json!("mxfp4"))),
        of(
            TERNARY,
            set("another copy", "expected the same as `quantization`", CONFIG, "/quantization_config/bits", json!(4)),
        ),
    ]
}

/// Codes, scales and biases.
fn contents() -> Vec<Case> {
    vec![
        of(
            TERNARY,
            data_of(
                "code 3 in words",
                "u32 block 0 of row 2 (byte 64 of the tensor): element 5 has code 3",
                WORDS,
                |data| {
                    data[65] |= 0b1100;
                },
            ),
        ),
        of(
            TERNARY,
            data_of("a negative scale of words", "the scale is -1", SCALES, |data| {
                data[..2].copy_from_slice(&[0, 0xbc]);
            }),
        ),
        of(
            TERNARY,
            data_of("a scale of words that is no number", "the scale is NaN", SCALES, |data| {
                data[..2].copy_from_slice(&[0, 0x7e]);
            }),
        ),
        of(
            TERNARY,
            data_of("biases of four values", "other weights than -1, 0 and +1 times a scale", BIASES, |data| {
                data[..2].copy_from_slice(&[0, 0xbc]);
            }),
        ),
        of(
            BINARY,
            data_of("biases of other bits", "other weights than -1, 0 and +1 times a scale", BIASES, |data| {
                data[..2].copy_from_slice(&[0, 0xbc]);
            }),
        ),
        of(
            TERNARY,
            renamed(
                "words without scales",
                "no role in architecture `qwen3`: `model.layers.0.mlp.up_proj",
                SCALES,
                "model.layers.0.mlp.up_proj.scale",
            ),
        ),
        of(TERNARY, line("scales of another type", "found 0 scales", SCALES, "dtype", json!("I16"))),
    ]
}
