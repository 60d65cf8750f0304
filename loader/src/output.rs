//! Files that are written: what a path means, and that regular files appear whole or not at all.
//!
//! What the files hold belongs to those who write them; the file before it has its name to [`unfinished`].

mod unfinished;

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use unfinished::Unfinished;
pub use unfinished::remove_unfinished;

/// Lets `write` write to `path`, as what it is:
///
/// * A regular file, or none yet: the new contents take its place once `write` has succeeded and the disk has them, and
///   until then nothing changes. A file that was there before stays intact for those who have it open or mapped; its
///   mode is that of the new one, and so is its owner where the system allows it.
/// * A symbolic link: what it leads to.
/// * A pipe, a terminal or another device: it gets the bytes as they come. The standard output and the standard error
///   of the process are such streams under every name, so that `/dev/stdout` appends to what a shell has opened.
///
/// # Errors
/// Those of `write`, and those of the file system; one that concerns the folder of the file names it.
pub fn write_output<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<T, E>,
) -> Result<T, E> {
    match Destination::of(path)? {
        Destination::Stream(file) => written(&file, write),
        Destination::Regular { path, old } => {
            let unfinished = Unfinished::beside(&path)?;
            if let Some(old) = old {
                unfinished.take_mode(&old)?;
            }
            let done = written(unfinished.file(), write)?;
            unfinished.file().sync_all()?;
            unfinished.finish(&path)?;
            Ok(done)
        }
    }
}

fn written<T, E: From<io::Error>>(
    file: &File,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<T, E>,
) -> Result<T, E> {
    let mut stream = BufWriter::new(file);
    let done = write(&mut stream)?;
    stream.flush()?;
    Ok(done)
}

/// What a path leads to.
enum Destination {
    /// What takes bytes as they come.
    Stream(File),
    /// A regular file, or the place for one, behind all links.
    Regular { path: PathBuf, old: Option<File> },
}

impl Destination {
    fn of(path: &Path) -> io::Result<Destination> {
        let Some(found) = found(path)? else {
            return Ok(Destination::Regular { path: behind_links(path)?, old: None });
        };
        if let Some(stream) = standard_stream(&found)? {
            return Ok(Destination::Stream(stream));
        }
        // A file that may not be written is not replaced either.
        let file = OpenOptions::new().write(true).open(path)?;
        if !file.metadata()?.is_file() {
            return Ok(Destination::Stream(file));
        }
        Ok(Destination::Regular { path: behind_links(path)?, old: Some(file) })
    }
}

/// Refuses a path that [`write_output`] cannot write to, as far as that shows without opening or making anything: for a
/// program that has work to do before it writes.
///
/// # Errors
/// The path leads to a directory, has no name of a file at its end, or its folder is not there.
pub fn check_output(path: &Path) -> io::Result<()> {
    if found(path)?.is_none() {
        let path = behind_links(path)?;
        let folder = folder_of(&path);
        fs::metadata(folder).map_err(|error| of_folder(folder, error))?;
    }
    Ok(())
}

/// What is at a path that a file can have, where there is anything.
fn found(path: &Path) -> io::Result<Option<fs::Metadata>> {
    let found = fs::metadata(path);
    if found.as_ref().is_ok_and(fs::Metadata::is_dir) {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    check_name(path)?;
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => check_name(&behind_links(path)?).map(|()| None),
        found => found.map(Some),
    }
}

/// Refuses a path that does not end with the name of a file, but with `/`, `.` or `..`, or is empty.
fn check_name(path: &Path) -> io::Result<()> {
    let ends_with = |name: &OsStr| path.as_os_str().as_encoded_bytes().ends_with(name.as_encoded_bytes());
    if path.file_name().is_some_and(ends_with) {
        return Ok(());
    }
    let wrong = format!("expected a path that ends with the name of a file, found \"{}\"", path.display());
    Err(io::Error::new(io::ErrorKind::InvalidInput, wrong))
}

/// The path that a chain of symbolic links ends at, whether or not there is anything.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    /// As many as Linux follows.
    const LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other(format!("more than {LINKS} symbolic links follow each other")))
}

/// An error about a folder that is to get a file.
fn of_folder(folder: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("the folder {} takes no new file: {error}", folder.display()))
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Standard output or standard error, where the file is what they are.
#[cfg(unix)]
fn standard_stream(found: &fs::Metadata) -> io::Result<Option<File>> {
    use std::os::{fd::AsFd, unix::fs::MetadataExt};
    let identity = |file: &fs::Metadata| (file.dev(), file.ino());
    for stream in [io::stdout().as_fd(), io::stderr().as_fd()] {
        let stream = File::from(stream.try_clone_to_owned()?);
        if stream.metadata().is_ok_and(|stream| identity(&stream) == identity(found)) {
            return Ok(Some(stream));
        }
    }
    Ok(None)
}

#[cfg(not(unix))]
fn standard_stream(_: &fs::Metadata) -> io::Result<Option<File>> {
    Ok(None)
}

#[cfg(test)]
mod tests;
