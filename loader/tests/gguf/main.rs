//! The reader and the writer from outside: files of other programs, hostile files, properties.

mod builder;
mod foreign_writers;
mod hostile_header;
mod hostile_layouts;
mod hostile_metadata;
mod hostile_tensors;
mod layouts;
mod metadata;
mod properties;
mod split;
mod writer;
