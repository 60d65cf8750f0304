//! Damaged files of a model with experts: counts, lists and tensors that contradict each other.
//!
//! Each is a model of the golden data with one key or one tensor replaced, or taken out.

use super::Case;
use trine::loader::{Gguf, GgufWriter, Value};

const MODEL: &[u8] = include_bytes!("../fixtures/maple/one-f32.gguf");
const UP: &str = "blk.1.ffn_up_exps.weight";
const DOWN: &str = "blk.2.ffn_down_exps.weight";
const ROUTER: &str = "blk.0.ffn_gate_inp.weight";

/// Every case.
pub(super) fn cases() -> Vec<Case> {
    counts().into_iter().chain(lists()).chain(rules()).chain(tensors()).collect()
}

/// Dimensions, outermost first, and bytes of a tensor.
type Contents = (Vec<usize>, Vec<u8>);

/// The model with a key of its architecture replaced, or taken out, and what `tensor_of` makes of its tensors.
fn rewritten((key, value): (&str, Option<Value>), tensor_of: impl Fn(&str, Contents) -> Option<Contents>) -> Vec<u8> {
    let model = Gguf::from_bytes("model", bytes::Bytes::from_static(MODEL)).expect("a valid model");
    let key = format!("maple.{key}");
    let mut writer = GgufWriter::new();
    let kept = model.metadata().iter().filter(|(name, _)| **name != *key);
    for (name, value) in kept.map(|(name, value)| (name.to_owned(), value.clone())) {
        writer.set(name, value).expect("a key of the file");
    }
    if let Some(value) = value {
        writer.set(key, value).expect("a key");
    }
    for tensor in model.tensors() {
        let contents = tensor_of(&tensor.name, (tensor.ne.row_major(), model.bytes(tensor).to_vec()));
        if let Some((dims, bytes)) = contents {
            writer.tensor(&tensor.name, &dims, tensor.kind, bytes).expect("of the length of its type");
        }
    }
    let mut file = Vec::new();
    writer.write_to(&mut file).expect("memory takes everything");
    file
}

fn key(name: &str, key: &'static str, value: Option<Value>, says: &[&str]) -> Case {
    let file = move |_| rewritten((key, value.clone()), |_, contents| Some(contents));
    Case { base: MODEL, ..Case::new(name, says, file) }
}

fn count(name: &str, of: &'static str, count: u32, says: &str) -> Case {
    key(name, of, Some(Value::U32(count)), &[says])
}

fn counts() -> Vec<Case> {
    let of_router = "`blk.0.ffn_gate_inp.weight` should be [Experts =";
    let gates = "`blk.0.ffn_gate_exps.weight` should be [Experts = 12, Ffn = 29, Hidden = 40] but is [12, 28, 40]";
    vec![
        count("no experts", "expert_count", 0, "`maple.expert_count` is 0, expected at least 1"),
        count(
            "2^31 experts",
            "expert_count",
            1 << 31,
            "`maple.expert_count` is 2147483648, expected at most 2147483647",
        ),
        count("as many experts as an axis has", "expert_count", i32::MAX as u32, &format!("{of_router} 2147483647")),
        count("an expert too few is counted", "expert_count", 11, &format!("{of_router} 11, Hidden = 40]")),
        key("experts that are not counted", "expert_count", None, &["maple.expert_count"]),
        count("no expert used", "expert_used_count", 0, "`maple.expert_used_count` is 0, expected at least 1"),
        count("more experts used than there are", "expert_used_count", 13, "is 13, expected at most 12, the number of"),
        count("2^31 experts used", "expert_used_count", 1 << 31, "is 2147483648, expected at most 12, the number of"),
        count("experts of no width", "expert_feed_forward_length", 0, "is 0, expected at least 1"),
        count("experts of another width", "expert_feed_forward_length", 29, gates),
        count("a window of nothing", "attention.sliding_window", 0, "sliding_window` is 0, expected at least 1"),
        key("no window", "attention.sliding_window", None, &["maple.attention.sliding_window"]),
        count("other pairs in the window", "rope.dimension_count_swa", 4, "dimension_count_swa` is 4, expected 6"),
    ]
}

fn lists() -> Vec<Case> {
    const PATTERN: &str = "attention.sliding_window_pattern";
    const LIMITS: &str = "swiglu_clamp_exp";
    let pattern = |name, value: Option<Value>, says| key(name, PATTERN, value, &[PATTERN, says]);
    let limits = |name, value: Option<Value>, says| key(name, LIMITS, value, &[LIMITS, says]);
    let truths = |count| Some(Value::from(vec![true; count]));
    let numbers = |numbers: &[f32]| Some(Value::from(numbers.to_vec()));
    vec![
        pattern("a pattern for three blocks", truths(3), "is a list of 3, expected one entry for each of 4 blocks"),
        pattern("a pattern for five blocks", truths(5), "is a list of 5, expected one entry for each of 4 blocks"),
        pattern("a pattern of numbers", Some(Value::U32(4)), "is no list of truths, expected one truth for each of 4"),
        pattern("no pattern", None, "is missing, expected one truth for each of 4 blocks"),
        limits("limits for three blocks", numbers(&[7.0; 3]), "is a list of 3 x f32, expected one f32 for each of 4"),
        limits("limits of integers", Some(vec![7_i32; 4].into()), "is a list of 4 x i32, expected one f32 for each"),
        limits("a limit that is no number", numbers(&[7.0, f32::NAN, 7.0, 7.0]), "is NaN, expected numbers"),
        limits("a negative limit", numbers(&[7.0, 7.0, 7.0, -7.0]), "is -7, expected numbers that are not negative"),
        limits("no limits", None, "maple.swiglu_clamp_exp"),
    ]
}

/// What other graphs with experts compute.
fn rules() -> Vec<Case> {
    let rule = |name, of: &'static str, value: Value, found: &str| {
        let says = format!("`maple.{of}` is {found}: this changes the arithmetic and is not supported");
        key(name, of, Some(value), &[&says])
    };
    vec![
        rule("an expert of all tokens", "expert_shared_count", Value::U32(1), "1"),
        rule("groups of experts", "expert_group_count", Value::U32(4), "4"),
        rule("a sigmoid of scores", "expert_gating_func", Value::U32(2), "2"),
        rule("shares that do not add up", "expert_weights_norm", false.into(), "false"),
        rule("shares of another size", "expert_weights_scale", Value::F32(2.5), "2.5"),
        key("a scaled rotation", "rope.scaling.factor", Some(Value::F32(4.0)), &["rope.scaling.type` is linear: this"]),
    ]
}

fn tensors() -> Vec<Case> {
    let of = |name: &str, tensor: &'static str, says: &str, other: fn(Contents) -> Option<Contents>| {
        let changed = move |name: &str, contents| if name == tensor { other(contents) } else { Some(contents) };
        let file = move |_| rewritten(("general.nothing", None), changed);
        Case { base: MODEL, ..Case::new(name, &[tensor, says], file) }
    };
    let as_matrix = |(_, bytes): Contents| Some((vec![336, 40], bytes));
    let exchanged = |(_, bytes): Contents| Some((vec![12, 28, 40], bytes));
    let cut = |(_, mut bytes): Contents| {
        bytes.truncate(bytes.len() / 12 * 11);
        Some((vec![11, 28, 40], bytes))
    };
    let damaged = |(dims, mut bytes): Contents| {
        let at = 4 * (7 * 40 * 28 + 5);
        bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
        Some((dims, bytes))
    };
    let ups = "should be [Experts = 12, Ffn = 28, Hidden = 40] but is";
    let downs = "should be [Experts = 12, Hidden = 40, Ffn = 28] but is";
    vec![
        of("an expert too few", UP, &format!("{ups} [11, 28, 40]"), cut),
        of("experts in one matrix", UP, &format!("{ups} [336, 40]"), as_matrix),
        of("experts exchanged with their rows", DOWN, &format!("{downs} [12, 28, 40]"), exchanged),
        of("experts of four axes", DOWN, &format!("{downs} [2, 6, 40, 28]"), |(_, all)| {
            Some((vec![2, 6, 40, 28], all))
        }),
        of("no router", ROUTER, "missing", |_| None),
        of("a router of another width", ROUTER, "but is [10, 48]", |(_, bytes)| Some((vec![10, 48], bytes))),
        of("a weight of an expert that is no number", DOWN, "NaN", damaged),
    ]
}
