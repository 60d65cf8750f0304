//! Text from a model file, or from the embedded model: `cargo run --release --example story [FILE]`.

use trine::prelude::*;

pinned_model! {
    /// Whatever file is given.
    struct Loaded;
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = match std::env::args().nth(1) {
        Some(path) => Gguf::open(path)?,
        None => trine::embedded_model()?,
    };
    let config = Config::from_gguf(&file)?;
    let cpu = Cpu::new(CpuOptions::default())?;
    let model = load(Loaded::pin(config.dims)?, &file, &cpu, &LoadOptions::default())?.transformer;
    let tokenizer = Tokenizer::from_gguf(&file, &TokenizerOptions::default())?;

    // The tokenizer of this model: its tokens are those that the session takes, and no other.
    let tokenizer = tokenizer.for_model(model.model)?;
    let prompt = tokenizer.prompt("Once upon a time")?;
    let mut session = Session::new(&model, &cpu, config.context, CacheType::F16)?;
    let sampler = SamplerChain::new(SamplerOptions { seed: 7, ..SamplerOptions::default() })?;
    for step in session.stream(prompt, &tokenizer, sampler, GenerateOptions::default()) {
        print!("{}", step?.text);
    }
    println!();
    Ok(())
}
