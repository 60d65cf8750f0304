//! Whether the tensors of a file lie where they may: aligned, inside it, apart, and side by side.
//!
//! Every byte of the data section belongs to a tensor or to the padding behind one. This strictness is what notices an
//! element type that one program numbers as another program numbers a different one.

use std::sync::Arc;

use super::{GgufError, Metadata, Place, Problem, limits, parse::Line};
use crate::TensorInfo;

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

/// Turns the tensor table into tensors with absolute offsets.
///
/// `table_end` is where the table ends and `file_len` where the file does. A file without tensors may end before its
/// data section would begin; a file with tensors may lack the padding after the last one.
pub(crate) fn place(
    file: &Arc<str>,
    lines: Vec<Line>,
    table_end: u64,
    alignment: u64,
    file_len: u64,
) -> Result<Vec<TensorInfo>, GgufError> {
    let data_start = align_up(table_end, alignment);
    let mut tensors = Vec::with_capacity(lines.len());
    for Line { name, ne, kind, len, relative, at } in lines {
        let fail = |name, problem| Err(GgufError::new(file, Place::Tensor(name), Some(at), problem));
        if !relative.is_multiple_of(alignment) {
            return fail(name, Problem::Misaligned { alignment, found: relative });
        }
        let offset = data_start.saturating_add(relative);
        let end = offset.saturating_add(len);
        if end > file_len {
            return fail(name, Problem::OutOfFile { start: offset, end, found: file_len });
        }
        tensors.push(TensorInfo { name, ne, kind, file: 0, offset, len });
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
