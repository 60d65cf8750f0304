//! The corpus of directories: ways to damage a valid one, each with what the refusal must speak of.
//!
//! Every directory is a copy of a small checkpoint that HF transformers saved, with one file changed, so that nothing
//! but the damage can be the reason of a refusal.

mod json;
mod maple;
mod words;

use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// One file, four tensors of two blocks and their scales, a byte-level tokenizer.
const WHOLE: &str = "checkpoints/bitnet-packed";
/// Three files and their index.
const SHARDS: &str = "checkpoints/llama-linear";

const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
const MATRIX: &str = "model.layers.1.mlp.down_proj.weight";
const SCALE: &str = "model.layers.1.mlp.down_proj.weight_scale";
const NORM: &str = "model.norm.weight";

/// A damaged directory.
pub struct Case {
    /// What was done to it.
    pub name: &'static str,
    /// What the message must contain.
    pub says: &'static str,
    base: &'static str,
    damage: Box<dyn Fn(&Path)>,
}

impl Case {
    /// Writes the directory.
    pub fn write(&self, to: &Path) {
        let from = checkpoint(self.base);
        for entry in std::fs::read_dir(&from).expect("the checkpoint") {
            let entry = entry.expect("a file of the checkpoint");
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("room for a copy");
        }
        (self.damage)(to);
    }
}

/// A directory of the fixtures.
pub fn checkpoint(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|root| root.join("tests/fixtures").join(name))
        .find(|path| path.exists())
        .expect("a fixture")
}

/// Every damaged directory.
pub fn cases() -> Vec<Case> {
    let of_whole = [files(), headers(), lines(), tensors(), indices(), json::cases()];
    of_whole.into_iter().chain([words::cases(), maple::cases()]).flatten().collect()
}

fn case(name: &'static str, says: &'static str, damage: impl Fn(&Path) + 'static) -> Case {
    Case { name, says, base: WHOLE, damage: Box::new(damage) }
}

fn write(folder: &Path, name: &str, contents: impl AsRef<[u8]>) {
    std::fs::write(folder.join(name), contents).expect("a temporary file");
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).expect("a file of the copy")
}

/// A file with other contents.
fn replaced(name: &'static str, says: &'static str, file: &'static str, contents: impl AsRef<[u8]> + 'static) -> Case {
    case(name, says, move |folder| write(folder, file, contents.as_ref()))
}

/// A JSON file changed.
fn edited(name: &'static str, says: &'static str, file: &'static str, change: impl Fn(&mut Value) + 'static) -> Case {
    case(name, says, move |folder| {
        let mut json = serde_json::from_slice(&read(folder, file)).expect("JSON");
        change(&mut json);
        write(folder, file, json.to_string());
    })
}

/// The same damage of another directory.
fn of(base: &'static str, case: Case) -> Case {
    Case { base, ..case }
}

/// An entry of a JSON file set, at a pointer into it.
fn set(name: &'static str, says: &'static str, file: &'static str, pointer: &'static str, value: Value) -> Case {
    edited(name, says, file, move |json| match json.pointer_mut(pointer) {
        Some(place) => *place = value.clone(),
        None => {
            let (outer, key) = pointer.rsplit_once('/').expect("a pointer");
            json.pointer_mut(outer).expect(pointer)[key] = value.clone();
        }
    })
}

/// The header of the safetensors file as text and its data, changed.
fn with_weights(name: &'static str, says: &'static str, change: impl Fn(String, Vec<u8>) -> Vec<u8> + 'static) -> Case {
    case(name, says, move |folder| {
        let file = read(folder, WEIGHTS);
        let (header, data) = parts(&file);
        write(folder, WEIGHTS, change(header, data));
    })
}

fn parts(file: &[u8]) -> (String, Vec<u8>) {
    let (length, rest) = file.split_first_chunk::<8>().expect("a length");
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    (String::from_utf8(header.to_vec()).expect("text"), data.to_vec())
}

fn file_of(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

/// The line of a tensor changed.
fn line(name: &'static str, says: &'static str, tensor: &'static str, key: &'static str, value: Value) -> Case {
    with_weights(name, says, move |header, data| {
        let mut json: Value = serde_json::from_str(&header).expect("JSON");
        json[tensor][key] = value.clone();
        file_of(&json.to_string(), &data)
    })
}

/// The bytes of a tensor changed.
fn data_of(name: &'static str, says: &'static str, tensor: &'static str, change: fn(&mut [u8])) -> Case {
    with_weights(name, says, move |header, mut data| {
        let json: Value = serde_json::from_str(&header).expect("JSON");
        let offset = |end: usize| json[tensor]["data_offsets"][end].as_u64().expect("an offset") as usize;
        change(&mut data[offset(0)..offset(1)]);
        file_of(&header, &data)
    })
}

fn renamed(name: &'static str, says: &'static str, from: &'static str, to: &'static str) -> Case {
    with_weights(name, says, move |header, data| {
        file_of(&header.replace(&format!("\"{from}\":"), &format!("\"{to}\":")), &data)
    })
}

fn remove(folder: &Path, name: &str) {
    std::fs::remove_file(folder.join(name)).expect("a file of the copy");
}

/// Files that are missing, or are something else.
fn files() -> Vec<Case> {
    vec![
        case("no weights", "found neither", |folder| remove(folder, WEIGHTS)),
        case("a PyTorch checkpoint alone", "PyTorch checkpoints", |folder| {
            remove(folder, WEIGHTS);
            write(folder, "pytorch_model.bin", "PK");
        }),
        case("no description", "config.json: cannot open it", |folder| remove(folder, CONFIG)),
        case("weights that are a directory", "expected a regular file, found a directory", |folder| {
            remove(folder, WEIGHTS);
            std::fs::create_dir(folder.join(WEIGHTS)).expect("a directory");
        }),
        replaced(
            "a git-lfs pointer",
            "found a git-lfs pointer",
            WEIGHTS,
            "version https://git-lfs.github.com/spec/v1\n",
        ),
        replaced("a GGUF file", "found first bytes \"GGUF\"", WEIGHTS, b"GGUF\x03\0\0\0\0\0\0\0\0\0"),
        replaced("a web page", "found an HTML page", WEIGHTS, "<!DOCTYPE html><html></html>"),
        replaced("an empty file", "the header needs 8 bytes, but the file ends 0 bytes on", WEIGHTS, ""),
    ]
}

/// Headers of safetensors files as a whole.
fn headers() -> Vec<Case> {
    let length = |name, says, length: u64| {
        with_weights(name, says, move |header, data| [&length.to_le_bytes()[..], header.as_bytes(), &data].concat())
    };
    vec![
        length("a header longer than the file", "the header needs 9999999 bytes, but the file ends", 9_999_999),
        length("a header without end", "expected at most 16777216 bytes of JSON, found 33554432", 1 << 25),
        length("a header cut short", "the JSON is not of the form that the format asks for", 100),
        length("a header of no bytes", "the JSON is not of the form that the format asks for", 0),
        with_weights("a header that is no text", "the JSON is not of the form", |header, data| {
            let mut file = file_of(&header, &data);
            file[12] = 0xff;
            file
        }),
        with_weights("a header that is a list", "found first bytes", |_, data| file_of("[1]", &data)),
        with_weights("arrays within arrays without end", "invalid type: sequence, expected a string", |_, _| {
            file_of(&format!("{{\"__metadata__\":{}", "{\"a\":".to_owned() + &"[".repeat(9000)), &[])
        }),
        with_weights("metadata that is no text", "expected a string", |_, _| {
            file_of("{\"__metadata__\":{\"format\":[1]}}", &[])
        }),
        with_weights("a name that stands twice", "the name stands twice", |header, data| {
            let json: Value = serde_json::from_str(&header).expect("JSON");
            file_of(&header.replacen('{', &format!("{{\"{NORM}\":{},", json[NORM]), 1), &data)
        }),
        with_weights("no tensors", "expected a file of 10 bytes, which its tensors fill", |_, data| {
            file_of("{}", &data)
        }),
        with_weights(
            "a byte too few",
            "expected a file of 55312 bytes, which its tensors fill, found 55311",
            |header, data| file_of(&header, &data[1..]),
        ),
        with_weights(
            "a byte too many",
            "expected a file of 55312 bytes, which its tensors fill, found 55313",
            |header, data| file_of(&header, &[&data[..], &[0]].concat()),
        ),
    ]
}

/// Lines of headers.
fn lines() -> Vec<Case> {
    vec![
        line("an unknown element type", "expected an element type among BOOL, U8", MATRIX, "dtype", json!("F4")),
        line("an element type that is a number", "expected a string", MATRIX, "dtype", json!(3)),
        line(
            "a shape of more bytes",
            "as shape [99, 92] of U8 has, found data offsets",
            MATRIX,
            "shape",
            json!([99, 92]),
        ),
        line("a shape that overflows", "fits in memory", MATRIX, "shape", json!([u64::MAX, 3])),
        line(
            "a shape of nine axes",
            "the lengths of at most 8 axes",
            MATRIX,
            "shape",
            json!([1, 1, 1, 1, 1, 1, 1, 1, 1]),
        ),
        line("a negative length", "invalid value: integer `-1`", MATRIX, "shape", json!([-1, 92])),
        line("a length that is no whole number", "invalid type: floating point `1.5`", MATRIX, "shape", json!([1.5])),
        line("a field that the format lacks", "unknown field `stride`", MATRIX, "stride", json!(1)),
        line("a field that breaks the line", "unknown field `a\\nb`", MATRIX, "a\nb", json!(1)),
        line("a type that breaks the line", "found \"F\\n4\"", MATRIX, "dtype", json!("F\n4")),
        line("three offsets", "the JSON is not of the form", MATRIX, "data_offsets", json!([0, 4, 8])),
        line("tensors that overlap", "expected its data at offset", NORM, "data_offsets", json!([0, 120])),
        line(
            "offsets beyond the file",
            "expected its data at offset",
            NORM,
            "data_offsets",
            json!([1u64 << 40, (1u64 << 40) + 120]),
        ),
        line(
            "offsets that end before they begin",
            "found data offsets 120 to 0",
            NORM,
            "data_offsets",
            json!([120, 0]),
        ),
        line("offsets that overflow", "expected its data at offset", NORM, "data_offsets", json!([u64::MAX - 3, 116])),
        with_weights("a line without offsets", "missing field `data_offsets`", |header, data| {
            let mut json: Value = serde_json::from_str(&header).expect("JSON");
            json[NORM].as_object_mut().expect("an object").remove("data_offsets");
            file_of(&json.to_string(), &data)
        }),
    ]
}

/// Tensors of other types, shapes, roles and contents.
fn tensors() -> Vec<Case> {
    vec![
        data_of("code 3", "row 0 (byte 5 of the tensor): element 1 has code 3", MATRIX, |data| data[5] = 0b1100),
        data_of("a scale of zero", "one scale, not zero", SCALE, |data| data.fill(0)),
        data_of("a scale that is no number", "NaN", SCALE, |data| data.fill(0xff)),
        data_of("gains of zero", "gains that are not all zero", NORM, |data| data.fill(0)),
        data_of("gains that are no numbers", "NaN", NORM, |data| data.fill(0xff)),
        data_of("an infinite embedding", "inf", "model.embed_tokens.weight", |data| {
            data[6..8].copy_from_slice(&[0x80, 0x7f]);
        }),
        line(
            "codes of another type",
            "should be [Hidden = 60, Ffn = 92] but is [15, 92]",
            MATRIX,
            "dtype",
            json!("BOOL"),
        ),
        line(
            "gains of another type",
            "expected F32, F16 or BF16: norm gains must not be quantized",
            NORM,
            "dtype",
            json!("I16"),
        ),
        line("a scale of another type", "a scale must not be quantized", SCALE, "dtype", json!("I32")),
        line("a matrix transposed", "transposed", MATRIX, "shape", json!([23, 60])),
        line("a matrix of one axis", "should be a matrix but has dimensions", MATRIX, "shape", json!([1380])),
        renamed(
            "a tensor without a role",
            "tensors have no role in architecture",
            MATRIX,
            "model.layers.1.mlp.down_prj.weight",
        ),
        renamed("a name that breaks the line", "`lm\\nhead.weight`", MATRIX, "lm\\nhead.weight"),
        renamed("a bias", "`model.layers.1.mlp.down_proj.bia5`", MATRIX, "model.layers.1.mlp.down_proj.bia5"),
        renamed(
            "a tensor of a missing block",
            "`num_hidden_layers` is 2, expected 3, the number of blocks that have tensors",
            MATRIX,
            "model.layers.9.mlp.down_proj.weight",
        ),
        renamed(
            "a block with a zero before it",
            "`model.layers.01.mlp.down_proj.weight`",
            MATRIX,
            "model.layers.01.mlp.down_proj.weight",
        ),
        case("blocks that are not there", "`num_hidden_layers` is 4294967295, expected 3", |folder| {
            let of_last = renamed("", "", MATRIX, "model.layers.4294967294.mlp.down_proj.weight");
            (of_last.damage)(folder);
            (set("", "", CONFIG, "/num_hidden_layers", json!(u32::MAX)).damage)(folder);
        }),
        renamed("codes without their scale", "codes without a `weight_scale`", SCALE, "model.rotary_emb.inv_freq"),
        renamed(
            "two tensors with one role",
            "have the same role",
            "model.layers.0.self_attn.attn_sub_norm.weight",
            "model.layers.1.self_attn.inner_attn_ln.weight",
        ),
    ]
}

/// An index and its files.
fn indices() -> Vec<Case> {
    let of = |name, says, change: fn(&mut Value)| Case { base: SHARDS, ..edited(name, says, INDEX, change) };
    let text = |name, says, contents: &'static str| Case { base: SHARDS, ..replaced(name, says, INDEX, contents) };
    vec![
        of("a file that is not there", "four.safetensors: cannot open it", |index| {
            index["weight_map"][NORM] = "four.safetensors".into();
        }),
        of(
            "a path out of the directory",
            "the name of a file beside the index, found \"../../one.safetensors\"",
            |index| {
                index["weight_map"][NORM] = "../../one.safetensors".into();
            },
        ),
        of("a path from the root", "the name of a file beside the index, found \"/etc/passwd\"", |index| {
            index["weight_map"][NORM] = "/etc/passwd".into();
        }),
        of("a path of Windows", "the name of a file beside the index, found \"..\\\\one\"", |index| {
            index["weight_map"][NORM] = "..\\one".into();
        }),
        of("the directory itself", "the name of a file beside the index, found \".\"", |index| {
            index["weight_map"][NORM] = ".".into();
        }),
        of("no name", "the name of a file beside the index, found \"\"", |index| {
            index["weight_map"][NORM] = "".into();
        }),
        of("another file of the directory", "found JSON text", |index| {
            index["weight_map"][NORM] = "config.json".into();
        }),
        of("a tensor in another file", "the index places it in \"model-00001-of-00003.safetensors\"", |index| {
            let norm = index["weight_map"][NORM].clone();
            assert_ne!(norm, "model-00001-of-00003.safetensors");
            index["weight_map"][NORM] = "model-00001-of-00003.safetensors".into();
        }),
        of(
            "a tensor that is in no file",
            "the index places it in \"model-00001-of-00003.safetensors\", which",
            |index| {
                index["weight_map"]["more"] = "model-00001-of-00003.safetensors".into();
            },
        ),
        of("a tensor that the index lacks", "the index places it nowhere", |index| {
            index["weight_map"].as_object_mut().expect("an object").remove(NORM);
        }),
        of("a map of numbers", "expected a string", |index| index["weight_map"][NORM] = 7.into()),
        of("a map that is a list", "an object of texts", |index| index["weight_map"] = json!([NORM])),
        of("no map", "missing field `weight_map`", |index| *index = json!({})),
        text("an index that is no JSON", "the JSON is not of the form", "{\"weight_map\":"),
        text("a tensor twice in the index", "the name stands twice", "{\"weight_map\":{\"a\":\"b\",\"a\":\"b\"}}"),
    ]
}
