//! The programs in `pass/`, the corrections of those in `fail/`, as modules of one crate: each compiles.

#![allow(unused, missing_docs, clippy::all, reason = "programs are examples of what they are called after")]

include!(concat!(env!("OUT_DIR"), "/corrections.rs"));
