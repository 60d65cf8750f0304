//! Conversions keep every code and scale, and refuse what would not.

use super::*;
use crate::description::{Config, ConfigError};
use crate::files::{DescriptionError, HfDirectory};
use crate::tools::changed::{changed, rewritten};
use crate::{GroupSize, Side, Synthetic, Values, diff};
use half::f16;
use trine_loader::{Access, Gguf, Value};
use trine_shapes::Dims;
use trine_text::{ChatError, ChatTemplate, Tokenizer, TokenizerError, VocabularyData};

/// Types for the weights of the tiny model, which have zeros.
const TO: [TensorType; 7] = [
    TensorType::I2S,
    TensorType::TQ1_0,
    TensorType::TQ2_0,
    TensorType::Q2_0,
    TensorType::PQ2_0,
    TensorType::PTQ1_0,
    TensorType::F16,
];

fn cpu() -> Cpu {
    Cpu::new(trine_kernels::CpuOptions { threads: std::num::NonZeroUsize::new(1), isa: None }).unwrap()
}

fn converted(file: &Gguf, matrices: TensorType) -> Gguf {
    let Converted { writer, .. } = convert(file, &Conversion::to(matrices), &cpu(), &|_, _| ()).unwrap();
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).unwrap();
    Gguf::from_bytes("converted", bytes.into()).unwrap()
}

fn same_model(a: &Gguf, b: &Gguf) -> bool {
    let side = |source| Side { source, i2s_packing: I2sPacking::X86 };
    let difference = diff(side(a), side(b), &TokenizerOptions::default(), &cpu(), &|_, _| ()).unwrap();
    difference.tensors.iter().for_each(|tensor| assert_ne!(tensor.values, Values::Missing, "{}", tensor.name));
    difference.is_none()
}

const QUERY: &str = "blk.1.attn_q.weight";

/// The tiny model with one scale that f16 cannot hold.
fn with_odd_scale() -> Gguf {
    changed(&Synthetic::tiny().gguf().unwrap(), QUERY, |bytes| {
        let at = bytes.len() - 32;
        bytes[at..at + 4].copy_from_slice(&0.1f32.to_le_bytes());
    })
}

#[test]
fn every_trip_keeps_the_model() {
    for from in [TensorType::I2S, TensorType::TQ1_0, TensorType::TQ2_0] {
        let file = Synthetic { matrices: from, ..Synthetic::tiny() }.gguf().unwrap();
        for to in TO {
            let there = converted(&file, to);
            assert_eq!(there.tensor(QUERY).unwrap().kind, to);
            assert_eq!(there.tensors().len(), file.tensors().len(), "no separate scales");
            assert!(same_model(&file, &there), "{from} to {to}");
            let back = converted(&there, from);
            assert!(same_model(&file, &back), "{from} to {to} and back");
            for tensor in file.tensors() {
                let again = back.tensor(&tensor.name).unwrap();
                assert_eq!(back.bytes(again), file.bytes(tensor), "{} by way of {to}", tensor.name);
            }
        }
    }
}

#[test]
fn a_scale_that_no_f16_holds_becomes_a_tensor() {
    let file = with_odd_scale();
    for to in [TensorType::TQ1_0, TensorType::TQ2_0, TensorType::F16] {
        let there = converted(&file, to);
        let scale = there.tensor("blk.1.attn_q.scale").unwrap();
        assert_eq!((scale.kind, scale.ne.row_major()), (TensorType::F32, vec![1]));
        assert_eq!(there.bytes(scale)[..], 0.1f32.to_le_bytes());
        assert_eq!(there.tensors().len(), file.tensors().len() + 1, "the other scales are f16");
        assert!(same_model(&file, &there), "{to}");
        assert!(same_model(&file, &converted(&there, TensorType::I2S)), "the scale stays a tensor of its own");
    }
}

#[test]
fn a_scale_beside_one_that_no_f16_holds_is_refused() {
    let mut writer = GgufWriter::new();
    let file = with_odd_scale();
    for (key, value) in file.metadata().iter() {
        writer.set(key, value.clone()).unwrap();
    }
    for tensor in file.tensors() {
        writer.tensor(&tensor.name, &tensor.ne.row_major(), tensor.kind, file.bytes(tensor)).unwrap();
    }
    writer.tensor("blk.1.attn_q.scale", &[1], TensorType::F32, 3.0f32.to_le_bytes().to_vec()).unwrap();
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).unwrap();
    let file = Gguf::from_bytes("two scales", bytes.into()).unwrap();
    let refused = convert(&file, &Conversion::to(TensorType::TQ1_0), &cpu(), &|_, _| ()).unwrap_err().to_string();
    assert!(refused.contains(QUERY) && refused.contains("0.1") && refused.contains("f16"), "{refused}");
    assert!(same_model(&file, &converted(&file, TensorType::I2S)));
}

#[test]
fn rows_that_a_type_does_not_have_are_refused_with_the_reason() {
    // The feed-forward width is no multiple of 256 and the hidden width is: as in the 3B model of 1bitLLM.
    let dims = Dims { ffn: 640, ..Synthetic::tiny().config.dims };
    let file = Synthetic::with_dims(dims, 64).gguf().unwrap();
    let refused = convert(&file, &Conversion::to(TensorType::TQ2_0), &cpu(), &|_, _| ()).unwrap_err().to_string();
    assert!(refused.contains("blk.0.ffn_down.weight") && refused.contains("640 columns"), "{refused}");
    assert!(refused.contains("multiple of 256") && refused.ends_with("F16 holds rows of every length"), "{refused}");
    assert!(same_model(&file, &converted(&file, TensorType::F16)));
}

#[test]
fn float_masters_are_quantized_only_where_asked() {
    let file = Synthetic { matrices: TensorType::TQ1_0, ..Synthetic::tiny() }.gguf().unwrap();
    let masters = changed(&converted(&file, TensorType::F16), QUERY, |bytes| {
        bytes[..2].copy_from_slice(&f16::from_f32(0.25).to_le_bytes());
    });
    let refused = convert(&masters, &Conversion::to(TensorType::I2S), &cpu(), &|_, _| ()).unwrap_err().to_string();
    assert!(refused.contains(QUERY) && refused.contains("--quantize absmean"), "{refused}");
    let quantize = Conversion { quantize: Some(Quantize::Absmean), ..Conversion::to(TensorType::I2S) };
    let quantized = convert(&masters, &quantize, &cpu(), &|_, _| ()).unwrap();
    let mut bytes = Vec::new();
    quantized.writer.write_to(&mut bytes).unwrap();
    let quantized = Gguf::from_bytes("quantized", bytes.into()).unwrap();
    assert_eq!(quantized.tensor(QUERY).unwrap().kind, TensorType::I2S);
    assert!(!same_model(&masters, &quantized));
}

#[test]
fn what_is_no_matrix_stays_and_the_file_says_what_it_is() {
    let synthetic = Synthetic { table: TensorType::Q6_K, ..Synthetic::tiny() };
    let file = changed(&synthetic.gguf().unwrap(), "", |_| ());
    let there = converted(&file, TensorType::TQ1_0);
    for name in ["token_embd.weight", "output_norm.weight", "blk.0.ffn_sub_norm.weight"] {
        let (before, after) = (file.tensor(name).unwrap(), there.tensor(name).unwrap());
        assert_eq!((before.kind, file.bytes(before)), (after.kind, there.bytes(after)), "{name}");
    }
    for (key, value) in file.metadata().iter() {
        assert_eq!(there.metadata().get(key), Some(value), "{key}");
    }
    assert_eq!(there.metadata().get("general.file_type"), Some(&Value::U32(36)));
}

#[test]
fn what_is_no_type_of_matrices_is_refused() {
    let file = Synthetic::tiny().gguf().unwrap();
    let refused = convert(&file, &Conversion::to(TensorType::Q8_0), &cpu(), &|_, _| ()).unwrap_err().to_string();
    let expected = ": matrices cannot become Q8_0; expected one of I2_S, TQ1_0, TQ2_0, Q2_0, PQ2_0, PTQ1_0, Q1_0, F16";
    assert!(refused.ends_with(expected), "{refused}");
    let mut writer = GgufWriter::new();
    writer.tensor("output_norm.weight", &[3], TensorType::F32, vec![0; 12]).unwrap();
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).unwrap();
    let none = Gguf::from_bytes("none", bytes.into()).unwrap();
    let refused = convert(&none, &Conversion::to(TensorType::I2S), &cpu(), &|_, _| ()).unwrap_err().to_string();
    assert!(refused.starts_with("none: ") && refused.contains("nothing to convert"), "{refused}");
}

/// The tiny model with other keys of its architecture and other names of tensors.
fn with(keys: &[(&str, Value)], rename: &dyn Fn(&str) -> String) -> Gguf {
    let entry = |key: &str, value: &Value| {
        let other = keys.iter().find(|(suffix, _)| key == format!("bitnet-b1.58.{suffix}"));
        Some(other.map_or(value, |(_, other)| other).clone())
    };
    rewritten(&Synthetic::tiny().gguf().unwrap(), entry, |name, _| rename(name))
}

#[test]
fn what_does_not_load_or_computes_no_numbers_is_refused() {
    let same = |name: &str| name.to_owned();
    let other = |name: &str| name.replace("blk.0.ffn_down.weight", "blk.0.something");
    let epsilon = "attention.layer_norm_rms_epsilon";
    let large =
        |bytes: &mut Vec<u8>| bytes.chunks_exact_mut(4).for_each(|gain| gain.copy_from_slice(&1e38_f32.to_le_bytes()));
    let cases = [
        (with(&[("feed_forward_length", Value::U32(3))], &same), "Ffn = 3"),
        (with(&[(epsilon, Value::F32(f32::NEG_INFINITY))], &same), epsilon),
        (with(&[], &other), "blk.0.ffn_down.weight"),
        (changed(&Synthetic::tiny().gguf().unwrap(), "output_norm.weight", large), "expected a finite number"),
    ];
    convert(&with(&[], &same), &Conversion::to(TensorType::TQ2_0), &cpu(), &|_, _| ()).unwrap();
    for (file, expected) in cases {
        let refused = convert(&file, &Conversion::to(TensorType::TQ2_0), &cpu(), &|_, _| ()).unwrap_err().to_string();
        assert!(refused.contains(expected) && !refused.contains('\n'), "{refused}");
    }
}

#[test]
fn a_file_without_a_vocabulary_is_converted() {
    let entry = |key: &str, value: &Value| (!key.starts_with("tokenizer.")).then(|| value.clone());
    let file = rewritten(&Synthetic::tiny().gguf().unwrap(), entry, |name, _| name.to_owned());
    converted(&file, TensorType::TQ2_0);
}

#[test]
fn the_head_is_rounded_and_nothing_else() {
    let file = Synthetic::tiny().gguf().unwrap();
    for (kind, tolerance) in [(TensorType::Q8_0, 5e-4), (TensorType::Q6_K, 3e-3), (TensorType::Q4_0, 1e-2)] {
        let with_head = Conversion { head: Some(kind), ..Conversion::to(TensorType::I2S) };
        let mut bytes = Vec::new();
        convert(&file, &with_head, &cpu(), &|_, _| ()).unwrap().writer.write_to(&mut bytes).unwrap();
        let there = Gguf::from_bytes("converted", bytes.into()).unwrap();
        assert_eq!(there.tensor("token_embd.weight").unwrap().kind, kind);
        let side = |source| Side { source, i2s_packing: I2sPacking::X86 };
        for tensor in diff(side(&file), side(&there), &TokenizerOptions::default(), &cpu(), &|_, _| ()).unwrap().tensors
        {
            match tensor.values {
                Values::Same => assert_ne!(tensor.name, "token_embd.weight"),
                // Elements are up to 1/16 in magnitude.
                Values::Differ { largest, .. } => {
                    assert_eq!(tensor.name, "token_embd.weight");
                    assert!(largest < tolerance, "{kind}: {largest}");
                }
                other => panic!("{}: {other:?}", tensor.name),
            }
        }
    }
    let refused = Conversion { head: Some(TensorType::TQ1_0), ..Conversion::to(TensorType::I2S) };
    let refused = convert(&file, &refused, &cpu(), &|_, _| ()).unwrap_err().to_string();
    let expected = ": the head cannot become TQ1_0; expected one of F16, Q8_0, Q6_K, Q4_0";
    assert!(refused.ends_with(expected), "{refused}");
}

/// Float masters, and what another quantizer has made of them.
#[test]
fn masters_and_other_quantized_matrices_are_quantized_in_groups() {
    let noise = |bytes: &mut Vec<u8>| {
        for (index, half) in bytes.chunks_exact_mut(2).enumerate() {
            let value = ((index * 2_654_435_761) % 1009) as f32 / 8192.0 - 0.06;
            half.copy_from_slice(&f16::from_f32(value).to_le_bytes());
        }
    };
    let masters = rewritten(
        &converted(&Synthetic::tiny().gguf().unwrap(), TensorType::F16),
        |_, value| Some(value.clone()),
        |name, bytes| {
            if name.starts_with("blk.") && !name.contains("norm") {
                noise(bytes);
            }
            name.to_owned()
        },
    );
    for (group, kind) in [(GroupSize::Columns64, TensorType::Q2_0), (GroupSize::Columns128, TensorType::PTQ1_0)] {
        let quantize = Quantize::AbsmeanOfGroups(group);
        let conversion = Conversion { quantize: Some(quantize), ..Conversion::to(kind) };
        let quantized = convert(&masters, &conversion, &cpu(), &|_, _| ());
        let mut bytes = Vec::new();
        quantized.unwrap().writer.write_to(&mut bytes).unwrap();
        let file = Gguf::from_bytes("quantized", bytes.into()).unwrap();
        assert_eq!(file.tensor(QUERY).unwrap().kind, kind);
        let values = |file: &Gguf| {
            let tensor = Source::tensors(file).into_iter().find(|tensor| tensor.name == QUERY).unwrap();
            let (rows, cols) = tensor.rows_and_cols();
            weights::packed(&tensor, I2sPacking::X86, rows, cols).unwrap()
        };
        let expected = quantize.quantize(&values(&masters)).unwrap();
        let (mut found, mut wanted) = (vec![0.0; expected.cols()], vec![0.0; expected.cols()]);
        for row in 0..expected.rows() {
            values(&file).decode_row(row, &mut found);
            expected.decode_row(row, &mut wanted);
            assert_eq!(found, wanted, "{kind}, row {row}");
        }
    }
    // What another program has quantized is quantized too, where that is asked for.
    let dense = values_as(&masters, TensorType::Q8_0);
    let refused = convert(&dense, &Conversion::to(TensorType::PQ2_0), &cpu(), &|_, _| ()).unwrap_err().to_string();
    assert!(refused.contains("attn_q.weight") && refused.contains("--quantize absmean --group 128"), "{refused}");
    let quantize = Some(Quantize::AbsmeanOfGroups(GroupSize::Columns128));
    convert(&dense, &Conversion { quantize, ..Conversion::to(TensorType::PQ2_0) }, &cpu(), &|_, _| ()).unwrap();
}

/// The file with its F16 matrices of blocks in another type.
fn values_as(file: &Gguf, kind: TensorType) -> Gguf {
    let mut writer = GgufWriter::new();
    for (key, value) in file.metadata().iter() {
        writer.set(key, value.clone()).unwrap();
    }
    for tensor in file.tensors() {
        let dims = tensor.ne.row_major();
        let (kind, bytes) = match dims[..] {
            [rows, cols] if tensor.name.starts_with("blk.") => {
                let matrix = Matrix::new(PackingKind::F16, rows, cols, file.bytes(tensor)).unwrap();
                let packing = weights::packing(kind).unwrap();
                (kind, matrix.requantize(&cpu(), packing, |_| ()).unwrap().bytes().clone())
            }
            _ => (tensor.kind, file.bytes(tensor)),
        };
        writer.tensor(&tensor.name, &dims, kind, bytes).unwrap();
    }
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).unwrap();
    Gguf::from_bytes("requantized", bytes.into()).unwrap()
}

/// A directory whose `tokenizer.json` is read for its description and never again.
#[derive(Debug)]
struct ReadOnce(HfDirectory);

impl Source for ReadOnce {
    fn label(&self) -> &str {
        self.0.label()
    }

    fn container(&self) -> Container {
        self.0.container()
    }

    fn bytes(&self) -> u64 {
        self.0.bytes()
    }

    fn entries(&self) -> Vec<(String, Value)> {
        self.0.entries()
    }

    fn unread_entries(&self) -> Vec<String> {
        self.0.unread_entries()
    }

    fn config(&self) -> Result<Config, ConfigError> {
        self.0.config()
    }

    fn has_vocabulary(&self) -> bool {
        self.0.has_vocabulary()
    }

    fn tokenizer(&self, _: &TokenizerOptions) -> Result<Tokenizer, TokenizerError> {
        Err(TokenizerError::UnknownModel { found: "read again".to_owned() })
    }

    fn tokenizer_of(&self, vocabulary: VocabularyData) -> Result<Tokenizer, TokenizerError> {
        self.0.tokenizer_of(vocabulary)
    }

    fn description(&self, options: &TokenizerOptions) -> Result<Description, DescriptionError> {
        self.0.description(options)
    }

    fn chat_template(&self, tokenizer: &Tokenizer) -> Result<ChatTemplate, ChatError> {
        self.0.chat_template(tokenizer)
    }

    fn tensors(&self) -> Vec<SourceTensor> {
        self.0.tensors()
    }
}

#[test]
fn the_vocabulary_of_a_directory_is_read_once_and_checked() {
    let directory = |vocabulary: &dyn Fn(String) -> String| {
        let from = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/checkpoints/bitnet-packed");
        let folder = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
        let path = folder.path().join("tokenizer.json");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, vocabulary(text)).unwrap();
        (ReadOnce(HfDirectory::open(folder.path(), Access::Copy).unwrap()), folder)
    };
    // F16 holds rows of every length.
    let convert = |source| convert(source, &Conversion::to(TensorType::F16), &cpu(), &|_, _| ());
    let (sound, _folder) = directory(&|text| text);
    assert!(convert(&sound).is_ok(), "{:?}", convert(&sound).err());
    // A merge of what is no token is not seen until the tokenizer is made.
    let merge = |text: String| {
        let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
        json["model"]["merges"].as_array_mut().unwrap().push(serde_json::json!(["nowhere", "else"]));
        json.to_string()
    };
    let (endless, folder) = directory(&|text| text);
    let template = "{% set ns = namespace() %}{% set ns.a = ns %}";
    std::fs::write(folder.path().join("chat_template.jinja"), template).unwrap();
    let refused = convert(&endless).unwrap_err().to_string();
    assert!(refused.contains("tokenizer.chat_template") && refused.contains("holds a namespace"), "{refused}");
    let (broken, folder) = directory(&merge);
    let refused = convert(&broken).unwrap_err().to_string();
    let file = folder.path().join("tokenizer.json").display().to_string();
    assert!(refused.starts_with(&file) && refused.contains("nowhere"), "{refused}");
}
