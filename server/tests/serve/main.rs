//! A server with the embedded model on a port of this machine, asked over HTTP. What a module without a server can
//! show is shown beside it.

mod access;
mod batch;
mod chat;
mod client;
mod completions;
mod described;
mod dialects;
mod embeddings;
mod faults;
mod malformed;
mod operations;
mod rules;
mod structured;
mod tokens;
mod tools;
