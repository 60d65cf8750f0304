//! The memory map: the one place of this crate with `unsafe`.
//!
//! Only the way from a path to bytes belongs here.

use std::{fs::File, path::Path};

use bytes::Bytes;
use memmap2::Mmap;

use crate::Problem;

/// Maps a regular file. An empty file gives empty bytes.
pub(crate) fn map(path: &Path) -> Result<Bytes, Problem> {
    let fail = |action| move |error| Problem::Io { action, error };
    // Asked before opening: opening a pipe would wait for its writer.
    let kind = std::fs::metadata(path).map_err(fail("open"))?;
    if !kind.is_file() {
        let found = if kind.is_dir() { "a directory" } else { "a pipe, socket or device" };
        return Err(Problem::NotAFile { found });
    }
    let file = File::open(path).map_err(fail("open"))?;
    if file.metadata().map_err(fail("open"))?.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the mapping is private and read-only, no reference to it outlives it (`Bytes` owns it), and its pages are
    // only ever read as bytes, for which every value is valid; what is derived from them (lengths, text) is copied
    // before use, so it cannot change under a check. One condition is outside a program's reach: nobody may shorten or
    // rewrite the file while it is mapped. `Gguf::open` states it, and `Gguf::from_bytes` is the way without it.
    #[allow(unsafe_code)]
    let map = unsafe { Mmap::map(&file) }.map_err(fail("map"))?;
    Ok(Bytes::from_owner(map))
}
