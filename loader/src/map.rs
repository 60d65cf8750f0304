//! From a path to bytes: the memory map, the one place of this crate with `unsafe`, and the way without it.
//!
//! What the bytes mean belongs to the formats.

use std::{fs, io, path::Path};

use bytes::Bytes;
#[cfg(feature = "mmap")]
use memmap2::Mmap;

/// How the bytes of a file come into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Mapped: opening costs nothing, pages are read when they are touched and shared with other processes. The file
    /// must not be shortened or rewritten in place while its bytes are in use: what was checked would change, and
    /// reading beyond a shortened end ends the process. Replacing it by renaming another file over it is safe. Without
    /// the feature `mmap` this is the same as `Copy`.
    #[default]
    Map,
    /// Copied: the file is read once and may change afterwards. It takes its length in memory.
    Copy,
}

/// A path that does not lead to bytes.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The operating system refused to open, map or read the file.
    #[error("cannot {action} it: {error}")]
    Io {
        /// What was tried: "open", "map", "read".
        action: &'static str,
        /// What the operating system said.
        error: io::Error,
    },
    /// A directory, pipe or device.
    #[error("expected a regular file, found {found}")]
    NotAFile {
        /// What it is.
        found: &'static str,
    },
}

/// The bytes of a regular file. An empty file gives empty bytes.
pub(crate) fn bytes_of(path: &Path, access: Access) -> Result<Bytes, OpenError> {
    let fail = |action| move |error| OpenError::Io { action, error };
    // Asked before opening: opening a pipe would wait for its writer.
    let kind = fs::metadata(path).map_err(fail("open"))?;
    if !kind.is_file() {
        let found = if kind.is_dir() { "a directory" } else { "a pipe, socket or device" };
        return Err(OpenError::NotAFile { found });
    }
    if access == Access::Copy {
        return fs::read(path).map(Bytes::from).map_err(fail("read"));
    }
    map(path)
}

/// The bytes of a file without a memory map.
#[cfg(not(feature = "mmap"))]
fn map(path: &Path) -> Result<Bytes, OpenError> {
    fs::read(path).map(Bytes::from).map_err(|error| OpenError::Io { action: "read", error })
}

/// The bytes of a file through a memory map.
#[cfg(feature = "mmap")]
fn map(path: &Path) -> Result<Bytes, OpenError> {
    let fail = |action| move |error| OpenError::Io { action, error };
    let file = fs::File::open(path).map_err(fail("open"))?;
    if file.metadata().map_err(fail("open"))?.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the mapping is private and read-only, no reference to it outlives it (`Bytes` owns it), and its pages are
    // only ever read as bytes, for which every value is valid; lengths and text are copied before they are checked, so
    // they cannot change after it. One condition is outside a program's reach: nobody may shorten or
    // rewrite the file while it is mapped. `Access::Map` states it, and `Access::Copy` is the way without it.
    #[allow(unsafe_code)]
    let map = unsafe { Mmap::map(&file) }.map_err(fail("map"))?;
    Ok(Bytes::from_owner(map))
}
