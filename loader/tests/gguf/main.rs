//! The reader and the writer from outside: files of other programs, hostile files, properties.

mod builder;
mod foreign_writers;
mod hostile_header;
mod hostile_metadata;
mod hostile_tensors;
mod metadata;
mod properties;
mod split;
mod writer;
