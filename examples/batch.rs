//! Three sequences in one batch: the axis `Fixed<3>` says so, and the logits have it too.

use trine::model::KvCache;
use trine::prelude::*;
use trine::shapes::Fixed;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = trine::embedded_model()?;
    let config = Config::from_gguf(&file)?;
    let tokenizer = Tokenizer::from_gguf(&file, &TokenizerOptions::default())?;
    let cpu = Cpu::new(CpuOptions::default())?;

    Dyn::scope(config.dims, |model| {
        let transformer = load(model, &file, &cpu, &LoadOptions::default())?.transformer;
        let vocab = Vocab::of(model);
        let tokens = |text| -> Result<Vec<Idx<_>>, Box<dyn std::error::Error>> {
            let ids = tokenizer.encode(text, EncodeOptions::PROMPT)?;
            Ok(ids.into_iter().map(|id| Idx::new(vocab, id)).collect::<Result<_, _>>()?)
        };
        let (king, fox, girl) = (tokens("The king")?, tokens("The fox")?, tokens("The girl")?);
        let mut cache = KvCache::new(&transformer, Fixed::<3>, 16, CacheType::F32)?;
        let logits: Tensor<f32, (Fixed<3>, Vocab<_>)> =
            cache.step(&[&king, &fox, &girl], |step| transformer.next_logits(&cpu, step).batched())?;
        for row in logits.data().chunks_exact(vocab.len()) {
            let best = (0..vocab.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or_default();
            println!("{:?}", tokenizer.decode(&[best as u32], false)?);
        }
        Ok(())
    })
}
