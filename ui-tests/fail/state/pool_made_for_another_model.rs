//! Memory for the sequences of one model is measured by another, which is smaller.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn pool(
    model: &Transformer<Draft>,
) -> Result<StatePool<Target>, CacheFull> {
    StatePool::new(model, 64, CacheType::F16)
}

fn main() {}
