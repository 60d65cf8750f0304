//! The cache of a batch is made for one model by the lengths of another.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn cache<'b>(
    model: &Transformer<Draft>,
    batch: Batch<'b>,
) -> Result<KvCache<Target, Batch<'b>>, CacheFull> {
    KvCache::new(model, batch, 4096, CacheType::F16)
}

fn main() {}
