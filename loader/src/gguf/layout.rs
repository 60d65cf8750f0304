//! Whether the tensors of a file lie where they may: aligned, inside it, apart, and side by side.
//!
//! Every byte of the data section belongs to a tensor or to the padding behind one. This strictness is what notices an
//! element type that one program numbers as another program numbers a different one.

use std::sync::Arc;

use super::{GgufError, Metadata, Place, Problem, limits, parse::Line};
use crate::{TensorInfo, TensorType};

/// The alignment of tensor data: `general.alignment`, which must be a `u32`, or 32.
pub(crate) fn alignment(metadata: &Metadata) -> Result<u64, GgufError> {
    const KEY: &str = "general.alignment";
    let Some(entry) = metadata.entry(KEY) else { return Ok(limits::DEFAULT_ALIGNMENT) };
    let fail = |problem| metadata.fail(KEY, problem);
    match entry.value {
        super::Value::U32(found) if limits::is_alignment(found.into()) => Ok(found.into()),
        super::Value::U32(found) => Err(fail(Problem::Alignment { found: found.into() })),
        _ => Err(fail(Problem::WrongType { expected: "u32", found: entry.found() })),
    }
}

/// The next multiple of `alignment`, a power of two.
pub(crate) fn align_up(offset: u64, alignment: u64) -> u64 {
    offset.saturating_add(alignment - 1) & !(alignment - 1)
}

/// The bytes that a tensor may have: those up to the next one in the file, or up to the end of the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub len: u64,
    pub alignment: u64,
    /// Whether the file ends here: then the padding may be missing.
    pub is_last: bool,
}

impl Room {
    /// The room of a tensor of `len` bytes before another tensor.
    pub fn of_padded(len: u64, alignment: u64) -> Room {
        Room { len: align_up(len, alignment), alignment, is_last: false }
    }

    /// Whether a tensor of `len` bytes fills it with its padding, or ends where the file does.
    pub fn fits(self, len: u64) -> bool {
        self.len == align_up(len, self.alignment) || self.is_last && self.len == len
    }
}

/// The room of each tensor, of whatever type they are; each starts on the alignment.
pub(crate) fn rooms(
    file: &Arc<str>,
    lines: &[Line],
    alignment: u64,
    data_start: u64,
    file_len: u64,
) -> Result<Vec<Room>, GgufError> {
    if let Some(line) = lines.iter().find(|line| !line.relative.is_multiple_of(alignment)) {
        let problem = Problem::Misaligned { alignment, found: line.relative };
        return Err(GgufError::new(file, Place::Tensor(line.name.clone()), Some(line.at), problem));
    }
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|&index| lines[index].relative);
    let mut rooms = vec![Room { len: 0, alignment, is_last: true }; lines.len()];
    let mut next = None;
    for index in order.into_iter().rev() {
        let end = next.unwrap_or(file_len.saturating_sub(data_start));
        rooms[index].len = end.saturating_sub(lines[index].relative);
        rooms[index].is_last = next.is_none();
        next = Some(lines[index].relative);
    }
    Ok(rooms)
}

/// Turns the tensor table, with type and length of each tensor, into tensors with absolute offsets.
///
/// `data_start` is where the data section begins and `file_len` where the file ends. A file without tensors may end
/// before that; a file with tensors may lack the padding after the last one.
pub(crate) fn place(
    file: &Arc<str>,
    lines: &[Line],
    types: &[(TensorType, u64)],
    data_start: u64,
    alignment: u64,
    file_len: u64,
) -> Result<Vec<TensorInfo>, GgufError> {
    let mut tensors = Vec::with_capacity(lines.len());
    for (Line { name, ne, relative, at, .. }, &(kind, len)) in lines.iter().zip(types) {
        let offset = data_start.saturating_add(*relative);
        let end = offset.saturating_add(len);
        if end > file_len {
            let problem = Problem::OutOfFile { start: offset, end, found: file_len };
            return Err(GgufError::new(file, Place::Tensor(name.clone()), Some(*at), problem));
        }
        tensors.push(TensorInfo { name: name.clone(), ne: *ne, kind, file: 0, offset, len });
    }
    side_by_side(file, &tensors, data_start, alignment, file_len)?;
    Ok(tensors)
}

fn side_by_side(
    file: &Arc<str>,
    tensors: &[TensorInfo],
    data_start: u64,
    alignment: u64,
    file_len: u64,
) -> Result<(), GgufError> {
    let mut in_order: Vec<&TensorInfo> = tensors.iter().collect();
    in_order.sort_by_key(|tensor| tensor.offset);
    let mut before: Option<&TensorInfo> = None;
    let mut end = data_start;
    for tensor in in_order {
        let fail =
            |problem| Err(GgufError::new(file, Place::Tensor(tensor.name.clone()), Some(tensor.offset), problem));
        let found = tensor.offset;
        if let Some(other) = before.filter(|_| found < end) {
            return fail(Problem::Overlap { other: other.name.clone(), expected: end, found });
        }
        let expected = align_up(end, alignment);
        if found != expected {
            return fail(Problem::Gap { expected, found });
        }
        end = tensor.offset + tensor.len;
        before = Some(tensor);
    }
    let expected = align_up(end, alignment);
    if file_len > expected {
        return Err(GgufError::new(file, Place::File, Some(end), Problem::Trailing { expected, found: file_len }));
    }
    Ok(())
}
