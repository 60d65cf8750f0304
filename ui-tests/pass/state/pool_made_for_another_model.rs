//! The model whose sequences they are says how much memory they need.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn pool(
    model: &Transformer<Target>,
) -> Result<StatePool<Target>, CacheFull> {
    StatePool::new(model, 64, CacheType::F16)
}

fn main() {}
