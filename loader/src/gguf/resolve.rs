//! Which type a tensor has, where programs use one number for several layouts.
//!
//! Here a number becomes a [`TensorType`], for all files of a model at once, by the one thing that tells layouts apart:
//! the lengths of the tensors. What the lengths are belongs to `tensor_type`, whether tensors lie where they may to
//! `layout`. File names, `general.file_type` and contents decide nothing: each of them is the same in files of
//! different layouts.
//!
//! Sources: `docs/formats.md`; for the layouts that are named and not read, ggml of llama.cpp, bitnet.cpp and
//! ik_llama.cpp.

use std::{fmt, sync::Arc};

use super::{GgufError, Place, Problem, layout::Room, parse::Line};
use crate::{Ne, TensorType};

/// What a number of the tensor table means in a file, where it has a meaning of its own in each file.
///
/// Printed as one line: `type id 42 is Q2_0 in groups of 64: 197 tensors`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeLayout {
    /// The number in the file.
    pub id: u32,
    /// The type that the tensors with this number have.
    pub kind: TensorType,
    /// What the layout is called in words, such as `Q2_0 in groups of 128 (legacy, the bytes of PQ2_0)`.
    pub name: &'static str,
    /// How many tensors have this number.
    pub tensors: usize,
}

impl fmt::Display for TypeLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TypeLayout { id, name, tensors, .. } = self;
        write!(f, "type id {id} is {name}: {tensors} tensor{}", if *tensors == 1 { "" } else { "s" })
    }
}

/// A layout that is read, and its name in words.
pub(super) type Reading = (TensorType, &'static str);

/// A number that stands for several layouts.
struct Shared {
    id: u32,
    /// What is read.
    readings: &'static [Reading],
    /// Layouts that are not read: looked at where none of the others fits, so that the error names what the file has.
    foreign: &'static [Blocks],
}

/// A layout of rows of blocks.
struct Blocks {
    name: &'static str,
    elements: u64,
    bytes: u64,
    /// Bytes of each row besides its blocks.
    row_bytes: u64,
}

const fn blocks(name: &'static str, elements: u64, bytes: u64) -> Blocks {
    Blocks { name, elements, bytes, row_bytes: 0 }
}

const IQ2_TN: &str = "IQ2_TN of ik_llama.cpp";

const SHARED: [Shared; 8] = [
    Shared {
        id: 36,
        readings: &[(TensorType::I2S, "I2_S")],
        foreign: &[blocks("IQ4_NL_4_4, removed from ggml", 32, 18)],
    },
    Shared { id: 39, readings: &[], foreign: &[blocks("MXFP4 of llama.cpp", 32, 17)] },
    Shared {
        id: 40,
        readings: &[],
        foreign: &[
            blocks("NVFP4 of llama.cpp", 64, 36),
            blocks("STQ1_0 of an early upload, whose scales are integers", 256, 42),
        ],
    },
    Shared {
        id: 41,
        readings: &[(TensorType::Q1_0, "Q1_0 in groups of 128")],
        foreign: &[blocks("Q1_0 in groups of 32, a first version of the type", 32, 6)],
    },
    Shared {
        id: 42,
        readings: &[
            (TensorType::Q2_0, "Q2_0 in groups of 64"),
            (TensorType::PQ2_0, "Q2_0 in groups of 128 (legacy, the bytes of PQ2_0)"),
            (TensorType::STQ1_0, "STQ1_0"),
        ],
        foreign: &[],
    },
    Shared { id: 43, readings: &[(TensorType::STQ1_0, "STQ1_0")], foreign: &[blocks("FP8", 1, 1)] },
    // The two of ik_llama.cpp have given way to IQ2_BN and IQ1_BN there. Where all rows have 256 or 128 elements they
    // take as many bytes as PrismML's, and what is meant today is those.
    Shared {
        id: 142,
        readings: &[(TensorType::PQ2_0, "PQ2_0")],
        foreign: &[Blocks { row_bytes: 4, ..blocks(IQ2_TN, 256, 64) }, blocks(IQ2_TN, 256, 66)],
    },
    Shared {
        id: 143,
        readings: &[(TensorType::PTQ1_0, "PTQ1_0")],
        foreign: &[Blocks { row_bytes: 2, ..blocks("IQ1_TN of ik_llama.cpp", 64, 13) }],
    },
];

impl Blocks {
    /// The length of a tensor, where its rows are whole blocks.
    fn byte_len(&self, ne: &Ne) -> Option<u64> {
        let (row, elements) = (ne.fastest() as u64, ne.elements() as u64);
        let blocks = row.is_multiple_of(self.elements).then_some(elements / self.elements)?;
        blocks.checked_mul(self.bytes)?.checked_add(elements / row * self.row_bytes)
    }
}

/// A tensor of one of the files of a model, with its room there.
pub(crate) struct Sited<'a> {
    pub file: &'a Arc<str>,
    pub line: &'a Line,
    pub room: Room,
}

impl Sited<'_> {
    fn fail(&self, at: u64, problem: Problem) -> GgufError {
        GgufError::new(self.file, Place::Tensor(self.line.name.clone()), Some(at), problem)
    }
}

/// What each number that stands for several layouts means in this model.
pub(crate) struct Layouts(Vec<TypeLayout>);

impl Layouts {
    /// Decides for all tensors of all files: a layout is the model's where it fits every tensor with the number.
    pub fn of(tensors: &[Sited<'_>]) -> Result<Layouts, GgufError> {
        let mut found = Vec::new();
        for shared in &SHARED {
            let same_id: Vec<&Sited<'_>> = tensors.iter().filter(|tensor| tensor.line.id == shared.id).collect();
            if !same_id.is_empty() {
                found.push(shared.decide(&same_id)?);
            }
        }
        Ok(Layouts(found))
    }

    /// The type of a tensor and its length in bytes.
    pub fn of_line(&self, file: &Arc<str>, line: &Line) -> Result<(TensorType, u64), GgufError> {
        let fail = |at, problem| Err(GgufError::new(file, Place::Tensor(line.name.clone()), Some(at), problem));
        let decided = self.0.iter().find(|layout| layout.id == line.id).map(|layout| layout.kind);
        match decided.map_or_else(|| TensorType::from_id(line.id), Ok) {
            Ok(kind) => match kind.byte_len(&line.ne) {
                Ok(len) => Ok((kind, len)),
                Err(error) => fail(line.shape_at(), Problem::Shape(error)),
            },
            Err(name) => fail(line.type_at(), Problem::UnsupportedType { id: line.id, name }),
        }
    }

    /// Those of numbers that have several layouts which are read.
    pub fn chosen(self) -> Vec<TypeLayout> {
        let is_choice = |id| SHARED.iter().any(|shared| shared.id == id && shared.readings.len() > 1);
        self.0.into_iter().filter(|layout| is_choice(layout.id)).collect()
    }
}

/// The layouts that fit every tensor with this number; none where only one type has it.
pub(super) fn fitting(id: u32, tensors: &[(&Ne, Room)]) -> Vec<&'static Reading> {
    let shared = SHARED.iter().find(|shared| shared.id == id);
    let all_fit = |reading: &&Reading| tensors.iter().all(|(ne, room)| fits(reading.0, ne, *room));
    shared.into_iter().flat_map(|shared| shared.readings).filter(all_fit).collect()
}

fn fits(kind: TensorType, ne: &Ne, room: Room) -> bool {
    kind.byte_len(ne).is_ok_and(|len| room.fits(len))
}

impl Shared {
    /// What the number means where `tensors` are all that have it, at least one.
    fn decide(&self, tensors: &[&Sited<'_>]) -> Result<TypeLayout, GgufError> {
        let layout = |&(kind, name): &Reading| TypeLayout { id: self.id, kind, name, tensors: tensors.len() };
        let sizes: Vec<(&Ne, Room)> = tensors.iter().map(|tensor| (&tensor.line.ne, tensor.room)).collect();
        match (&fitting(self.id, &sizes)[..], self.foreign_name(&sizes), self.readings) {
            ([one], ..) => Ok(layout(one)),
            (several @ [_, _, ..], ..) => Err(self.undecided(tensors, several)),
            // The checks of shapes and places say what is wrong.
            ([], None, [only]) => Ok(layout(only)),
            ([], None, [_, _, ..]) => Err(self.none_fits(tensors)),
            ([], name, _) => {
                let name = name.or(TensorType::from_id(self.id).err().flatten());
                Err(tensors[0].fail(tensors[0].line.type_at(), Problem::UnsupportedType { id: self.id, name }))
            }
        }
    }

    /// The layout that is not read and that fits all tensors.
    fn foreign_name(&self, sizes: &[(&Ne, Room)]) -> Option<&'static str> {
        let all_fit =
            |blocks: &&Blocks| sizes.iter().all(|(ne, room)| blocks.byte_len(ne).is_some_and(|len| room.fits(len)));
        self.foreign.iter().find(all_fit).map(|blocks| blocks.name)
    }

    /// The lengths that a tensor may have, each with the name of its layout.
    fn lengths(&self, ne: &Ne) -> Vec<(&'static str, u64)> {
        self.readings.iter().filter_map(|&(kind, name)| Some((name, kind.byte_len(ne).ok()?))).collect()
    }

    /// Every tensor is so small that padding hides the difference; the largest one is named.
    fn undecided(&self, tensors: &[&Sited<'_>], among: &[&Reading]) -> GgufError {
        let largest = tensors.iter().max_by_key(|tensor| tensor.line.ne.elements()).expect("at least one");
        let length = |&&(kind, name): &&Reading| Some((name, kind.byte_len(&largest.line.ne).ok()?));
        let expected = among.iter().filter_map(length).collect();
        largest.fail(largest.line.at, Problem::LayoutUndecided { id: self.id, expected, found: largest.room.len })
    }

    /// The first tensor is named that has another length than the layout of most tensors gives it.
    fn none_fits(&self, tensors: &[&Sited<'_>]) -> GgufError {
        let has = |kind: TensorType, tensor: &Sited<'_>| fits(kind, &tensor.line.ne, tensor.room);
        let count = |kind| tensors.iter().filter(|tensor| has(kind, tensor)).count();
        // Of equal counts the first reading, which is what programs of today mean by the number.
        let (kind, name) = *self.readings.iter().rev().max_by_key(|reading| count(reading.0)).expect("several");
        let odd = tensors.iter().find(|tensor| !has(kind, tensor)).expect("no layout fits all");
        let (line, room) = (odd.line, odd.room);
        let expected = self.lengths(&line.ne);
        match self.readings[0].0.byte_len(&line.ne) {
            Err(error) if expected.is_empty() => odd.fail(line.shape_at(), Problem::Shape(error)),
            _ => {
                let others = (count(kind) > 0).then_some(name);
                let size = [(&line.ne, room)];
                let is_another = !fitting(self.id, &size).is_empty() || self.foreign_name(&size).is_some();
                let (id, found, is_last) = (self.id, room.len, room.is_last);
                odd.fail(line.at, Problem::NoLayout { id, expected, found, is_last, others, is_another })
            }
        }
    }
}
