//! From a path to bytes: the memory map, the one place of this crate with `unsafe`, and the ways without it. Everything
//! that is read is opened here.
//!
//! What the bytes mean belongs to the formats.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

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
#[non_exhaustive]
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
    /// More bytes than a file of its kind has.
    #[error("expected at most {limit} bytes, found {}", at_least(*.found, *.limit))]
    TooLong {
        /// The limit.
        limit: u64,
        /// Its length in bytes, as far as the system knows it.
        found: u64,
    },
}

fn at_least(found: u64, limit: u64) -> String {
    if found > limit { found.to_string() } else { "more".to_owned() }
}

/// Opens a regular file. What is none is not opened: a pipe would wait for its writer, and a device may never end.
fn regular(path: &Path) -> Result<File, OpenError> {
    let fail = |error| OpenError::Io { action: "open", error };
    check_kind(&fs::metadata(path).map_err(fail)?)?;
    let file = File::open(path).map_err(fail)?;
    // The path may lead elsewhere by now.
    check_kind(&file.metadata().map_err(fail)?)?;
    Ok(file)
}

fn check_kind(kind: &fs::Metadata) -> Result<(), OpenError> {
    match (kind.is_file(), kind.is_dir()) {
        (true, _) => Ok(()),
        (_, true) => Err(OpenError::NotAFile { found: "a directory" }),
        _ => Err(OpenError::NotAFile { found: "a pipe, socket or device" }),
    }
}

/// The bytes of a regular file that has at most `limit`, whatever the system says of its length.
///
/// # Errors
/// [`OpenError`] where it cannot be read, is no regular file, or has more.
pub fn read_file(path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>, OpenError> {
    let fail = |error| OpenError::Io { action: "read", error };
    let file = regular(path.as_ref())?;
    let found = file.metadata().map_err(fail)?.len();
    let mut bytes = Vec::new();
    if found <= limit {
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    }
    match found.max(bytes.len() as u64) > limit {
        true => Err(OpenError::TooLong { limit, found }),
        false => Ok(bytes),
    }
}

/// The bytes of a regular file. An empty file gives empty bytes.
pub(crate) fn bytes_of(path: &Path, access: Access) -> Result<Bytes, OpenError> {
    let file = regular(path)?;
    match access {
        Access::Map => map(file),
        Access::Copy => copy(file).map_err(|error| OpenError::Io { action: "read", error }),
    }
}

/// The bytes of a file without a memory map.
#[cfg(not(feature = "mmap"))]
fn map(file: File) -> Result<Bytes, OpenError> {
    copy(file).map_err(|error| OpenError::Io { action: "read", error })
}

fn length(file: &File) -> io::Result<usize> {
    usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

/// A copy of a file that has so many bytes.
fn whole(file: File, len: usize) -> io::Result<Bytes> {
    let mut bytes = Vec::with_capacity(len);
    file.take(len as u64).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// A copy of a file.
#[cfg(not(all(feature = "mmap", target_os = "linux")))]
fn copy(file: File) -> io::Result<Bytes> {
    let len = length(&file)?;
    whole(file, len)
}

/// A copy of a file in huge pages, where the system has any: what is read from end to end for every token is read
/// faster from them.
#[cfg(all(feature = "mmap", target_os = "linux"))]
fn copy(mut file: File) -> io::Result<Bytes> {
    /// Bytes of a huge page where pages have 4 KB.
    const HUGE: usize = 2 << 20;

    let len = length(&file)?;
    if len < HUGE {
        return whole(file, len);
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
fn map(file: File) -> Result<Bytes, OpenError> {
    let fail = |action| move |error| OpenError::Io { action, error };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_has_a_limit_whatever_the_length_is_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, [7; 100]).unwrap();
        assert_eq!(read_file(&path, 100).unwrap(), [7; 100]);
        let error = read_file(&path, 99).unwrap_err();
        assert_eq!(error.to_string(), "expected at most 99 bytes, found 100");
        // A file of the system that says it has no bytes.
        if let Ok(bytes) = read_file("/proc/self/status", 1 << 20) {
            let error = read_file("/proc/self/status", 10).unwrap_err();
            assert!(bytes.len() > 10 && error.to_string().ends_with("found more"), "{error}");
        }
    }

    #[test]
    fn what_is_no_regular_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        for access in [Access::Map, Access::Copy] {
            let found = bytes_of(folder.path(), access).unwrap_err().to_string();
            assert_eq!(found, "expected a regular file, found a directory");
        }
        #[cfg(unix)]
        {
            use rustix::fs::{CWD, FileType, Mode, mknodat};
            let pipe = folder.path().join("pipe");
            mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
            let found = [read_file(&pipe, 9).unwrap_err(), bytes_of(&pipe, Access::Map).unwrap_err()];
            for error in found {
                assert_eq!(error.to_string(), "expected a regular file, found a pipe, socket or device");
            }
        }
    }
}
