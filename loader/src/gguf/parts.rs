//! One file of a model, which may be split over several as llama.cpp's `gguf-split` does it.
//!
//! What belongs here: a file checked on its own, the `split.*` keys, and the names of the files. What does not: the
//! order of the checks of a whole model.
//!
//! The first file has the model's metadata. Each has `split.count`, the number of files, and `split.no`, its own number
//! from 0; `split.tensors.count` is the number of tensors in all of them. Source: llama.cpp, `llama-model-loader.cpp`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;

use super::{
    GgufError, Metadata, Place, Problem,
    layout::{self, Room},
    parse::{self, Line},
    reader::Reader,
    resolve::{Layouts, Sited},
};
use crate::TensorInfo;

const COUNT: &str = "split.count";
const NUMBER: &str = "split.no";
const TENSORS: &str = "split.tensors.count";

/// A file, checked on its own up to what the types of its tensors are.
pub(super) struct Part {
    pub file: Arc<str>,
    pub bytes: Bytes,
    pub version: u32,
    pub alignment: u64,
    pub metadata: Metadata,
    lines: Vec<Line>,
    rooms: Vec<Room>,
    data_start: u64,
}

impl Part {
    pub fn parse(file: Arc<str>, bytes: Bytes) -> Result<Part, GgufError> {
        let mut reader = Reader::new(&file, &bytes);
        let header = parse::header(&mut reader, &bytes)?;
        let metadata = Metadata::new(file.clone(), parse::entries(&mut reader, header.entries)?)?;
        let alignment = layout::alignment(&metadata)?;
        let lines = parse::tensor_table(&mut reader, header.tensors)?;
        no_name_twice(&file, &lines)?;
        let data_start = layout::align_up(reader.position(), alignment);
        let rooms = layout::rooms(&file, &lines, alignment, data_start, bytes.len() as u64)?;
        Ok(Part { version: header.version, alignment, metadata, lines, rooms, data_start, file, bytes })
    }

    /// The lines of its tensor table, with what is known of their lengths.
    pub fn sited(&self) -> impl Iterator<Item = Sited<'_>> {
        self.lines.iter().zip(&self.rooms).map(|(line, &room)| Sited { file: &self.file, line, room })
    }

    /// Its tensors, each checked to lie where it may.
    pub fn tensors(&self, layouts: &Layouts) -> Result<Vec<TensorInfo>, GgufError> {
        let types = self.lines.iter().map(|line| layouts.of_line(&self.file, line)).collect::<Result<Vec<_>, _>>()?;
        layout::place(&self.file, &self.lines, &types, self.data_start, self.alignment, self.bytes.len() as u64)
    }

    /// An error about the file as a whole.
    pub fn fail(&self, problem: Problem) -> GgufError {
        GgufError::new(&self.file, Place::File, None, problem)
    }

    /// The number of files of the model, at least 1.
    pub fn count(&self) -> Result<u64, GgufError> {
        Ok(self.metadata.opt_u32(COUNT)?.unwrap_or(1).max(1).into())
    }

    /// The number of this file among them.
    pub fn number(&self) -> Result<Option<u64>, GgufError> {
        Ok(self.metadata.opt_u32(NUMBER)?.map(u64::from))
    }

    /// Checks that this is the file with this number of the same model as `first`.
    pub fn belongs_to(&self, first: &Part, number: u64) -> Result<(), GgufError> {
        let same = |what, expected, found| match expected == found {
            true => Ok(()),
            false => Err(self.fail(Problem::Part { what, expected, found })),
        };
        same(COUNT, first.count()?, self.count()?)?;
        same(NUMBER, number, self.number()?.unwrap_or(0))
    }

    /// Checks that the files of the model have `found` tensors together.
    pub fn has_all(&self, found: u64) -> Result<(), GgufError> {
        match self.metadata.opt_u32(TENSORS)?.map(u64::from) {
            Some(expected) if expected != found => Err(self.fail(Problem::PartTensors { expected, found })),
            _ => Ok(()),
        }
    }
}

/// The paths of all `count` files of a model, given that of one of them, `NAME-00001-of-0000N.gguf`; `None` where its
/// name is another. They are made one by one: the count is a file's word, and there may be no such files.
pub(super) fn paths(one: &Path, count: u64) -> Option<impl Iterator<Item = PathBuf>> {
    let ending = format!("-of-{count:05}.gguf");
    let name = one.file_name()?.to_str()?.strip_suffix(&ending)?;
    let (stem, number) = name.rsplit_once('-')?;
    if number.len() != 5 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let stem = stem.to_owned();
    Some((1..=count).map(move |number| one.with_file_name(format!("{stem}-{number:05}{ending}"))))
}

fn no_name_twice(file: &Arc<str>, lines: &[Line]) -> Result<(), GgufError> {
    let mut order: Vec<&Line> = lines.iter().collect();
    order.sort_by_key(|line| &line.name);
    match order.windows(2).find(|pair| pair[0].name == pair[1].name) {
        Some(&[first, second]) => {
            let problem = Problem::Duplicate { first: first.at };
            Err(GgufError::new(file, Place::Tensor(second.name.clone()), Some(second.at), problem))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_files_follow_from_one() {
        let found: Vec<PathBuf> = paths(Path::new("a/m-2-00002-of-00003.gguf"), 3).unwrap().collect();
        let expected = ["a/m-2-00001-of-00003.gguf", "a/m-2-00002-of-00003.gguf", "a/m-2-00003-of-00003.gguf"];
        assert_eq!(found, expected.map(PathBuf::from));
        for other in ["m.gguf", "m-00001-of-00002.gguf", "m-001-of-00003.gguf", "m-0000x-of-00003.gguf", ""] {
            assert!(paths(Path::new(other), 3).is_none(), "{other}");
        }
    }
}
