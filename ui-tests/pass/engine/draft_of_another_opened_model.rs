//! An opened model is fed tokens that are checked against its own vocabulary.
#![allow(unused)]
use trine::{kernels::*, model::*, shapes::*};

struct Accept<'a, M: Model>(&'a Cpu, &'a [Idx<Vocab<M>>]);

impl<M: Model> Visit for Accept<'_, M> {
    type Out = ();

    fn visit<N: Model>(self, opened: &Opened<N>) {
        let (mut state, own) = (opened.pool().state(8), [] as [Idx<Vocab<N>>; 0]);
        State::step_together(vec![(&mut state, &own)], |step| opened.transformer().prefill(self.0, step));
    }
}

fn main() {}
