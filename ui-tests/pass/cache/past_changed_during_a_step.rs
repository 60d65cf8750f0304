//! The past is shortened before the step is opened.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn predicted<M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    mut cache: KvCache<M, Fixed<1>>,
    token: Idx<Vocab<M>>,
) {
    cache.rewind(0);
    cache.step(&[&[token]], |step| model.prefill(cpu, step));
}

fn main() {}
