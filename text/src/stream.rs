//! Text from bytes that arrive in pieces: a character of several bytes may lie in several tokens. Which bytes a token
//! is belongs to the tokenizer.

/// Turns bytes into text as they come, and keeps the beginning of an unfinished character until its rest arrives.
///
/// Bytes that can be part of no character become U+FFFD, one for each maximal broken sequence, as in
/// [`String::from_utf8_lossy`]; the whole output equals that function's on the whole input.
#[derive(Clone, Debug, Default)]
pub struct TextStream {
    pending: Vec<u8>,
}

impl TextStream {
    /// A stream that has seen nothing.
    pub fn new() -> TextStream {
        TextStream::default()
    }

    /// The text that is complete with these bytes; often empty within a character of several bytes.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::with_capacity(self.pending.len());
        let mut done = 0;
        loop {
            match std::str::from_utf8(&self.pending[done..]) {
                Ok(rest) => {
                    text.push_str(rest);
                    done = self.pending.len();
                    break;
                }
                Err(error) => {
                    let valid = done + error.valid_up_to();
                    text.push_str(&String::from_utf8_lossy(&self.pending[done..valid]));
                    done = valid;
                    let Some(broken) = error.error_len() else { break };
                    text.push(char::REPLACEMENT_CHARACTER);
                    done += broken;
                }
            }
        }
        self.pending.drain(..done);
        text
    }

    /// What is left when no more bytes come: nothing, or U+FFFD for an unfinished character.
    pub fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However bytes are cut, the stream gives the text that they give at once.
        #[test]
        fn stream_equals_whole(bytes in prop::collection::vec(any::<u8>(), 0..60), size in 1usize..5) {
            let (mut stream, mut text) = (TextStream::new(), String::new());
            bytes.chunks(size).for_each(|chunk| text += &stream.push(chunk));
            text += &stream.finish();
            prop_assert_eq!(text, String::from_utf8_lossy(&bytes));
        }
    }
}
