//! A cursor over the bytes of a file that never leaves them and knows where it is.
//!
//! Here belong bounds, byte order and the place for error messages; what the bytes mean belongs to `parse`.

use std::sync::Arc;

use super::{GgufError, Place, Problem};

pub(crate) struct Reader<'a> {
    file: &'a Arc<str>,
    bytes: &'a [u8],
    position: usize,
    /// What is being read, for errors.
    pub place: Place,
}

impl<'a> Reader<'a> {
    pub fn new(file: &'a Arc<str>, bytes: &'a [u8]) -> Reader<'a> {
        Reader { file, bytes, position: 0, place: Place::Header }
    }

    /// The offset of the next byte.
    pub fn position(&self) -> u64 {
        self.position as u64
    }

    fn left(&self) -> u64 {
        (self.bytes.len() - self.position) as u64
    }

    /// An error at `offset` in the current place.
    pub fn fail(&self, offset: u64, problem: Problem) -> GgufError {
        GgufError::new(self.file, self.place.clone(), Some(offset), problem)
    }

    /// The next `length` bytes; `what` names them in the error.
    pub fn take(&mut self, length: u64, what: &'static str) -> Result<&'a [u8], GgufError> {
        if length > self.left() {
            let problem = Problem::Truncated { what, expected: length, found: self.left() };
            return Err(self.fail(self.position(), problem));
        }
        let start = self.position;
        self.position += length as usize; // at most `left()`, which is a `usize`
        Ok(&self.bytes[start..self.position])
    }

    /// The next number, little-endian.
    pub fn number<T: Number>(&mut self, what: &'static str) -> Result<T, GgufError> {
        Ok(T::from_le(self.take(T::BYTES, what)?))
    }

    /// The next `count` numbers.
    pub fn numbers<T: Number>(&mut self, count: u64) -> Result<Vec<T>, GgufError> {
        self.holds(count, T::BYTES, "array elements", self.position())?;
        let bytes = self.take(count * T::BYTES, "an array")?;
        Ok(bytes.chunks_exact(T::BYTES as usize).map(T::from_le).collect())
    }

    /// A count of things of at least `least` bytes each, of which the rest of the file can hold so many.
    pub fn count(&mut self, what: &'static str, least: u64) -> Result<u64, GgufError> {
        let offset = self.position();
        let count = self.number("a count")?;
        self.holds(count, least, what, offset)?;
        Ok(count)
    }

    /// Fails where the rest of the file cannot hold `count` things of at least `least` bytes.
    pub fn holds(&self, count: u64, least: u64, what: &'static str, offset: u64) -> Result<(), GgufError> {
        let left = self.left();
        if count > left / least {
            return Err(self.fail(offset, Problem::Count { what, found: count, least, left }));
        }
        Ok(())
    }

    /// A string: its length in eight bytes, then UTF-8. It is copied before it is checked, so a file that changes while
    /// it is mapped gives no text that is not UTF-8.
    pub fn string(&mut self, what: &'static str) -> Result<String, GgufError> {
        let offset = self.position();
        let length = self.number("the length of a string")?;
        let bytes = self.take(length, what)?.to_vec();
        String::from_utf8(bytes).map_err(|error| {
            let wrong = offset + 8 + error.utf8_error().valid_up_to() as u64;
            self.fail(offset, Problem::Utf8 { what, wrong })
        })
    }

    /// A string of 1 to `limit` bytes.
    pub fn name(&mut self, what: &'static str, limit: u64) -> Result<String, GgufError> {
        let offset = self.position();
        let name = self.string(what)?;
        let found = name.len() as u64;
        if found == 0 || found > limit {
            return Err(self.fail(offset, Problem::NameLength { what, limit, found }));
        }
        Ok(name)
    }
}

/// A number with a little-endian encoding of fixed length.
pub(crate) trait Number: Copy {
    const BYTES: u64;
    /// From exactly `BYTES` bytes.
    fn from_le(bytes: &[u8]) -> Self;
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl Number for $type {
            const BYTES: u64 = size_of::<$type>() as u64;
            fn from_le(bytes: &[u8]) -> $type {
                let mut array = [0; size_of::<$type>()];
                array.copy_from_slice(bytes);
                <$type>::from_le_bytes(array)
            }
        }
    )*};
}
numbers!(u8 i8 u16 i16 u32 i32 u64 i64 f32 f64);
