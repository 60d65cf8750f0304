//! Gemma 3 270M (dense, Q4_K_M, trained by others) against llama.cpp and against HF transformers on the decoded
//! weights.
//!
//! `tools/fetch_gemma3.py` fetches the file, under Google's terms; without it this test says that it is skipped.

use super::followed::{Bounds, followed};
use crate::api::*;
use crate::support::fetched;

#[test]
fn tokens_are_those_of_llama_cpp_and_logits_those_of_transformers() {
    let Some(path) = fetched("gemma-3-270m.Q4_K_M.gguf", "fetch_gemma3.py") else { return };
    // 16 bits of an activation are 2.3e-4 of the logits here: some channels of this model are a hundred times as large
    // as others.
    for (activations, tolerance) in [(None, 3e-4), (Some(ActivationMode::F32), 2e-4)] {
        let bounds = Bounds { close: 2.0 * 2.907, tolerance, activations };
        followed("Gemma 3 270M, transformers on decoded weights", &path, "gemma3_270m.json", bounds);
    }
}
