//! From a path to bytes: the memory map, the one place of this crate with `unsafe`, and the way without it.
//!
//! What the bytes mean belongs to the formats.

#[cfg(all(feature = "mmap", target_os = "linux"))]
use std::io::Read;
use std::{fs, io, path::Path};

use bytes::Bytes;
#[cfg(feature = "mmap")]
use memmap2::Mmap;
#[cfg(all(feature = "mmap", target_os = "linux"))]
use memmap2::{Advice, MmapMut};

/// How the bytes of a file come into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Mapped: opening costs nothing, pages are read when they are touched and shared with other processes. The file
    /// must not be shortened or rewritten in place while its bytes are in use: what was checked would change, and
    /// reading beyond a shortened end ends the process. Replacing it by renaming another file over it is safe. Without
    /// the feature `mmap` this is the same as `Copy`.
    #[default]
    Map,
    /// Copied: the file is read once and may change afterwards. It takes its length in memory, on Linux in huge pages
    /// where the system has any, which are read faster.
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
    match access {
        Access::Map => map(path),
        Access::Copy => copy(path).map_err(fail("read")),
    }
}

/// The bytes of a file without a memory map.
#[cfg(not(feature = "mmap"))]
fn map(path: &Path) -> Result<Bytes, OpenError> {
    copy(path).map_err(|error| OpenError::Io { action: "read", error })
}

/// A copy of a file.
#[cfg(not(all(feature = "mmap", target_os = "linux")))]
fn copy(path: &Path) -> io::Result<Bytes> {
    fs::read(path).map(Bytes::from)
}

/// A copy of a file in huge pages, where the system has any: what is read from end to end for every token is read
/// faster from them.
#[cfg(all(feature = "mmap", target_os = "linux"))]
fn copy(path: &Path) -> io::Result<Bytes> {
    /// Bytes of a huge page where pages have 4 KB.
    const HUGE: usize = 2 << 20;

    let mut file = fs::File::open(path)?;
    let len = usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    if len < HUGE {
        return fs::read(path).map(Bytes::from);
    }
    let padded = len.checked_next_multiple_of(HUGE).ok_or(io::ErrorKind::FileTooLarge)?;
    // Linux has maps of whole huge pages begin at one since 6.7; older versions may lose the first and the last.
    let mut memory = MmapMut::map_anon(padded)?;
    // Systems without huge pages refuse them, and everything stays in small ones.
    let _ = memory.advise_range(Advice::HugePage, 0, len / HUGE * HUGE);
    file.read_exact(&mut memory[..len])?;
    Ok(Bytes::from_owner(memory.make_read_only()?).slice(..len))
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
    // A file system that has huge pages then reads into them what is not in memory yet, and weights are read faster
    // from them. Elsewhere this is refused, or changes how far the system reads ahead.
    #[cfg(target_os = "linux")]
    let _ = map.advise(Advice::HugePage);
    Ok(Bytes::from_owner(map))
}
