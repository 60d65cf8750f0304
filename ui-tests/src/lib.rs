//! The gallery of mistakes: programs with one mistake each in `fail/`, their corrections in `pass/`, and the page that
//! shows them.
//!
//! What belongs here: reading the cases and writing the page. What does not: the cases, and the tests that compile
//! them, which are in `tests/`.
#![forbid(unsafe_code)]

pub mod case;
pub mod effects;
pub mod page;
