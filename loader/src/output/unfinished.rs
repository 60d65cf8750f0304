//! A file before it has its name: without any where the system has such files, so that whatever ends the process leaves
//! nothing, and under a name of its own elsewhere, which is removed when it is dropped and by [`remove_unfinished`].

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tempfile::TempPath;

use super::{folder_of, of_folder};

/// The names of unfinished files that have one.
pub struct Names(Mutex<Vec<PathBuf>>);

/// Those of the process, as signals end it as a whole.
static NAMES: Names = Names::new();

impl Names {
    pub const fn new() -> Names {
        Names(Mutex::new(Vec::new()))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes the files. While what it returns lives, none is begun and none gets its name.
    #[must_use = "files are begun and finished as soon as it is dropped"]
    pub fn remove_files(&self) -> impl Sized {
        let mut names = self.lock();
        for name in names.drain(..) {
            // Nobody is left to tell of a failure.
            let _ = std::fs::remove_file(name);
        }
        names
    }
}

/// Removes the unfinished files of this process, for a program that is about to exit because of a signal. While what it
/// returns lives, none is begun and none gets its name: the program holds it until it exits.
#[must_use = "files are begun and finished as soon as it is dropped"]
pub fn remove_unfinished() -> impl Sized {
    NAMES.remove_files()
}

/// A file in the making.
pub struct Unfinished<'n> {
    file: File,
    /// Where it has one.
    name: Option<TempPath>,
    /// Where that is noted.
    names: &'n Names,
}

impl<'n> Unfinished<'n> {
    /// A new file in the folder that `path` is in.
    ///
    /// # Errors
    /// The system makes none there.
    pub fn beside(path: &Path) -> io::Result<Unfinished<'static>> {
        match nameless(path) {
            Some(file) => Ok(Unfinished { file, name: None, names: &NAMES }),
            None => Unfinished::named(path, &NAMES),
        }
    }

    /// The same under a name, which is noted in `names`.
    ///
    /// # Errors
    /// As for [`beside`](Unfinished::beside).
    pub fn named(path: &Path, names: &'n Names) -> io::Result<Unfinished<'n>> {
        let mut listed = names.lock();
        let folder = folder_of(path);
        let (file, name) = builder().tempfile_in(folder).map_err(|error| of_folder(folder, error))?.into_parts();
        listed.push(name.to_path_buf());
        Ok(Unfinished { file, name: Some(name), names })
    }

    /// Where its contents are written.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Takes the mode of the file that it is to replace, and its owner where the system allows that.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn take_mode(&self, old: &File) -> io::Result<()> {
        let old = old.metadata()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt, fchown};
            // Before the mode, as it takes away bits of it.
            let _ = fchown(&self.file, Some(old.uid()), Some(old.gid()));
        }
        self.file.set_permissions(old.permissions())
    }

    /// Gives it its name, in place of the file that has it.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn finish(mut self, path: &Path) -> io::Result<()> {
        // Held until it is done: a signal ends the process before that or after it.
        let mut names = self.names.lock();
        match self.name.take() {
            Some(name) => {
                names.retain(|other| **other != *name);
                name.persist(path).map_err(|failed| of_folder(folder_of(path), failed.error))
            }
            None => link(&self.file, path).map_err(|error| of_folder(folder_of(path), error)),
        }
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            let mut names = self.names.lock();
            names.retain(|other| **other != *name);
            // Removed before anyone else has the list.
            drop(name);
        }
    }
}

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".trine-").suffix(".tmp");
    #[cfg(unix)]
    {
        // As any new file, subject to the umask; temporary files are otherwise private.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder
}

/// A file without a name, where the file system has them and one can be given to it later.
#[cfg(target_os = "linux")]
fn nameless(path: &Path) -> Option<File> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, folder_of(path), flags, Mode::from_raw_mode(0o666)).ok()?);
    name_in_proc(&file).exists().then_some(file)
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path) -> Option<File> {
    None
}

/// The one name that a file without a name has, for those who may not link it by its number.
#[cfg(target_os = "linux")]
fn name_in_proc(file: &File) -> PathBuf {
    use std::os::fd::AsRawFd;
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// Gives a file without a name this one.
#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    let link = |name: &Path| linkat(CWD, name_in_proc(file), CWD, name, AtFlags::SYMLINK_FOLLOW);
    match link(path) {
        Err(rustix::io::Errno::EXIST) => {}
        linked => return Ok(linked?),
    }
    // A link replaces nothing, a rename does.
    let named = builder().make_in(folder_of(path), |name| Ok(link(name)?))?;
    named.into_temp_path().persist(path).map_err(io::Error::from)
}

#[cfg(not(target_os = "linux"))]
// Never called: no file is without a name there.
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
