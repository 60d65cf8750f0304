//! A cache has the layers and heads of the model that fills it.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn cache<'b>(
    model: &Transformer<Target>,
    batch: Batch<'b>,
) -> Result<KvCache<Target, Batch<'b>>, CacheFull> {
    KvCache::new(model, batch, 4096, CacheType::F16)
}

fn main() {}
