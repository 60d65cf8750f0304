//! Trine against other engines, on data they computed. `docs/golden.md` says which program made which file.

mod checkpoints;
mod hf;
mod layers;
mod llama_cpp;
mod masters;
mod smollm2;
mod tiny;
