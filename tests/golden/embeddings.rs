//! Embedding models of BitNet's kind against numpy, which shares no code with anything: norms in front of each matrix,
//! in a Qwen3 and in a Gemma 3, from masters and from codes; and texts of any lengths in one step.

use crate::api::*;
use crate::support::{Reference, assert_close, cpu, fixture, open, tokens, with_model};

const MODELS: [&str; 2] = ["qwen3", "gemma3"];
const TEXTS: [&str; 3] = ["short", "one", "long"];

fn reference() -> Reference {
    Reference::open("embeddings/expected.safetensors")
}

fn directory(name: &str) -> HfDirectory {
    HfDirectory::open(fixture(&format!("embeddings/{name}")), Access::Map).unwrap_or_else(|error| panic!("{error}"))
}

/// One minus the cosine of two rows of length 1.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    1.0 - a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
}

/// The embeddings of some texts in one step.
fn embedded<M: Model>(transformer: &Transformer<M>, texts: &[Vec<u32>], pooling: Pooling) -> Vec<Vec<f32>> {
    let pool = StatePool::for_sequences(transformer, texts.len(), 128, CacheType::F32).expect("memory");
    let texts: Vec<_> = texts.iter().map(|ids| tokens(transformer.model, ids)).collect();
    let mut states: Vec<_> = texts.iter().map(|_| pool.state(128)).collect();
    let requests = states.iter_mut().zip(&texts).map(|(state, text)| (state, &text[..])).collect();
    let rows = State::step_together(requests, |step| transformer.embeddings(&cpu(), step, pooling).into_data());
    rows.expect("they fit").chunks_exact(transformer.config.dims.hidden).map(<[f32]>::to_vec).collect()
}

#[test]
fn embeddings_are_those_of_numpy() {
    let reference = reference();
    for name in MODELS {
        let (file, folder) = (open(&format!("embeddings/{name}-i2_s.gguf")), directory(name));
        let texts: Vec<_> = TEXTS.iter().map(|text| reference.ids(&format!("{name}.{text}.ids"))).collect();
        for source in [&file as &dyn Source, &folder] {
            with_model(source, &LoadOptions::default(), |transformer| {
                assert!(transformer.config.input_norms);
                for (pooling, kind) in [(Pooling::Last, "last"), (Pooling::Mean, "mean")] {
                    for (row, text) in embedded(transformer, &texts, pooling).iter().zip(TEXTS) {
                        let expected = reference.floats(&format!("{name}.{text}.{kind}"));
                        let off = distance(row, &expected);
                        eprintln!("{}, {text}, {kind}: 1 - cosine {off:.1e}", source.label());
                        assert!(off.abs() < 1e-5, "{}: {off:e}", source.label());
                    }
                }
            });
        }
    }
}

/// Alone and in any step the rows have the same bits, and the last one is that of a run that generates.
#[test]
fn rows_of_one_step_are_those_of_each_text_alone() {
    let reference = reference();
    let texts: Vec<_> = TEXTS.iter().map(|text| reference.ids(&format!("qwen3.{text}.ids"))).collect();
    with_model(&open("embeddings/qwen3-i2_s.gguf"), &LoadOptions::default(), |transformer| {
        for pooling in [Pooling::Last, Pooling::Mean] {
            let together = embedded(transformer, &texts, pooling);
            for (text, row) in texts.iter().zip(&together) {
                assert!(embedded(transformer, std::slice::from_ref(text), pooling)[0] == *row);
                let length: f64 = row.iter().map(|x| f64::from(*x).powi(2)).sum();
                assert!((length - 1.0).abs() < 1e-6);
            }
        }
        let cpu = cpu();
        let (ids, mut cache) = (
            tokens(transformer.model, &texts[0]),
            KvCache::new(transformer, Fixed::<1>, 8, CacheType::F32).expect("memory"),
        );
        let block = Idx::all(Blocks::of(transformer.model)).last().expect("a block");
        let state = cache.step(&[&ids], |step| {
            let mut states = transformer.hidden_states(&cpu, step, &[block]);
            let last = states.pop().expect("the last block").view().last();
            cpu.rms_norm(last, &transformer.output_norm).into_data()
        });
        let state = state.expect("they fit");
        let length = state.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        let unit: Vec<f32> = state.iter().map(|x| (f64::from(*x) / length) as f32).collect();
        assert_close("the last row", &embedded(transformer, &texts[..1], Pooling::Last)[0], &unit, 1e-7);
    });
}

/// Files and directories say which row stands for a text, and an engine embeds texts with the tokens behind them that
/// the vocabulary asks for.
#[test]
fn engines_embed_texts() {
    for (name, pooling) in [("qwen3", Pooling::Last), ("gemma3", Pooling::Mean)] {
        let file = open(&format!("embeddings/{name}-i2_s.gguf"));
        assert_eq!(file.config().expect("a configuration").pooling, Some(pooling));
        assert_eq!(Source::config(&directory(name)).expect("a configuration").pooling, Some(pooling));
        let engine = Engine::of_source(&file, EngineOptions::default()).expect("an engine");
        let texts = ["a", "one two three", "x"].map(|text| engine.embedding_prompt(text).expect("a text"));
        assert_eq!(texts[0].ids().last(), Some(&2), "the end of a text");
        let rows = engine.embed(&texts, pooling, &mut |_| true).expect("embeddings");
        let alone = engine.embed(&texts[1..2], pooling, &mut |_| true).expect("an embedding");
        assert!(rows.len() == 3 && rows[1] == alone[0] && rows[0] != rows[2]);
        assert!(engine.embed(&texts, pooling, &mut |_| false).expect("nothing").is_empty());
        let long = engine.prompt_of_ids(&[7; 129]).expect("ids");
        let refused = engine.embed(&[long], pooling, &mut |_| true).expect_err("too long").to_string();
        assert!(refused.contains("the context is full"), "{refused}");
    }
}

/// A norm that is missing and one too many are named.
#[test]
fn norms_of_all_matrices_or_of_none() {
    let file = open("embeddings/qwen3-i2_s.gguf");
    for (left_out, expected) in
        [("blk.1.ffn_up_norm_in.weight", "blk.1.ffn_up_norm_in.weight"), ("blk.0.ffn_up.weight", "blk.0.ffn_up.weight")]
    {
        let mut writer = GgufWriter::new();
        for (key, value) in file.metadata().iter() {
            writer.set(key, value.clone()).expect("an entry");
        }
        for tensor in file.tensors().iter().filter(|tensor| tensor.name != left_out) {
            writer.tensor(&tensor.name, &tensor.ne.row_major(), tensor.kind, file.bytes(tensor)).expect("a tensor");
        }
        let mut bytes = Vec::new();
        writer.write_to(&mut bytes).expect("room");
        let cut = Gguf::from_bytes("cut.gguf", bytes.into()).expect("a file");
        let refused = Engine::of_source(&cut, EngineOptions::default()).expect_err("no model").to_string();
        assert!(refused.contains(expected), "{refused}");
    }
}
