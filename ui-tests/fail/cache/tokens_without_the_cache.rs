//! A token is decoded without the cache, which holds the prompt.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn predicted<T: Step, M: Model>(
    cpu: &Cpu,
    model: &Transformer<M>,
    next: View<Idx<Vocab<M>>, (T,)>,
) -> Tensor<f32, (Sequences<T>, Vocab<M>)> {
    model.next_logits(cpu, next)
}

fn main() {}
