//! Writes a GGUF file and reads it back: metadata, a float tensor, and a checked view of it.

use trine::loader::{Gguf, GgufWriter, TensorType};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gains: Vec<u8> = (1..=6u8).flat_map(|i| f32::from(i).to_le_bytes()).collect();
    let mut writer = GgufWriter::new();
    writer.set("general.name", "example")?;
    writer.tensor("output_norm.weight", &[6], TensorType::F32, gains)?;
    let mut bytes = Vec::new();
    writer.write_to(&mut bytes)?;

    let file = Gguf::from_bytes("example.gguf", bytes.into())?;
    for tensor in file.tensors() {
        println!("{} {:?} {} {} bytes", tensor.name, tensor.ne, tensor.kind, tensor.len);
    }
    println!("{}", file.metadata().str("general.name")?);
    println!("{}", file.metadata().u32("general.name").expect_err("it is text"));
    Ok(())
}
