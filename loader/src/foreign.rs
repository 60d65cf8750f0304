//! Recognises files that are not GGUF, so that the error can say what they are and what to do.
//!
//! Only names belong here: no other format is read.

use std::fmt;

/// What a file that does not begin with `GGUF` looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// No bytes at all.
    Empty,
    /// The small text file that git leaves in place of a large one.
    GitLfsPointer,
    /// A web page, usually an error page saved under the model's name.
    Html,
    /// A safetensors file.
    Safetensors,
    /// A zip archive: PyTorch checkpoints and numpy's npz files are such.
    Zip,
    /// A Python pickle: an old PyTorch checkpoint.
    Pickle,
    /// A compressed file: gzip, xz, bzip2 or zstd.
    Compressed,
    /// The formats that came before GGUF.
    Ggml,
    /// JSON text.
    Json,
    /// Shorter than the magic number.
    Short,
    /// Anything else: the first four bytes.
    Unknown([u8; 4]),
}

impl Foreign {
    /// Names the file from its first bytes; `None` where it begins with the magic number of GGUF.
    pub(crate) fn sniff(bytes: &[u8]) -> Option<Foreign> {
        let starts = |magics: &[&[u8]]| magics.iter().any(|magic| bytes.starts_with(magic));
        let found = match bytes {
            [] => Foreign::Empty,
            _ if bytes.starts_with(b"GGUF") => return None,
            _ if starts(&[b"version https://git-lfs"]) => Foreign::GitLfsPointer,
            _ if is_html(bytes) => Foreign::Html,
            _ if bytes.len() > 8 && bytes[8] == b'{' && bytes[5..8] == [0; 3] => Foreign::Safetensors,
            _ if starts(&[b"PK\x03\x04", b"PK\x05\x06"]) => Foreign::Zip,
            [0x80, 2..=5, ..] => Foreign::Pickle,
            _ if starts(&[b"\x1f\x8b", b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd"]) => Foreign::Compressed,
            _ if starts(&[b"lmgg", b"tjgg", b"fmgg", b"algg"]) => Foreign::Ggml,
            [b'{', ..] => Foreign::Json,
            &[a, b, c, d, ..] => Foreign::Unknown([a, b, c, d]),
            _ => Foreign::Short,
        };
        Some(found)
    }

    /// What the user can do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Foreign::Empty | Foreign::Short => "download or copy it again",
            Foreign::GitLfsPointer => "fetch the file itself with `git lfs pull`",
            Foreign::Html => "the download gave a web page: take the link to the file itself",
            Foreign::Safetensors => "give the directory that holds it, its config.json and its tokenizer.json",
            Foreign::Zip | Foreign::Pickle => {
                "convert it to GGUF first, for instance with llama.cpp's convert_hf_to_gguf.py"
            }
            Foreign::Compressed => "decompress it first",
            Foreign::Ggml => "this format is obsolete: convert the original model to GGUF",
            Foreign::Json => "give the file that holds the weights",
            Foreign::Unknown(_) => "give a file with the extension .gguf",
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Foreign::Empty => "an empty file",
            Foreign::GitLfsPointer => "a git-lfs pointer",
            Foreign::Html => "an HTML page",
            Foreign::Safetensors => "a safetensors file",
            Foreign::Zip => "a zip archive (a PyTorch checkpoint?)",
            Foreign::Pickle => "a Python pickle (an old PyTorch checkpoint?)",
            Foreign::Compressed => "a compressed file",
            Foreign::Ggml => "a GGML file, which preceded GGUF",
            Foreign::Json => "JSON text",
            Foreign::Short => "a file of fewer than 4 bytes",
            Foreign::Unknown(magic) => return write!(f, "first bytes \"{}\"", magic.escape_ascii()),
        })
    }
}

fn is_html(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    [&b"<!doctype"[..], b"<html"]
        .iter()
        .any(|tag| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)))
}
