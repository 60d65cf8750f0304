//! The module has a function that makes a memory.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

mod memory {
    use trine::shapes::*;
    role! { pub struct Memory<A>; }

    pub fn empty<B: Plain, A: Plain>(batch: B, cells: A) -> Tensor<f32, (B, Memory<A>)> {
        Memory::give(Tensor::zeros((batch, cells)))
    }
}

fn start<B: Plain, A: Plain>(batch: B, cells: A) -> Tensor<f32, (B, memory::Memory<A>)> {
    memory::empty(batch, cells)
}

fn main() {}
