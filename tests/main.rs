//! What crosses crates: golden data of other engines, hostile files, properties of whole models, and the project's
//! own rules. Tests of one crate live in that crate.

mod adapters;
mod api;
mod biases;
mod chat;
mod documents;
mod engine;
mod examples;
mod generation;
mod golden;
mod groups;
mod head;
mod hostile;
mod identity;
mod load_classes;
mod serving;
mod support;
mod tidy;
mod tokenizer;
mod triples;
