//! The row that stands for a text is given to the head.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

type Final<T, M> = Tensor<f32, (T, Normed<OutputNorm, Hidden<M>>)>;
type Output<M> = Head<Matrix, Vocab<M>, Hidden<M>>;
fn logits<T: Step, M: Model>(cpu: &Cpu, x: Final<T, M>, head: &Output<M>) {
    let row = Activations::new(cpu.pool(x, Pooling::Last));
    cpu.logits(&row, head);
}

fn main() {}
