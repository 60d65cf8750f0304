//! Pages of a pool have the layers, heads and widths of one model.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

pinned_model! { struct Draft; }
pinned_model! { struct Target; }

fn session(
    cpu: &Cpu,
    model: &std::sync::Arc<Transformer<Target>>,
    pool: &StatePool<Target>,
) -> Session<Target> {
    Session::in_pool(model, cpu, pool, 4096)
}

fn main() {}
