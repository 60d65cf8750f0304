//! Trine against other engines, on data they computed. `docs/golden.md` says which program made which file.

mod checkpoints;
mod converted;
mod directories;
mod embeddings;
mod followed;
mod gemma3;
mod gemma3_270m;
mod grouped;
mod grouped_directories;
mod hf;
mod hunyuan;
mod layers;
mod layouts;
mod levels;
mod llama_cpp;
mod long;
mod maple;
mod maple_directories;
mod masters;
mod minicpm;
mod qwen;
mod qwen2_coder;
mod qwen35;
mod small;
mod smollm2;
mod tiny;
