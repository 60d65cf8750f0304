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

    let prompt = tokenizer.encode("Once upon a time", EncodeOptions::PROMPT)?;
    let mut session = Session::new(&model, &cpu, config.context, CacheType::F16)?;
    let mut sampler = Sampler::new(SamplerOptions { seed: 7, ..SamplerOptions::default() })?;
    let mut print = |text: &str| {
        print!("{text}");
        ControlFlow::Continue(())
    };
    session.generate(&prompt, &tokenizer, &mut sampler, &GenerateOptions::default(), &mut print)?;
    println!();
    Ok(())
}
