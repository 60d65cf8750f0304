//! Builds files byte by byte, right and wrong ones. Shares no code with the crate's writer, and checks nothing.

use bytes::Bytes;
use trine_loader::Gguf;

/// Metadata value types as a file numbers them.
pub const U8: u32 = 0;
pub const U32: u32 = 4;
pub const BOOL: u32 = 7;
pub const STRING: u32 = 8;
pub const ARRAY: u32 = 9;
pub const U64: u32 = 10;

/// Tensor types as a file numbers them.
pub const F32: u32 = 0;
pub const Q8_0: u32 = 8;
pub const I2_S: u32 = 36;

#[derive(Clone, Debug, Default)]
pub struct Builder(pub Vec<u8>);

impl Builder {
    /// Magic number, version 3, the two counts.
    pub fn header(tensors: u64, entries: u64) -> Builder {
        Builder::default().raw(b"GGUF").u32(3).u64(tensors).u64(entries)
    }

    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Builder {
        self.0.extend_from_slice(bytes.as_ref());
        self
    }

    pub fn u32(self, number: u32) -> Builder {
        self.raw(number.to_le_bytes())
    }

    pub fn u64(self, number: u64) -> Builder {
        self.raw(number.to_le_bytes())
    }

    pub fn string(self, text: impl AsRef<[u8]>) -> Builder {
        let length = text.as_ref().len() as u64;
        self.u64(length).raw(text)
    }

    /// Key and type of a metadata entry; the value follows.
    pub fn key(self, key: &str, value_type: u32) -> Builder {
        self.string(key).u32(value_type)
    }

    /// A line of the tensor table, dimensions in the order of the file.
    pub fn line(self, name: &str, ne: &[u64], kind: u32, offset: u64) -> Builder {
        let start = self.string(name).u32(ne.len() as u32);
        ne.iter().fold(start, |builder, &n| builder.u64(n)).u32(kind).u64(offset)
    }

    /// Zeros up to a multiple of `alignment`.
    pub fn pad(mut self, alignment: usize) -> Builder {
        self.0.resize(self.0.len().next_multiple_of(alignment), 0);
        self
    }

    pub fn zeros(mut self, count: usize) -> Builder {
        self.0.resize(self.0.len() + count, 0);
        self
    }

    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    pub fn open(self) -> Result<Gguf, trine_loader::GgufError> {
        Gguf::from_bytes("model.gguf", Bytes::from(self.0))
    }

    /// Asserts that the file is refused with exactly this message (after the file's name).
    #[track_caller]
    pub fn refused(self, message: &str) {
        let error = self.open().expect_err("the file is wrong").to_string();
        assert_eq!(error, format!("model.gguf: {message}"));
    }

    /// As `refused`, with a message that contains each of `parts`.
    #[track_caller]
    pub fn refused_with(self, parts: &[&str]) {
        let error = self.open().expect_err("the file is wrong").to_string();
        assert!(error.starts_with("model.gguf: "), "{error}");
        assert!(!error.contains('\n'), "{error}");
        for part in parts {
            assert!(error.contains(part), "expected {part:?} in: {error}");
        }
    }
}

/// A file without metadata whose tensors lie side by side: name, dimensions in the order of the file, type, bytes.
pub fn side_by_side(tensors: &[(&str, &[u64], u32, usize)]) -> Builder {
    let mut table = Builder::header(tensors.len() as u64, 0);
    let mut offset = 0;
    for &(name, ne, kind, bytes) in tensors {
        table = table.line(name, ne, kind, offset);
        offset = (offset + bytes as u64).next_multiple_of(32);
    }
    tensors.iter().fold(table.pad(32), |file, &(.., bytes)| file.zeros(bytes).pad(32))
}

/// A valid file: three metadata entries (a string, an array of strings, a number) and two tensors, 5 x 3 F32 (60 bytes)
/// and 2 x 64 Q8_0 (136 bytes).
pub fn valid() -> Builder {
    Builder::header(2, 3)
        .key("general.architecture", STRING)
        .string("llama")
        .key("tokenizer.ggml.tokens", ARRAY)
        .u32(STRING)
        .u64(3)
        .string("a")
        .string("")
        .string("ŵ")
        .key("llama.block_count", U32)
        .u32(7)
        .line("norm", &[3, 5], F32, 0)
        .line("embd", &[64, 2], Q8_0, 64)
        .pad(32)
        .raw([1; 60])
        .pad(32)
        .raw([2; 136])
        .pad(32)
}
