//! Layers with the delta rule have its states.
#![allow(unused)]
use trine::{kernels::*, model::*, ops::*, shapes::*};

fn layer<'l, T: Step, M: Model>(
    step: &'l mut RecurrentStep<T, M>,
    layer: Idx<RecurrentLayers<M>>,
) -> (ConvolutionState<'l, T, M>, DeltaState<'l, T, M>) {
    step.layer(layer)
}

fn main() {}
