//! Sequences as bytes, so that a text goes on in another run of a program.
//!
//! ```text
//! "TRINESEQ", version (u32), fingerprint (u64), tokens (u32), ids (u32 each), state, checksum of all before it (u64)
//! ```
//!
//! Numbers are little-endian. What belongs here: the form, and whose sequences an engine takes. What does not: what a
//! state is made of (`network/state.rs`).

use super::error::EngineError;
use super::opened::{Opened, Own};
use super::sequence::Sequence;
use super::{Engine, EngineId};
use crate::generation::{Session, checked};
use crate::network::StatePool;
use trine_kernels::CacheFull;
use trine_ops::Cpu;
use trine_shapes::Vocab;

const MAGIC: &[u8; 8] = b"TRINESEQ";
const VERSION: u32 = 1;

/// Tokens of the text whose logits are the fingerprint of a model: as many as ask each matrix for more than one row.
const FINGERPRINT_TOKENS: usize = 4;

/// Bytes that are no sequence of an engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    /// They are none of any engine, or of another version of this form.
    #[error("these bytes do not begin as a saved sequence of version {VERSION} does")]
    Form,
    /// Some are missing, or were changed.
    #[error("the saved sequence is damaged: its {bytes} bytes are not those that were saved")]
    Damaged {
        /// How many there are.
        bytes: usize,
    },
    /// They are of a model that computes something else.
    #[error(
        "the saved sequence is of another model than {engine}, or of the same one with other activations, adapters, \
         quantization or another type of cache: its memory means nothing there; feed its text instead"
    )]
    OtherModel {
        /// The engine.
        engine: EngineId,
    },
    /// The engine has less room for a sequence.
    #[error("the saved sequence has {tokens} tokens, and a sequence of this engine up to {context}")]
    TooLong {
        /// Tokens that were saved.
        tokens: usize,
        /// Positions of a sequence.
        context: usize,
    },
}

/// 64-bit FNV-1a: <http://www.isthe.com/chongo/tech/comp/fnv/>. It finds damage, not forgery.
fn fnv(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What tells models apart: the bits of the logits of a fixed text. They are the same on every machine and for every
/// number of threads, and those of another file, adapter or way to compute are others.
pub(super) fn fingerprint(opened: &Opened<Own>, cpu: &Cpu) -> Result<u64, EngineError> {
    let Opened { transformer, pool } = opened;
    let own = StatePool::for_sequences(transformer, 1, FINGERPRINT_TOKENS, pool.kind())?;
    let mut session = Session::in_pool(transformer, cpu, &own, FINGERPRINT_TOKENS);
    let vocab = transformer.config.dims.vocab as u64;
    // Ids all over the vocabulary.
    let ids: Vec<u32> = (1..=FINGERPRINT_TOKENS as u64).map(|i| (i * 2_654_435_761 % vocab) as u32).collect();
    let ids = &ids[..session.capacity().min(FINGERPRINT_TOKENS)];
    let logits = session.feed(&checked(Vocab::of(transformer.model), ids)?)?;
    let bits = logits.data().iter().flat_map(|logit| logit.to_bits().to_le_bytes());
    Ok(fnv(bits.chain(pool.kind().to_string().into_bytes())))
}

/// Takes numbers off the beginning of bytes.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}

impl Sequence {
    /// The sequence as bytes, for [`Engine::sequence_from_bytes`]: its tokens, and what the model remembers of them, by
    /// whole pages of 256 positions. Nobody else's text is in them.
    ///
    /// # Errors
    /// [`EngineError::Memory`] where there is no memory for a page, with which the model is told from others.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EngineError> {
        let tokens = self.session().tokens();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.engine().fingerprint()?.to_le_bytes());
        bytes.extend((tokens.len() as u32).to_le_bytes());
        bytes.extend(tokens.iter().flat_map(|token| (token.get() as u32).to_le_bytes()));
        bytes.extend(self.session().state_bytes());
        bytes.extend(fnv(bytes.iter().copied()).to_le_bytes());
        Ok(bytes)
    }
}

impl Engine {
    /// A sequence that [`Sequence::to_bytes`] saved, in this run of the program or another, on this machine or another.
    ///
    /// # Errors
    /// [`EngineError::Saved`] where the bytes are not sound, or of a model that computes something else;
    /// [`EngineError::Memory`] where there are not enough pages left.
    pub fn sequence_from_bytes(&self, bytes: &[u8]) -> Result<Sequence, EngineError> {
        let Opened { transformer, pool } = self.opened();
        let damaged = SavedError::Damaged { bytes: bytes.len() };
        let mut reader = Reader(bytes);
        if reader.take(MAGIC.len()) != Some(MAGIC) || reader.u32() != Some(VERSION) {
            return Err(SavedError::Form.into());
        }
        let (all, checksum) = bytes.split_at(bytes.len().saturating_sub(8));
        let (Some(fingerprint), Some(tokens)) = (reader.u64(), reader.u32()) else { return Err(damaged.into()) };
        if Reader(checksum).u64() != Some(fnv(all.iter().copied())) {
            return Err(damaged.into());
        }
        if fingerprint != self.fingerprint()? {
            return Err(SavedError::OtherModel { engine: self.id().clone() }.into());
        }
        let (tokens, context) = (tokens as usize, self.context());
        if tokens > context {
            return Err(SavedError::TooLong { tokens, context }.into());
        }
        let ids: Option<Vec<u32>> = (0..tokens).map(|_| reader.u32()).collect();
        let state = reader.take(reader.0.len().saturating_sub(8)).unwrap_or(&[]);
        let Some(ids) = ids.filter(|_| state.len() == pool.bytes_of(tokens)) else { return Err(damaged.into()) };
        let tokens = checked(self.vocab(), &ids)?;
        let session: Result<_, CacheFull> = Session::saved(transformer, self.cpu(), (pool, context), tokens, state);
        Ok(Sequence::new(self.clone(), session?))
    }
}
