//! A perceptron with axes of its own: no language model, the same types and the same errors.

use trine::kernels::{GateActivation, PackingKind};
use trine::ops::{Activations, Gating};
use trine::prelude::*;
use trine::shapes::{Gate, Made};

environment! {
    /// The lengths of a perceptron with one hidden layer.
    struct Mlp { pixels, hidden, classes }
    /// For digits of 28 x 28 pixels.
    struct Digits: Mlp { pixels: 28 * 28, hidden: 96, classes: 10 }
}
axis! {
    /// Images that are classified together.
    struct Images<'scope>;
    /// Pixels of one image.
    struct Pixels<E: Environment<Mlp>> = |mlp| mlp.pixels;
    /// Units of the hidden layer.
    struct Units<E: Environment<Mlp>> = |mlp| mlp.hidden;
    /// Classes.
    struct Classes<E: Environment<Mlp>> = |mlp| mlp.classes;
}

/// `logits = W_down (relu(W_gate x)^2 * W_up x)`, for any lengths. Exchange two matrices, and it does not compile.
fn classify<A: Axis, E: Environment<Mlp>>(
    cpu: &Cpu,
    images: Tensor<f32, (A, Pixels<E>)>,
    gate: &Weight<Matrix, Gate<Units<E>>, Pixels<E>>,
    up: &Weight<Matrix, Units<E>, Pixels<E>>,
    down: &Weight<Matrix, Classes<E>, Units<E>>,
) -> Tensor<f32, (A, Classes<E>)> {
    let images = Activations::new(images);
    let relu_squared = Gating::new(up.out(), GateActivation::ReluSquared);
    let gated = cpu.gated(relu_squared, cpu.linear(&images, gate), cpu.linear(&images, up));
    cpu.linear(&Activations::new(gated), down)
}

/// Weights that a training would give.
fn weights<O: Made, I: Axis>(out: O, input: I) -> Result<Weight<Matrix, O, I>, Box<dyn std::error::Error>> {
    let values = (0..out.len() * input.len()).map(|i| (i as f32 * 0.73).sin() / input.len() as f32);
    let bytes: Vec<u8> = values.flat_map(f32::to_le_bytes).collect();
    let matrix = Matrix::new(PackingKind::F32, out.len(), input.len(), bytes.into())?;
    Ok(Weight::check("weights", matrix, (out, input))?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cpu = Cpu::new(CpuOptions::default())?;
    let (pixels, units, classes) = (Pixels::of(Digits), Units::of(Digits), Classes::of(Digits));
    let (gate, up, down) = (weights(Gate::of(units), pixels)?, weights(units, pixels)?, weights(classes, units)?);
    Images::scope(3, |images| {
        let batch = Tensor::from_fn((images, pixels), |i| (i % 256) as f32 / 255.0);
        let logits = classify(&cpu, batch, &gate, &up, &down);
        println!("{:?} of {} classes", images, logits.shape().1.len());
    });
    Ok(())
}
