//! The past is shortened while a step that counts on it is open.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn predicted<M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    mut cache: KvCache<M, Fixed<1>>,
    token: Idx<Vocab<M>>,
) {
    cache.rewind(0);
    cache.step(&[&[token]], |step| { cache.rewind(0); model.prefill(cpu, step) });
}

fn main() {}
