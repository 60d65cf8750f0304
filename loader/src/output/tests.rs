//! What becomes of files, links, pipes and devices that are written to. Devices are made in a folder of the test.

use super::unfinished::Names;
use super::*;
use std::fs::read;

/// Writes a text to the path.
fn put(path: &Path, text: &str) -> io::Result<usize> {
    write_output(path, |out| out.write_all(text.as_bytes()).map(|()| text.len()))
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_file_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let fail = || {
        write_output(&path, |out| {
            out.write_all(b"some")?;
            out.flush()?;
            Err::<(), _>(io::Error::other("no"))
        })
    };
    assert_eq!(fail().unwrap_err().to_string(), "no");
    assert_eq!(files(folder.path()), 0);
    assert_eq!(put(&path, "whole").unwrap(), 5);
    let before = File::open(&path).unwrap();
    assert!(fail().is_err());
    assert_eq!(read(&path).unwrap(), b"whole");
    put(&path, "new").unwrap();
    assert_eq!((read(&path).unwrap(), files(folder.path())), (b"new".to_vec(), 1));
    assert_eq!(io::read_to_string(before).unwrap(), "whole", "who has the old file open keeps it");
}

#[test]
fn a_file_in_the_making_goes_when_it_is_dropped_and_before_an_exit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    // Of its own: the other tests write files beside this one.
    let names = Names::new();
    let unfinished = Unfinished::named(&path, &names).unwrap();
    assert_eq!(files(folder.path()), 1);
    drop(unfinished);
    assert_eq!(files(folder.path()), 0);
    let unfinished = Unfinished::named(&path, &names).unwrap();
    unfinished.file().write_all(b"whole").unwrap();
    unfinished.finish(&path).unwrap();
    assert_eq!((read(&path).unwrap(), files(folder.path())), (b"whole".to_vec(), 1));
    let unfinished = Unfinished::named(&path, &names).unwrap();
    drop(names.remove_files());
    assert_eq!(files(folder.path()), 1, "the one that is finished stays");
    assert!(unfinished.finish(&path).is_err());
    assert_eq!(read(&path).unwrap(), b"whole");
}

#[test]
fn what_concerns_a_folder_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let error = put(&missing.join("file"), "text").unwrap_err();
    assert!(error.to_string().contains(&*missing.display().to_string()), "{error}");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert_eq!(put(folder.path(), "text").unwrap_err().kind(), io::ErrorKind::IsADirectory);
}

#[test]
fn a_path_without_the_name_of_a_file_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    put(&at("file"), "text").unwrap();
    let refused = |path: &Path| {
        let write = |_: &mut BufWriter<&File>| -> io::Result<()> { panic!("{}", path.display()) };
        let (error, early) = (write_output(path, write).unwrap_err(), check_output(path).unwrap_err());
        assert_eq!((error.kind(), error.to_string()), (early.kind(), early.to_string()));
        error
    };
    for path in ["new/", "new//", "new/.", "new/..", "file/", "missing/new/"].map(at).iter().chain([&PathBuf::new()]) {
        let error = refused(path).to_string();
        let expected = format!("expected a path that ends with the name of a file, found \"{}\"", path.display());
        assert_eq!(error, expected);
    }
    for path in ["", ".", "..", "./"] {
        assert_eq!(refused(&at(path)).kind(), io::ErrorKind::IsADirectory, "{path:?}");
    }
    let early = check_output(&at("missing/new")).unwrap_err();
    assert!(early.to_string().starts_with("the folder ") && early.kind() == io::ErrorKind::NotFound, "{early}");
    for path in ["file", "new", "n", "new.", "..new"] {
        check_output(&at(path)).unwrap();
    }
    assert_eq!(files(folder.path()), 1, "a check makes nothing");
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};

    /// A device or a pipe in a folder of its own, opened for reading where `mknod` makes it.
    fn node(path: &Path, kind: rustix::fs::FileType, device: rustix::fs::Dev) -> rustix::io::Result<()> {
        rustix::fs::mknodat(rustix::fs::CWD, path, kind, rustix::fs::Mode::RWXU, device)
    }

    #[test]
    fn a_mode_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        put(&path, "new").unwrap();
        let mask = fs::metadata(&path).unwrap().mode() & 0o777;
        assert_eq!(mask & 0o600, 0o600, "as any new file, subject to the umask");
        for mode in [0o600, 0o640, 0o755] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            put(&path, "other").unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode);
        }
    }

    #[test]
    fn links_are_followed_to_their_end() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("disk")).unwrap();
        symlink("second", at("first")).unwrap();
        symlink("disk/target", at("second")).unwrap();
        for text in ["into nothing", "into a file"] {
            put(&at("first"), text).unwrap();
            assert_eq!(read(at("disk/target")).unwrap(), text.as_bytes());
            assert!(["first", "second"].iter().all(|name| at(name).is_symlink()));
        }
        assert_eq!((files(folder.path()), files(&at("disk"))), (3, 1));
        symlink("circle", at("circle")).unwrap();
        assert!(put(&at("circle"), "text").is_err());
        symlink("nothing/", at("to a folder")).unwrap();
        let error = put(&at("to a folder"), "text").unwrap_err().to_string();
        assert!(error.ends_with("nothing/\""), "{error}");
    }

    #[test]
    fn a_pipe_gets_the_bytes_and_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        node(&pipe, rustix::fs::FileType::Fifo, 0).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || read(pipe).unwrap()
        });
        put(&pipe, "text").unwrap();
        assert_eq!(reader.join().unwrap(), b"text");
        assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_gets_the_bytes_and_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (null, full) = (folder.path().join("null"), folder.path().join("full"));
        let made = [(&null, 3), (&full, 7)]
            .map(|(path, minor)| node(path, rustix::fs::FileType::CharacterDevice, rustix::fs::makedev(1, minor)));
        let usable = made.iter().all(Result::is_ok) && OpenOptions::new().write(true).open(&null).is_ok();
        if !usable {
            eprintln!("no device was written to: this system lets the test make none ({made:?})");
            return;
        }
        put(&null, "text").unwrap();
        assert_eq!(put(&full, "text").unwrap_err().kind(), io::ErrorKind::StorageFull);
        for device in [null, full] {
            assert!(fs::symlink_metadata(device).unwrap().file_type().is_char_device());
        }
        assert_eq!(files(folder.path()), 2);
    }
}
