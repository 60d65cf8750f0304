//! Three sequences in one batch: the axis `Fixed<3>` says so, and the logits have it too.

use trine::model::KvCache;
use trine::prelude::*;
use trine::shapes::Fixed;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = trine::embedded_model()?;
    let config = Config::from_gguf(&file)?;
    let cpu = Cpu::new(CpuOptions::default())?;

    Dyn::scope(config.dims, |model| {
        let transformer = load(model, &file, &cpu, &LoadOptions::default())?.transformer;
        let tokenizer = Tokenizer::from_gguf(&file, &TokenizerOptions::default())?.for_model(model)?;
        let prompt = |text| tokenizer.prompt(text);
        let (king, fox, girl) = (prompt("The king")?, prompt("The fox")?, prompt("The girl")?);
        let mut cache = KvCache::new(&transformer, Fixed::<3>, 16, CacheType::F32)?;
        let logits: Tensor<f32, (Fixed<3>, Vocab<_>)> =
            cache.step(&[&king, &fox, &girl], |step| transformer.next_logits(&cpu, step).batched())?;
        for best in cpu.argmax(logits.view()).data() {
            println!("{:?}", tokenizer.decode(&[*best])?);
        }
        Ok(())
    })
}
