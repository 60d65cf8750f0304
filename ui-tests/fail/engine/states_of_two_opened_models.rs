//! Sequences of two opened models take a step together.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

struct Together<'a, M: Model>(&'a Opened<M>);

impl<M: Model> Visit for Together<'_, M> {
    type Out = ();

    fn visit<N: Model>(self, opened: &Opened<N>) {
        let mut states = [opened.pool().state(8), self.0.pool().state(8)];
    }
}

fn main() {}
