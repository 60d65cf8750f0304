//! Parameters of a small network: what is read, and what is refused.

use super::*;
use crate::parameters;
use half::{bf16, f16};
use trine_kernels::packing::{BF16, F16};
use trine_loader::{Gguf, GgufWriter};
use trine_shapes::{AttnNorm, Fixed, Hidden, Model, Vocab, static_model};

static_model! {
    struct Small { vocab: 5, hidden: 4, ffn: 6, heads: 2, kv_heads: 1, head_dim: 2, attention_layers: 2 }
}

type Rows = Fixed<3>;
type Columns = Fixed<2>;

parameters! {
    struct Any = "layer.weight": Weight<Matrix, Rows, Columns>;
    struct Brain = "layer.weight": Weight<Packed<BF16>, Rows, Columns>;
    struct Half = "layer.weight": Weight<Packed<F16>, Rows, Columns>;
    struct Square = "layer.weight": Tensor<f32, (Rows, Columns)>;
    struct Shift = "layer.bias": Bias<Rows, Columns>;
    struct OfEach = "each.{}.bias": Bias<Rows, Columns>;
    struct Table = "table.weight": Embedding<Matrix, Vocab<Small>, Hidden<Small>>;
    struct Gains<M: Model> = "blk.{}.attn_norm.weight": RmsNorm<AttnNorm, Hidden<M>>;
    struct OtherGains<M: Model> = "blk.{}.ffn_norm.weight": RmsNorm<AttnNorm, Hidden<M>>;
}

const VALUES: [f32; 6] = [0.5, -2.0, 3.0, 1.0, -0.25, 4.0];

fn bytes(kind: TensorType, values: &[f32]) -> Vec<u8> {
    let element = |value: &f32| match kind {
        TensorType::F16 => f16::from_f32(*value).to_le_bytes().to_vec(),
        TensorType::BF16 => bf16::from_f32(*value).to_le_bytes().to_vec(),
        _ => value.to_le_bytes().to_vec(),
    };
    values.iter().flat_map(element).collect()
}

fn file(kind: TensorType) -> Gguf {
    let mut writer = GgufWriter::new();
    let mut tensor = |name: &str, dims: &[usize], kind, values: &[f32]| {
        writer.tensor(name, dims, kind, bytes(kind, values)).unwrap();
    };
    tensor("layer.weight", &[3, 2], kind, &VALUES);
    tensor("layer.bias", &[3], kind, &VALUES[..3]);
    tensor("each.1.bias", &[3], kind, &VALUES[3..]);
    tensor("table.weight", &[5, 4], TensorType::F32, &[1.0; 20]);
    tensor("blk.0.attn_norm.weight", &[4], TensorType::F32, &[1.0; 4]);
    tensor("blk.1.attn_norm.weight", &[4], TensorType::F32, &[2.0; 4]);
    tensor("blk.1.ffn_norm.weight", &[4], TensorType::F32, &[3.0; 4]);
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes).unwrap();
    Gguf::from_bytes("own.gguf", bytes.into()).unwrap()
}

fn layer(index: u32) -> Idx<Fixed<2>> {
    Idx::new(Fixed, index).unwrap()
}

fn refused<P: Parameter>(given: <P::Value as FromTensor>::Given) -> String {
    let error = Parameters::of(&file(TensorType::BF16)).read::<P>(given).err().expect("a refusal");
    let line = error.to_string();
    assert!(!line.contains('\n'), "{line}");
    line
}

/// Whatever type the file has: the values are the same.
#[test]
fn parameters_are_read_by_the_type_of_the_file() {
    for kind in [TensorType::F32, TensorType::F16, TensorType::BF16] {
        let file = file(kind);
        let values: Square = Parameters::of(&file).read((Fixed, Fixed)).unwrap();
        assert_eq!(values.data(), VALUES);
        let weight: Any = Parameters::of(&file).read((Fixed, Fixed)).unwrap();
        let mut row = [0.0; 2];
        weight.data().decode_row(1, &mut row);
        assert_eq!((row, weight.out().len()), ([3.0, 1.0], 3));
    }
    let brain: Brain = Parameters::of(&file(TensorType::BF16)).read((Fixed, Fixed)).unwrap();
    let mut row = [0.0; 2];
    brain.data().decode_row(2, &mut row);
    assert_eq!(row, [-0.25, 4.0]);
}

#[test]
fn each_tensor_is_one_parameter() {
    let mut parameters = Parameters::of(&file(TensorType::F32));
    let _: Any = parameters.read((Fixed, Fixed)).unwrap();
    let _: Shift = parameters.read((Fixed, Fixed)).unwrap();
    let _: Table = parameters.read((Vocab::of(Small), Hidden::of(Small))).unwrap();
    let _: OfEach = parameters.read_of_layer(layer(1), (Fixed, Fixed)).unwrap();
    let gains: Gains<Small> = parameters.read_of_layer(layer(1), (Hidden::of(Small), 1e-5)).unwrap();
    assert_eq!((gains.gain().data(), gains.epsilon()), (&[2.0; 4][..], 1e-5));
    let again = parameters.read::<Any>((Fixed, Fixed)).err().unwrap();
    assert_eq!(again.to_string(), "own.gguf: tensor `layer.weight` was read before: each tensor is one parameter");
    assert_eq!(
        parameters.finish().unwrap_err().to_string(),
        "own.gguf: tensors are read as no parameter: `blk.0.attn_norm.weight`, `blk.1.ffn_norm.weight`"
    );
}

/// A program that tries one type after the other reads a tensor once, and those that it could not read are left.
#[test]
fn a_tensor_that_is_refused_is_not_read() {
    let mut parameters = Parameters::of(&file(TensorType::BF16));
    for _ in 0..2 {
        let refused = parameters.read::<Half>((Fixed, Fixed)).expect_err("another type").to_string();
        assert_eq!(refused, "own.gguf: tensor `layer.weight` is BF16, expected F16");
    }
    let brain: Brain = parameters.read((Fixed, Fixed)).expect("the type of the file");
    assert_eq!(brain.out().len(), 3);
    let other = parameters.read_of_layer::<OtherGains<Small>, _>(layer(1), (Hidden::of(Small), 1e-5));
    assert!(other.is_err());
    let unread = parameters.finish().unwrap_err().to_string();
    assert!(unread.contains("`blk.1.ffn_norm.weight`") && !unread.contains("`layer.weight`"), "{unread}");
}

#[test]
fn what_does_not_agree_is_refused_in_a_line() {
    assert_eq!(refused::<Half>((Fixed, Fixed)), "own.gguf: tensor `layer.weight` is BF16, expected F16");
    let hidden = (Hidden::of(Small), 1e-5);
    assert_eq!(
        refused::<Gains<Small>>(hidden),
        "own.gguf: tensor `blk.{}.attn_norm.weight` is not among the 7 tensors of the file"
    );
    let error = Parameters::of(&file(TensorType::F32)).read_of_layer::<OtherGains<Small>, _>(layer(1), hidden);
    let error = error.err().unwrap();
    let offset = file(TensorType::F32).tensor("blk.1.ffn_norm.weight").unwrap().offset;
    assert_eq!(error.offset(), Some(offset));
    assert_eq!(
        error.to_string(),
        "own.gguf: tensor `blk.1.ffn_norm.weight` does not have the name of the norm `attn_norm`, whose gains it is \
         read as"
    );
}

/// Safetensors have the same door.
#[test]
fn a_safetensors_file_is_read_alike() {
    let header = br#"{"layer.weight":{"dtype":"BF16","shape":[3,2],"data_offsets":[0,12]}}"#;
    let mut whole = (header.len() as u64).to_le_bytes().to_vec();
    whole.extend(header);
    whole.extend(bytes(TensorType::BF16, &VALUES));
    let file = Safetensors::from_bytes("own.safetensors", whole.into()).unwrap();
    let values: Square = Parameters::of_safetensors(&file).read((Fixed, Fixed)).unwrap();
    assert_eq!(values.data(), VALUES);
    let error = Parameters::of_safetensors(&file).read::<Half>((Fixed, Fixed)).err().unwrap();
    assert_eq!(error.to_string(), "own.safetensors: tensor `layer.weight` is BF16, expected F16");
}

#[test]
fn a_name_has_the_name_of_its_norm_between_dots() {
    let cases = [
        ("output_norm.weight", "output_norm", true),
        ("blk.3.attn_norm.weight", "attn_norm", true),
        ("norm", "norm", true),
        ("blk.3.attn_norm_2.weight", "attn_norm", false),
        ("blk.3.post_attn_norm.weight", "attn_norm", false),
        ("attn_nor", "attn_norm", false),
        ("xnorm.norm", "norm", true),
    ];
    for (name, norm, expected) in cases {
        assert_eq!(has_name_of_norm(name, Some(norm)), expected, "{name}");
    }
    assert!(has_name_of_norm("anything", None));
}
