//! Values of options: numbers, and the names that `--help` lists.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::num::{IntErrorKind, ParseIntError};
use std::str::FromStr;
use trine::kernels::packing::I2sPacking;
use trine::kernels::{ActivationMode, CacheType, Isa, PackingKind};
use trine::model::{GroupSize, KeepTriples, Quantize, known_pre_tokenizers};

/// A whole number; where it is none, or out of its range, the message says what is expected.
pub fn whole<T: FromStr<Err = ParseIntError>>(text: &str) -> Result<T, String> {
    let least = if "0".parse::<T>().is_ok() { 0 } else { 1 };
    let expected = |error: ParseIntError| match error.kind() {
        IntErrorKind::PosOverflow => error.to_string(),
        _ => format!("expected a whole number of at least {least}"),
    };
    text.trim().parse().map_err(expected)
}

/// A number of tokens, of which -1 is more than any context has room for.
pub fn most_tokens(text: &str) -> Result<usize, String> {
    if text.trim() == "-1" {
        return Ok(usize::MAX);
    }
    whole(text).map_err(|message| format!("{message}, or -1 for as many as there is room for"))
}

/// A token and what is added to its logit.
pub fn logit_bias(text: &str) -> Result<(u32, f32), String> {
    let (id, bias) = text.split_once('=').ok_or("expected ID=VALUE")?;
    let id = id.trim().parse().map_err(|error| format!("the id {id:?}: {error}"))?;
    Ok((id, bias.trim().parse().map_err(|error| format!("the value {bias:?}: {error}"))?))
}

/// A parser of the names in a table, which `--help` lists.
pub fn named<T: Clone + Send + Sync + 'static>(
    table: impl IntoIterator<Item = (&'static str, T)>,
) -> impl TypedValueParser<Value = T> {
    let table: Vec<_> = table.into_iter().collect();
    PossibleValuesParser::new(table.iter().map(|(name, _)| *name)).try_map(move |given| {
        let found = table.iter().find(|(name, _)| *name == given);
        found.map(|(_, value)| value.clone()).ok_or("not in the table")
    })
}

pub fn cache_types() -> impl TypedValueParser<Value = CacheType> {
    named([("f16", CacheType::F16), ("f32", CacheType::F32), ("q8", CacheType::Q8)])
}

pub fn activation_modes() -> impl TypedValueParser<Value = ActivationMode> {
    named([
        ("int8", ActivationMode::Int8PerToken),
        ("int8-group", ActivationMode::Int8PerGroup),
        ("q8_k", ActivationMode::Q8K),
        ("q8_0", ActivationMode::Q8_0),
        ("f32", ActivationMode::F32),
    ])
}

pub fn head_types() -> impl TypedValueParser<Value = PackingKind> {
    let types = [PackingKind::F16, PackingKind::Q8_0, PackingKind::Q6K, PackingKind::Q4_0];
    named(types.map(|kind| (kind.name(), kind)))
}

pub fn kept_triples() -> impl TypedValueParser<Value = KeepTriples> {
    named([("faster", KeepTriples::IfFaster), ("always", KeepTriples::Always)])
}

pub fn quantizers() -> impl TypedValueParser<Value = Quantize> {
    named([("absmean", Quantize::Absmean)])
}

pub fn groups() -> impl TypedValueParser<Value = GroupSize> {
    named([("64", GroupSize::Columns64), ("128", GroupSize::Columns128)])
}

pub fn i2s_packings() -> impl TypedValueParser<Value = I2sPacking> {
    named([("x86", I2sPacking::X86), ("arm", I2sPacking::Arm), ("interleaved4", I2sPacking::Interleaved4)])
}

pub fn instruction_sets() -> impl TypedValueParser<Value = Isa> {
    named(Isa::ALL.map(|isa| (isa.name(), isa)))
}

pub fn pre_tokenizers() -> PossibleValuesParser {
    PossibleValuesParser::new(known_pre_tokenizers())
}
