//! The grammar of a GGUF file up to its tensor data: header, metadata, tensor table.
//!
//! Here each part is decoded and checked on its own. Which types the tensors have is decided in `resolve`, whether they
//! fit into the file together in `layout`. Source: the GGUF specification (ggml, docs/gguf.md).

use super::{
    Array, GgufError, Place, Problem, StringArray, Value, ValueType, limits,
    metadata::Entry,
    reader::{Number, Reader},
};
use crate::{Foreign, Ne, ShapeError};

/// The smallest metadata entry: a key of one byte, a type, a value of one byte.
const LEAST_ENTRY_BYTES: u64 = 8 + 1 + 4 + 1;
/// The smallest line of the tensor table: a name of one byte, one dimension, a type, an offset.
const LEAST_LINE_BYTES: u64 = 8 + 1 + 4 + 8 + 4 + 8;

pub(crate) struct Header {
    pub version: u32,
    pub tensors: u64,
    pub entries: u64,
}

/// Magic number, version and the two counts.
pub(crate) fn header(reader: &mut Reader<'_>, start: &[u8]) -> Result<Header, GgufError> {
    if start.starts_with(b"FUGG") {
        return Err(reader.fail(0, Problem::BigEndian));
    }
    if let Some(found) = Foreign::sniff(start) {
        return Err(reader.fail(0, Problem::NotGguf { found }));
    }
    reader.take(4, "the magic number")?;
    let version: u32 = reader.number("the version")?;
    match (version, version.swap_bytes()) {
        (2..=3, _) => {}
        (_, 1..=3) => return Err(reader.fail(4, Problem::BigEndian)),
        (found, _) => return Err(reader.fail(4, Problem::Version { found })),
    }
    let tensors = reader.count("tensors", LEAST_LINE_BYTES)?;
    let entries = reader.count("metadata entries", LEAST_ENTRY_BYTES)?;
    Ok(Header { version, tensors, entries })
}

/// The metadata, in the order of the file.
pub(crate) fn entries(reader: &mut Reader<'_>, count: u64) -> Result<Vec<Entry>, GgufError> {
    (0..count).map(|index| entry(reader, index)).collect()
}

fn entry(reader: &mut Reader<'_>, index: u64) -> Result<Entry, GgufError> {
    reader.place = Place::Entry(index);
    let offset = reader.position();
    let key = reader.name("metadata key", limits::KEY_BYTES)?;
    reader.place = Place::Key(key.clone());
    let value_type = value_type(reader)?;
    Ok(Entry { key, value: value(reader, value_type)?, offset })
}

fn value_type(reader: &mut Reader<'_>) -> Result<ValueType, GgufError> {
    let offset = reader.position();
    let found = reader.number("the type of a metadata value")?;
    ValueType::from_id(found).ok_or_else(|| reader.fail(offset, Problem::UnknownValueType { found }))
}

fn value(reader: &mut Reader<'_>, value_type: ValueType) -> Result<Value, GgufError> {
    fn number<T: Number>(reader: &mut Reader<'_>) -> Result<T, GgufError> {
        reader.number("a metadata value")
    }
    Ok(match value_type {
        ValueType::U8 => Value::U8(number(reader)?),
        ValueType::I8 => Value::I8(number(reader)?),
        ValueType::U16 => Value::U16(number(reader)?),
        ValueType::I16 => Value::I16(number(reader)?),
        ValueType::U32 => Value::U32(number(reader)?),
        ValueType::I32 => Value::I32(number(reader)?),
        ValueType::F32 => Value::F32(number(reader)?),
        ValueType::Bool => Value::Bool(boolean(reader)?),
        ValueType::String => Value::String(reader.string("a string")?),
        ValueType::Array => Value::Array(array(reader, 1)?),
        ValueType::U64 => Value::U64(number(reader)?),
        ValueType::I64 => Value::I64(number(reader)?),
        ValueType::F64 => Value::F64(number(reader)?),
    })
}

fn boolean(reader: &mut Reader<'_>) -> Result<bool, GgufError> {
    let offset = reader.position();
    match reader.number("a boolean")? {
        0 => Ok(false),
        1 => Ok(true),
        found => Err(reader.fail(offset, Problem::Bool { found })),
    }
}

fn array(reader: &mut Reader<'_>, depth: usize) -> Result<Array, GgufError> {
    if depth > limits::ARRAY_DEPTH {
        return Err(reader.fail(reader.position(), Problem::Nesting));
    }
    let element_type = value_type(reader)?;
    let count = reader.count("array elements", element_type.least_bytes())?;
    Ok(match element_type {
        ValueType::U8 => Array::U8(reader.numbers(count)?),
        ValueType::I8 => Array::I8(reader.numbers(count)?),
        ValueType::U16 => Array::U16(reader.numbers(count)?),
        ValueType::I16 => Array::I16(reader.numbers(count)?),
        ValueType::U32 => Array::U32(reader.numbers(count)?),
        ValueType::I32 => Array::I32(reader.numbers(count)?),
        ValueType::F32 => Array::F32(reader.numbers(count)?),
        ValueType::Bool => Array::Bool((0..count).map(|_| boolean(reader)).collect::<Result<_, _>>()?),
        ValueType::String => Array::String(strings(reader, count)?),
        ValueType::Array => Array::Array((0..count).map(|_| array(reader, depth + 1)).collect::<Result<_, _>>()?),
        ValueType::U64 => Array::U64(reader.numbers(count)?),
        ValueType::I64 => Array::I64(reader.numbers(count)?),
        ValueType::F64 => Array::F64(reader.numbers(count)?),
    })
}

fn strings(reader: &mut Reader<'_>, count: u64) -> Result<StringArray, GgufError> {
    let mut strings = StringArray::with_count(count as usize); // at most an eighth of the file
    for _ in 0..count {
        strings.push(&reader.string("a string of the array")?);
    }
    Ok(strings)
}

/// A line of the tensor table before its type and its place in the file are checked.
pub(crate) struct Line {
    pub name: String,
    pub ne: Ne,
    /// The number of its type.
    pub id: u32,
    /// Offset of the data from the start of the data section.
    pub relative: u64,
    /// Offset of this line in the file.
    pub at: u64,
}

impl Line {
    /// Offset of the dimensions in the file.
    pub fn shape_at(&self) -> u64 {
        self.at + 8 + self.name.len() as u64
    }

    /// Offset of the type's number in the file.
    pub fn type_at(&self) -> u64 {
        self.shape_at() + 4 + 8 * self.ne.file_order().count() as u64
    }
}

/// The tensor table, in the order of the file.
pub(crate) fn tensor_table(reader: &mut Reader<'_>, count: u64) -> Result<Vec<Line>, GgufError> {
    reader.place = Place::File;
    reader.holds(count, LEAST_LINE_BYTES, "tensors", reader.position())?;
    (0..count).map(|index| line(reader, index)).collect()
}

fn line(reader: &mut Reader<'_>, index: u64) -> Result<Line, GgufError> {
    reader.place = Place::TableLine(index);
    let at = reader.position();
    let name = reader.name("tensor name", limits::TENSOR_NAME_BYTES)?;
    reader.place = Place::Tensor(name.clone());
    let shape_at = reader.position();
    let shape_error = |reader: &Reader<'_>, error| reader.fail(shape_at, Problem::Shape(error));
    let count: u32 = reader.number("the number of dimensions")?;
    if count as usize > limits::DIMENSIONS {
        return Err(shape_error(reader, ShapeError::Count { found: count.into() }));
    }
    let file_order: Vec<u64> = (0..count).map(|_| reader.number("a dimension")).collect::<Result<_, _>>()?;
    let ne = Ne::new(&file_order).map_err(|error| shape_error(reader, error))?;
    let id = reader.number("the tensor type")?;
    let relative = reader.number("the offset of the data")?;
    Ok(Line { name, ne, id, relative, at })
}
