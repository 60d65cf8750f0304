//! Numbers as arrays of numpy, and the names of their axes. What does not belong here: what the numbers are.

use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use trine::model::{Opened, Visit};
use trine::shapes::{
    Axis, Blocks, Ffn, Group, HeadDim, Heads, Hidden, KvHeads, KvWidth, Model, Pooled, QWidth, Ragged, Seq, Sequences,
    Shape, Vocab,
};

/// An array, the names of its axes, and the address of its first number in memory of Rust.
pub type Named<'py> = (Bound<'py, PyAny>, Vec<String>, usize);

/// The numbers as an array that nobody writes to. They stay where they are: the array owns them.
///
/// # Errors
/// There are more or less of them than the lengths say.
pub fn array<'py>(py: Python<'py>, values: Vec<f32>, lengths: &[usize], dims: &[&str]) -> PyResult<Named<'py>> {
    let address = values.as_ptr() as usize;
    let flat = PyArray1::from_vec(py, values);
    let shaped = match *lengths {
        [_] => flat.readwrite().make_nonwriteable().as_any().clone(),
        [rows, columns] => flat.reshape([rows, columns])?.readwrite().make_nonwriteable().as_any().clone(),
        _ => flat.reshape(lengths)?.readwrite().make_nonwriteable().as_any().clone(),
    };
    Ok((shaped, dims.iter().map(|name| in_python(name)).collect(), address))
}

/// The name of an axis as Python writes names: `kv_heads` of `KvHeads`.
pub fn in_python(axis: &str) -> String {
    let letters: Vec<char> = axis.chars().collect();
    let mut name = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let begins = letter.is_uppercase() && letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if at > 0 && begins {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// The axes of logits: of the positions of a step and of the vocabulary.
pub struct OfLogits;

impl Visit for OfLogits {
    type Out = &'static [&'static str];

    fn visit<M: Model>(self, _: &Opened<M>) -> Self::Out {
        <(Seq<'_>, Vocab<M>) as Shape>::NAMES
    }
}

/// The axes of rows that stand for texts: of the texts of a step and of the model's width.
pub struct OfRows;

impl Visit for OfRows {
    type Out = &'static [&'static str];

    fn visit<M: Model>(self, _: &Opened<M>) -> Self::Out {
        <(Sequences<Ragged<'_>>, Pooled<Hidden<M>>) as Shape>::NAMES
    }
}

/// The axes of a model, and their lengths.
pub struct OfModel;

impl Visit for OfModel {
    type Out = Vec<(String, usize)>;

    fn visit<M: Model>(self, opened: &Opened<M>) -> Self::Out {
        fn of<A: Axis>(axis: A) -> (String, usize) {
            (in_python(A::NAME), axis.len())
        }
        let model = opened.transformer().model;
        vec![
            of(Vocab::of(model)),
            of(Blocks::of(model)),
            of(Hidden::of(model)),
            of(Ffn::of(model)),
            of(Heads::of(model)),
            of(KvHeads::of(model)),
            of(Group::of(model)),
            of(HeadDim::of(model)),
            of(QWidth::of(model)),
            of(KvWidth::of(model)),
        ]
    }
}
