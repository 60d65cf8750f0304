//! What several tests need: fixtures, models loaded from them, and distances between tensors.

use crate::api::*;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A file of `tests/fixtures`.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Says on standard error that a test is skipped, also where the output of passing tests is captured.
pub fn skipped(why: &str) {
    writeln!(std::io::stderr(), "SKIPPED: {why}").expect("standard error");
}

/// A model of `models` that a script fetches; where it is not there, says that the test is skipped.
pub fn fetched(name: &str, script: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name);
    if path.exists() {
        return Some(path);
    }
    skipped(&format!("{} is not there; `python3 tools/{script}` fetches it", path.display()));
    None
}

/// Two threads and the best instruction set of the machine, the same ones for all tests.
pub fn cpu() -> Cpu {
    static CPU: OnceLock<Cpu> = OnceLock::new();
    let options = CpuOptions { threads: std::num::NonZeroUsize::new(2), isa: None };
    CPU.get_or_init(|| Cpu::new(options).expect("two threads")).clone()
}

/// Loads a file with the axes of a fresh scope and runs `body` on it.
pub fn with_model<R>(
    file: &dyn Source,
    options: &LoadOptions<'_>,
    body: impl for<'x> FnOnce(&Arc<Transformer<Dyn<'x>>>) -> R,
) -> R {
    let config = file.config().unwrap_or_else(|error| panic!("{error}"));
    Dyn::scope(config.dims, |model| {
        let loaded = load(model, file, &cpu(), options).unwrap_or_else(|error| panic!("{error}"));
        body(&loaded.transformer)
    })
}

/// Opens a fixture.
pub fn open(name: &str) -> Gguf {
    Gguf::open(fixture(name)).unwrap_or_else(|error| panic!("{error}"))
}

/// A matrix of a block.
pub fn matrix_of<M: Model>(transformer: &Transformer<M>, block: u32, projection: Projection) -> &Matrix {
    let block = Idx::new(Blocks::of(transformer.model), block).expect("a block of the model");
    transformer.matrix(block, projection).expect("a matrix of the block")
}

/// Plain ids as tokens of a model.
pub fn tokens<M: Model>(model: M, ids: &[u32]) -> Vec<Idx<Vocab<M>>> {
    ids.iter().map(|&id| Idx::new(Vocab::of(model), id).expect("an id of the vocabulary")).collect()
}

/// A session that is fed ids, where a test has them from a reference.
pub trait FeedIds {
    /// The logits that follow.
    ///
    /// # Panics
    /// If they do not fit.
    fn feed_ids(&mut self, ids: &[u32]) -> Vec<f32>;

    /// Goes back to the common beginning with these ids.
    fn rewind_to(&mut self, ids: &[u32]) -> usize;
}

impl<M: Model> FeedIds for Session<M> {
    fn feed_ids(&mut self, ids: &[u32]) -> Vec<f32> {
        let tokens = self.tokens_of(ids).expect("ids of the vocabulary");
        self.feed(&tokens).expect("they fit").into_data().into_vec()
    }

    fn rewind_to(&mut self, ids: &[u32]) -> usize {
        self.rewind(&self.tokens_of(ids).expect("ids of the vocabulary"))
    }
}

/// Logits of every position of a fresh sequence, with an f32 cache.
pub fn logits_of<M: Model>(cpu: &Cpu, transformer: &Transformer<M>, ids: &[u32]) -> Vec<f32> {
    let cache = KvCache::new(transformer, Fixed::<1>, ids.len(), CacheType::F32);
    let mut cache = cache.expect("it fits in memory");
    let tokens = tokens(transformer.model, ids);
    cache.step(&[&tokens], |step| transformer.logits(cpu, step).into_data()).expect("they fit").into_vec()
}

/// `|a - b| / |b|` in the L2 norm.
pub fn relative_error(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len(), "elements");
    let square = |value: f64| value * value;
    let difference: f64 = found.iter().zip(expected).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let norm: f64 = expected.iter().map(|b| square(f64::from(*b))).sum();
    (difference / norm).sqrt()
}

/// Prints [`relative_error`], which the README quotes, and asserts it.
pub fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f64) {
    let error = relative_error(found, expected);
    eprintln!("{what}: relative error {error:.1e}");
    assert!(error <= tolerance, "{what}: relative error {error:.2e}, at most {tolerance:.0e} expected");
}

/// The index of the largest value, the lowest one where several are equal.
pub fn argmax(logits: &[f32]) -> u32 {
    let best = logits.iter().enumerate().fold(0, |best, (i, value)| if *value > logits[best] { i } else { best });
    best as u32
}

/// A file of named tensors that another program computed.
pub struct Reference(Vec<u8>);

impl Reference {
    /// Reads a fixture.
    pub fn open(name: &str) -> Reference {
        let path = fixture(name);
        Reference(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    }

    fn bytes(&self, name: &str) -> (Vec<usize>, Vec<[u8; 4]>) {
        let tensors = safetensors::SafeTensors::deserialize(&self.0).expect("a safetensors file");
        let tensor = tensors.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let words = tensor.data().as_chunks::<4>().0.to_vec();
        (tensor.shape().to_vec(), words)
    }

    /// Whether there is such a tensor.
    pub fn has(&self, name: &str) -> bool {
        safetensors::SafeTensors::deserialize(&self.0).expect("a safetensors file").tensor(name).is_ok()
    }

    /// A float tensor.
    pub fn floats(&self, name: &str) -> Vec<f32> {
        self.bytes(name).1.into_iter().map(f32::from_le_bytes).collect()
    }

    /// A tensor of ids.
    pub fn ids(&self, name: &str) -> Vec<u32> {
        self.bytes(name).1.into_iter().map(u32::from_le_bytes).collect()
    }

    /// A tensor of bytes.
    pub fn raw(&self, name: &str) -> Vec<u8> {
        let tensors = safetensors::SafeTensors::deserialize(&self.0).expect("a safetensors file");
        tensors.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}")).data().to_vec()
    }

    /// The dimensions of a tensor.
    pub fn shape(&self, name: &str) -> Vec<usize> {
        self.bytes(name).0
    }
}
