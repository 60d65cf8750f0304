//! Files that appear whole or not at all.
//!
//! What the files hold belongs to those who write them.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

/// Lets `write` write the file at `path`: a temporary file beside it, which is renamed over it once `write` has
/// succeeded and the disk has it, and removed otherwise. A file that was there before stays intact until then, and
/// after it for those who have it open or mapped.
///
/// # Errors
/// Those of `write`, and those of the file system.
pub fn write_atomically<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<T, E>,
) -> Result<T, E> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".trine-").suffix(".tmp");
    #[cfg(unix)]
    {
        // As any new file, subject to the umask; temporary files are otherwise private.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let file = builder.tempfile_in(folder)?;
    let mut stream = BufWriter::new(file.as_file());
    let done = write(&mut stream)?;
    stream.flush()?;
    drop(stream);
    file.as_file().sync_all()?;
    file.persist(path).map_err(io::Error::from)?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let write = |text: &str, fails: bool| {
            write_atomically(&path, |out| {
                out.write_all(text.as_bytes())?;
                if fails { Err(io::Error::other("no")) } else { Ok(text.len()) }
            })
        };
        assert_eq!(write("whole", true).unwrap_err().to_string(), "no");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(write("whole", false).unwrap(), 5);
        assert!(write("other", true).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_does_not_exist_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("file");
        assert!(write_atomically(&path, |_| Ok::<_, io::Error>(())).is_err());
    }
}
