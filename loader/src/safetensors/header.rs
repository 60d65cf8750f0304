//! The JSON header of a safetensors file, decoded without more memory than a few times its length.
//!
//! Whether tensors lie where they may is checked in the module above. Source: the format's description in the
//! `safetensors` repository (README, "Format").

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The most axes of a tensor that is read.
const AXES: usize = 8;

/// The header in its own order.
pub(super) struct Header {
    pub lines: Vec<(String, Line)>,
}

/// What the header says of a tensor.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub dtype: String,
    pub shape: Shape,
    pub data_offsets: [u64; 2],
}

/// The lengths of at most [`AXES`] axes, outermost first; none for a single number.
pub(super) struct Shape(pub Vec<u64>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Header, D::Error> {
        struct Lines;
        impl<'de> Visitor<'de> for Lines {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with one entry for each tensor")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut lines = Vec::new();
                while let Some(name) = map.next_key::<Cow<'de, str>>()? {
                    match &*name {
                        "__metadata__" => map.next_value::<Texts>().map(|Texts(_)| ())?,
                        _ => lines.push((name.into_owned(), map.next_value()?)),
                    }
                }
                Ok(Header { lines })
            }
        }
        deserializer.deserialize_map(Lines)
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shape, D::Error> {
        struct Axes;
        impl<'de> Visitor<'de> for Axes {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "the lengths of at most {AXES} axes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Shape, A::Error> {
                let mut lengths = Vec::new();
                while let Some(length) = sequence.next_element()? {
                    if lengths.len() == AXES {
                        return Err(A::Error::invalid_length(AXES + 1, &self));
                    }
                    lengths.push(length);
                }
                Ok(Shape(lengths))
            }
        }
        deserializer.deserialize_seq(Axes)
    }
}

/// An object of texts, of which only the pairs are kept; of a name that stands twice both are.
pub(super) struct Texts(pub Vec<(String, String)>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Texts, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Texts(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
