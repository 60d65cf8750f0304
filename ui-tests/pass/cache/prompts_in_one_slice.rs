//! Each sequence brings a slice of its own.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn prefill<M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    mut cache: KvCache<M, Fixed<2>>,
    prompts: [Vec<Idx<Vocab<M>>>; 2],
) {
    cache.step(&[&prompts[0], &prompts[1]], |step| model.prefill(cpu, step));
}

fn main() {}
