//! Prompts of several lengths are given as one run of tokens, which a batch would cut in equal parts.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn prefill<M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    mut cache: KvCache<M, Fixed<2>>,
    prompts: [Vec<Idx<Vocab<M>>>; 2],
) {
    cache.step(&prompts.concat(), |step| model.prefill(cpu, step));
}

fn main() {}
