//! A step is tokens together with the cache that they extend.
#![allow(unused)]
use trine::prelude::*;

fn predicted<T: Step, M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    next: Step<M, B, P, S>,
) -> Tensor<f32, (B, Fixed<1>, Vocab<M>)> {
    model.next_logits(cpu, next)
}

fn main() {}
