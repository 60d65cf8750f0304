//! The corpus: ways to damage a valid model file, each with what the refusal must speak of.
//!
//! Every file is the embedded model with a few bytes changed, or cut, so that nothing but the damage can be the reason
//! of a refusal; those of `grouped.rs` and `experts.rs` are other models. Files that are wrong in ways that need no
//! model are tested in the loader.

#[path = "experts.rs"]
mod experts;
#[path = "grouped.rs"]
mod grouped;

use trine::loader::{Gguf, GgufWriter, TensorType};

/// The file that all others are made from: an I2_S model of 4 blocks.
const MODEL: &[u8] = include_bytes!("../../assets/stories-i2_s.gguf");
/// A ternary matrix of 256 x 256, and where its scale lies in it.
const MATRIX: &str = "blk.1.attn_q.weight";
const SCALE: usize = 256 * 256 / 4;

/// A damaged file.
pub struct Case {
    /// What was done to it; also a file name.
    pub name: String,
    /// What the message must contain.
    pub says: Vec<String>,
    base: &'static [u8],
    damage: Box<dyn Fn(Vec<u8>) -> Vec<u8>>,
}

impl Case {
    /// The file's bytes.
    pub fn file(&self) -> Vec<u8> {
        (self.damage)(self.base.to_vec())
    }

    fn new(name: impl Into<String>, says: &[&str], damage: impl Fn(Vec<u8>) -> Vec<u8> + 'static) -> Case {
        let says = says.iter().map(|&part| part.to_owned()).collect();
        Case { name: name.into(), says, base: MODEL, damage: Box::new(damage) }
    }

    /// Overwrites bytes from `at` on.
    fn patch(name: impl Into<String>, says: &[&str], at: usize, bytes: impl AsRef<[u8]> + 'static) -> Case {
        Case::new(name, says, move |mut file| {
            file[at..][..bytes.as_ref().len()].copy_from_slice(bytes.as_ref());
            file
        })
    }
}

/// Where a string with its length before it occurs first.
fn string_at(text: &str) -> usize {
    let pattern = [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    MODEL.windows(pattern.len()).position(|window| window == pattern).expect("a string of the file")
}

/// Where the value of a metadata key begins.
fn value_at(key: &str) -> usize {
    string_at(key) + 8 + key.len() + 4
}

/// Where the dimensions of a tensor begin in the tensor table.
fn dimensions_at(tensor: &str) -> usize {
    string_at(tensor) + 8 + tensor.len() + 4
}

/// The valid file.
pub fn model() -> Gguf {
    Gguf::from_bytes("model", bytes::Bytes::from_static(MODEL)).expect("the embedded model is valid")
}

/// Where the data of a tensor begins.
fn data_at(tensor: &str) -> usize {
    model().tensor(tensor).expect("a tensor of the file").offset as usize
}

/// Every damaged file.
pub fn cases() -> Vec<Case> {
    let of_model = [truncations(), counts(), names(), places(), tensor_contents(), roles(), numbers()];
    of_model.into_iter().flatten().chain(grouped::cases()).chain(experts::cases()).collect()
}

/// Fewest bytes of a line of the tensor table, and how many lines there are.
const LEAST_LINE: usize = 33;
const TENSORS: usize = 46;

/// A cut at every boundary of a section: header fields, metadata entries, lines of the tensor table, tensors.
fn truncations() -> Vec<Case> {
    let model = model();
    let cut = |length: usize, says: &[&str]| {
        Case::new(format!("cut at byte {length}"), says, move |mut file| {
            file.truncate(length);
            file
        })
    };
    // Room for the whole tensor table is asked for before it is read, also where metadata is still to come.
    let lacks_table = |from: usize, length: usize| {
        let left = length - from;
        (left < TENSORS * LEAST_LINE)
            .then(|| format!("{TENSORS} tensors need at least {LEAST_LINE} bytes each, but only {left} bytes follow"))
    };
    let in_header = [
        cut(0, &["found an empty file"]),
        cut(2, &["found a file of fewer than 4 bytes"]),
        cut(4, &["byte 4: the version needs 4 bytes, but the file ends 0 bytes on"]),
        cut(8, &["byte 8: a count needs 8 bytes, but the file ends 0 bytes on"]),
        cut(16, &["byte 8: 46 tensors need at least 33 bytes each, but only 0 bytes follow"]),
    ];
    let entries = model.metadata().iter().enumerate().map(|(number, (key, _))| {
        let at = string_at(key);
        let text = format!("metadata entry {number}, byte {at}: the length of a string needs 8 bytes");
        cut(at, &[&lacks_table(16, at).unwrap_or(text)])
    });
    let table = string_at(&model.tensors()[0].name);
    let lines = model.tensors().iter().enumerate().map(|(number, tensor)| {
        let at = string_at(&tensor.name);
        let text = format!("tensor table line {number}, byte {at}: the length of a string needs 8 bytes");
        cut(at, &[&lacks_table(table, at).unwrap_or(text)])
    });
    let starts = model.tensors().iter().map(|tensor| {
        let (name, at, end) = (&tensor.name, tensor.offset, tensor.offset + tensor.len);
        let ends = format!("its data occupies bytes {at} to {end}, but the file has {at} bytes");
        cut(at as usize, &[&format!("tensor \"{name}\""), &ends])
    });
    in_header.into_iter().chain(entries).chain(lines).chain(starts).collect()
}

fn counts() -> Vec<Case> {
    let huge = u64::MAX.to_le_bytes();
    let tokens = value_at("tokenizer.ggml.tokens");
    vec![
        Case::patch("huge tensor count", &["header, byte 8", "18446744073709551615 tensors"], 8, huge),
        Case::patch("huge metadata count", &["header, byte 16", "18446744073709551615 metadata entries"], 16, huge),
        Case::patch("one tensor too few", &["found 1924736 bytes", "belong"], 8, 45u64.to_le_bytes()),
        Case::patch("one metadata entry too many", &["tensor table line 0"], 16, 24u64.to_le_bytes()),
        Case::patch("huge array", &["tokenizer.ggml.tokens", "array elements"], tokens + 4, huge),
        Case::patch("huge string", &["tokenizer.ggml.tokens", "a string of the array"], tokens + 12, huge),
        Case::patch("huge key", &["metadata entry 1"], string_at("general.name"), huge),
        Case::patch("huge name", &["tensor table line 1"], string_at("output_norm.weight"), huge),
    ]
}

fn names() -> Vec<Case> {
    let (eos, bos) = ("tokenizer.ggml.eos_token_id", "tokenizer.ggml.bos_token_id");
    let layers = "bitnet-b1.58.block_count";
    let norm = string_at("blk.0.attn_norm.weight");
    let (second, first) = ("blk.1.attn_q.weight", "blk.0.attn_q.weight");
    vec![
        Case::patch("key that is no UTF-8", &["metadata entry 1", "UTF-8"], string_at("general.name") + 10, [0xff]),
        Case::patch("text that is no UTF-8", &["general.name", "UTF-8"], value_at("general.name") + 9, [0xc3, 0x28]),
        Case::patch("tensor name that is no UTF-8", &["tensor table line 2", "UTF-8"], norm + 9, [0xfe]),
        Case::patch("key twice", &[bos, "twice"], string_at(eos) + 8, bos.as_bytes()),
        Case::patch("tensor twice", &[first, "twice"], string_at(second) + 8, first.as_bytes()),
        Case::patch("value of an unknown type", &["general.name", "value type"], value_at("general.name") - 4, [13]),
        Case::patch("count of type f32", &[layers, "type u32"], value_at(layers) - 4, [6]),
    ]
}

fn places() -> Vec<Case> {
    let offset_at = |tensor: &str| dimensions_at(tensor) + 16 + 4;
    let type_at = |tensor: &str| dimensions_at(tensor) + 16;
    let relative = |tensor: &str| data_at(tensor) as u64 - data_at("token_embd.weight") as u64;
    let misaligned = (relative(MATRIX) + 16).to_le_bytes();
    let gate = "blk.2.ffn_gate.weight";
    let down = "blk.3.ffn_down.weight";
    let norm_before = relative("blk.1.ffn_norm.weight").to_le_bytes();
    let far = (1u64 << 40).to_le_bytes();
    vec![
        Case::patch("misaligned tensor", &[MATRIX, "multiple of 32"], offset_at(MATRIX), misaligned),
        Case::patch("overlapping tensors", &[MATRIX, "inside tensor"], offset_at(MATRIX), norm_before),
        Case::patch("tensor beyond the file", &[MATRIX, "the file has 1924736 bytes"], offset_at(MATRIX), far),
        Case::patch(
            "tensor shorter than its bytes",
            &["belong to no tensor"],
            dimensions_at(gate) + 8,
            640u64.to_le_bytes(),
        ),
        Case::patch(
            "tensor longer than its bytes",
            &[gate, "inside tensor"],
            dimensions_at(gate) + 8,
            896u64.to_le_bytes(),
        ),
        Case::patch(
            "last tensor longer than the file",
            &[down, "the file has"],
            dimensions_at(down) + 8,
            512u64.to_le_bytes(),
        ),
        Case::patch("dimension of zero", &[gate, "found 0"], dimensions_at(gate), 0u64.to_le_bytes()),
        Case::patch("dimensions without end", &[gate, "memory"], dimensions_at(gate), [0xff; 16]),
        Case::patch("rows of half a block", &[gate, "multiple of 64"], dimensions_at(gate), 32u64.to_le_bytes()),
        Case::patch("unsupported type", &[gate, "IQ4_NL"], type_at(gate), [20]),
        Case::patch("I2_S by the number of MXFP4 and TL2", &[gate, "MXFP4", "(id 39)"], type_at(gate), [39]),
        Case::patch("I2_S by the number of NVFP4", &[gate, "NVFP4", "(id 40)"], type_at(gate), [40]),
        Case::patch("I2_S by the number of Q1_0", &["belong to no tensor"], type_at(gate), [41]),
        Case::patch("I2_S by the number of Q2_0", &[gate, "as type id 42 may mean, found 49184"], type_at(gate), [42]),
        Case::patch("I2_S by the number of STQ1_0", &["belong to no tensor"], type_at(gate), [43]),
        Case::patch("I2_S by the number of PQ2_0", &[gate, "inside tensor"], type_at(gate), [142]),
        Case::patch("I2_S by the number of PTQ1_0", &["belong to no tensor"], type_at(gate), [143]),
        Case::new("bytes after the end", &["belongs to nothing"], |mut file| {
            file.extend([0; 32]);
            file
        }),
    ]
}

fn tensor_contents() -> Vec<Case> {
    let matrix = data_at(MATRIX);
    let scale = |value: f32| value.to_le_bytes();
    let norm = data_at("blk.2.ffn_sub_norm.weight");
    vec![
        Case::patch("code 3", &[MATRIX, "code 3"], matrix + 1000, [0b1101_0101]),
        Case::patch("scale that is no number", &[MATRIX, "NaN"], matrix + SCALE, scale(f32::NAN)),
        Case::patch("infinite scale", &[MATRIX, "inf"], matrix + SCALE, scale(f32::INFINITY)),
        Case::patch("zero scale over non-zero codes", &[MATRIX, "scale is 0"], matrix + SCALE, scale(0.0)),
        Case::patch("norm gain that is no number", &["blk.2.ffn_sub_norm.weight"], norm + 4 * 700, scale(f32::NAN)),
        Case::patch("infinite norm gain", &["blk.2.ffn_sub_norm.weight"], norm, scale(f32::NEG_INFINITY)),
        Case::patch("infinite embedding", &["token_embd.weight"], data_at("token_embd.weight") + 2 * 7, [0x00, 0x7c]),
        Case::new("quantized norm", &["output_norm.weight", "Q8_0"], |_| with_quantized_norm()),
    ]
}

/// The model with its output norm as Q8_0: 8 blocks of 34 bytes, all of scale 1 and codes 1.
fn with_quantized_norm() -> Vec<u8> {
    let model = model();
    let mut writer = GgufWriter::new();
    for (key, value) in model.metadata().iter() {
        writer.set(key, value.clone()).expect("as it was");
    }
    for tensor in model.tensors() {
        let (kind, bytes) = match tensor.name.as_str() {
            "output_norm.weight" => {
                let block = [&[0x00, 0x3c][..], &[1; 32]].concat();
                (TensorType::Q8_0, block.repeat(8).into())
            }
            _ => (tensor.kind, model.bytes(tensor)),
        };
        writer.tensor(&tensor.name, &tensor.ne.row_major(), kind, bytes).expect("of the length of its type");
    }
    let mut file = Vec::new();
    writer.write_to(&mut file).expect("memory takes everything");
    file
}

fn roles() -> Vec<Case> {
    let gate = "blk.2.ffn_gate.weight";
    let transposed = [768u64.to_le_bytes(), 256u64.to_le_bytes()].concat();
    let rename = string_at(gate) + 8;
    let blocks = |count: u32| (value_at("bitnet-b1.58.block_count"), count.to_le_bytes());
    let of = |name: &str, says: &[&str], (at, bytes): (usize, [u8; 4])| Case::patch(name, says, at, bytes);
    vec![
        Case::patch("transposed matrix", &[gate, "transposed"], dimensions_at(gate), transposed),
        Case::patch("tensor without a role", &["blk.2.ffn_gate.weighs"], rename + gate.len() - 1, [b's']),
        Case::patch("tensor of a missing block", &["blk.9.ffn_gate.weight", gate], rename + 4, [b'9']),
        of("more blocks than tensors", &["blk.4."], blocks(5)),
        of("fewer blocks than tensors", &["blk.3."], blocks(3)),
        of("blocks without end", &["block_count"], blocks(u32::MAX)),
    ]
}

/// Metadata of the right type and the wrong value.
fn numbers() -> Vec<Case> {
    let integer = |key: &str, value: u32, says: &str| {
        let key = format!("bitnet-b1.58.{key}");
        Case::patch(format!("{key} {value}"), &[says], value_at(&key), value.to_le_bytes())
    };
    let float = |key: &str, value: f32| {
        let key = format!("bitnet-b1.58.{key}");
        Case::patch(format!("{key} {value}"), &[&key], value_at(&key), value.to_le_bytes())
    };
    let token = |key: &str| {
        let key = format!("tokenizer.ggml.{key}");
        Case::patch(format!("{key} 2048"), &[&key], value_at(&key), 2048u32.to_le_bytes())
    };
    let architecture = value_at("general.architecture") + 8;
    vec![
        integer("block_count", 0, "block_count` is 0, expected at least 1"),
        integer("embedding_length", 0, "embedding_length` is 0, expected at least 1"),
        integer(
            "embedding_length",
            512,
            "`token_embd.weight` should be [Vocab = 2048, Hidden = 512] but is [2048, 256]",
        ),
        integer("embedding_length", u32::MAX, "`hidden` is 4294967295, more than 2147483647 is not supported"),
        integer("feed_forward_length", 0, "feed_forward_length` is 0, expected at least 1"),
        integer(
            "feed_forward_length",
            640,
            "`blk.0.ffn_gate.weight` should be [Ffn = 640, Hidden = 256] but is [768, 256]",
        ),
        integer("attention.head_count", 0, "head_count` is 0, expected at least 1"),
        integer("attention.head_count", 3, "3 heads do not group over 2 key/value heads"),
        integer("attention.head_count", u32::MAX, "`heads` is 4294967295, more than 2147483647 is not supported"),
        integer("attention.head_count_kv", 0, "head_count_kv` is 0, expected at least 1"),
        integer("attention.head_count_kv", 3, "4 heads do not group over 3 key/value heads"),
        integer(
            "attention.head_count_kv",
            4,
            "`blk.0.attn_k.weight` should be [KvWidth = 256, Hidden = 256] but is [128, 256]",
        ),
        integer("rope.dimension_count", 63, "dimension_count` is 63, expected an even number up to 64"),
        integer("rope.dimension_count", 4096, "dimension_count` is 4096, expected an even number up to 64"),
        integer("context_length", 0, "context_length` is 0, expected at least 1"),
        integer("context_length", u32::MAX, "context_length` is 4294967295, expected at most 16777216"),
        integer("vocab_size", 2047, "vocab_size` is 2047, expected 2048, the number of tokens in the vocabulary"),
        integer("vocab_size", u32::MAX, "vocab_size` is 4294967295, expected 2048, the number of tokens"),
        float("attention.layer_norm_rms_epsilon", f32::NAN),
        float("attention.layer_norm_rms_epsilon", -1.0),
        float("rope.freq_base", f32::INFINITY),
        float("rope.freq_base", 0.0),
        token("bos_token_id"),
        token("eos_token_id"),
        Case::patch("unknown architecture", &["bitnet-b1.5X"], architecture + 11, [b'X']),
    ]
}
