//! Writes a GGUF file and reads it back as the parameters of a network: each has a type, which says its name in the
//! file and its axes, and is read by the type that its tensor has there.

use trine::loader::{Gguf, GgufWriter, TensorType};
use trine::model::{LoadError, Parameters, parameters};
use trine::ops::{Activations, RmsNorm};
use trine::prelude::*;
use trine::shapes::{Normed, OutputNorm};

axis! { struct Width = 6; struct Classes = 2; struct Rows = 3; }
parameters! {
    /// The gains before the classes.
    struct Gains = "output_norm.weight": RmsNorm<OutputNorm, Width>;
    /// What a class sees.
    struct Classify = "classes.weight": Weight<Matrix, Classes, Normed<OutputNorm, Width>>;
}

fn network(file: &Gguf) -> Result<(Gains, Classify), LoadError> {
    let mut parameters = Parameters::of(file);
    let gains = parameters.read((Width, 1e-6))?;
    let classify = parameters.read((Classes, Normed::of(Width)))?;
    parameters.finish()?;
    Ok((gains, classify))
}

fn write() -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let gains: Vec<u8> = (1..=6u8).flat_map(|i| f32::from(i).to_le_bytes()).collect();
    let halves: Vec<u8> = (0..12u8).flat_map(|i| (f32::from(i) / 2.0).to_bits().to_le_bytes()[2..].to_vec()).collect();
    let mut writer = GgufWriter::new();
    writer.set("general.name", "example")?;
    writer.tensor("output_norm.weight", &[6], TensorType::F32, gains)?;
    writer.tensor("classes.weight", &[2, 6], TensorType::BF16, halves)?;
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes)?;
    Ok(bytes)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = Gguf::from_bytes("example.gguf", write()?.into())?;
    for tensor in file.tensors() {
        println!("{} {:?} {} {} bytes", tensor.name, tensor.ne, tensor.kind, tensor.len);
    }
    println!("{}", file.metadata().str("general.name")?);
    println!("{}", file.metadata().u32("general.name").expect_err("it is text"));

    let cpu = Cpu::new(CpuOptions::default())?;
    let (gains, classify) = network(&file)?;
    let x = cpu.rms_norm(Tensor::from_fn((Rows, Width), |i| i as f32), &gains);
    println!("{:?}", cpu.linear(&Activations::new(x), &classify).view());
    Ok(())
}
