//! The states of the delta rule are asked for by the index of an attention layer.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn layer<'l, T: Step, M: Model>(
    step: &'l mut RecurrentStep<T, M>,
    layer: Idx<AttentionLayers<M>>,
) -> (ConvolutionState<'l, T, M>, DeltaState<'l, T, M>) {
    step.layer(layer)
}

fn main() {}
