//! A tensor gets the role of a cell's memory outside the module that remembers.
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
    memory::Memory::give(Tensor::zeros((batch, cells)))
}

fn main() {}
