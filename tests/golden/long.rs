//! Whole models over 700 positions: what lies behind the first 256, where prompts are cut into batches and caches into
//! pages, against HF transformers and llama.cpp (`tools/golden/long.py`).

use crate::api::*;
use crate::support::{FeedIds, Reference, assert_close, cpu, fixture, logits_of, open, tokens, with_model};

/// Models, and how far their logits may be off, relative to the norm, with each type of cache.
const MODELS: [(&str, [(CacheType, f64); 3]); 5] = [
    ("llama-f32", [(CacheType::F32, 1e-5), (CacheType::F16, 4e-3), (CacheType::Q8, 8e-2)]),
    ("bitnet-f32", [(CacheType::F32, 1e-5), (CacheType::F16, 4e-3), (CacheType::Q8, 8e-2)]),
    ("qwen2", [(CacheType::F32, 1e-5), (CacheType::F16, 1e-3), (CacheType::Q8, 1e-2)]),
    ("qwen3", [(CacheType::F32, 1e-5), (CacheType::F16, 4e-3), (CacheType::Q8, 8e-2)]),
    // An activation that is rounded the other way moves a logit by a hundredth.
    ("bitnet", [(CacheType::F32, 3e-2), (CacheType::F16, 3e-2), (CacheType::Q8, 0.1)]),
];

/// Lengths of a beginning, after which one token follows and then the rest. The rows of the reference are around them.
const CUTS: [usize; 5] = [255, 256, 257, 511, 513];

fn source(name: &str) -> Box<dyn Source> {
    match name {
        "bitnet" => Box::new(HfDirectory::open(fixture("long/bitnet"), Access::Map).expect("a directory")),
        "qwen2" | "qwen3" => Box::new(open(&format!("{name}/yarn-f32.gguf"))),
        _ => Box::new(open(&format!("long/{name}.gguf"))),
    }
}

/// What other programs computed of a model.
struct Expected {
    reference: Reference,
    name: &'static str,
    ids: Vec<u32>,
}

impl Expected {
    fn of(name: &'static str) -> Expected {
        let reference = Reference::open("long/expected.safetensors");
        let ids = reference.ids(&format!("{name}.ids"));
        assert_eq!(ids.len(), 700);
        Expected { reference, name, ids }
    }

    fn floats(&self, tensor: &str) -> Vec<f32> {
        self.reference.floats(&format!("{}.{tensor}", self.name))
    }

    /// The positions of which there are logits, and those of transformers.
    fn rows(&self) -> (Vec<usize>, Vec<f32>) {
        let rows = self.reference.ids(&format!("{}.rows", self.name));
        (rows.into_iter().map(|row| row as usize).collect(), self.floats("logits"))
    }

    /// Checks the logits that follow `position`.
    fn check(&self, what: &str, position: usize, found: &[f32], tolerance: f64) {
        let (rows, logits) = self.rows();
        let row = rows.iter().position(|row| *row == position).expect("a row of the reference");
        let expected = &logits[row * found.len()..][..found.len()];
        assert_close(&format!("{}, {what}, position {position}", self.name), found, expected, tolerance);
    }
}

fn root_mean_square(row: &[f32]) -> f64 {
    (row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() / row.len() as f64).sqrt()
}

#[test]
fn all_positions_are_those_of_transformers_and_llama_cpp() {
    for (name, [(_, tolerance), ..]) in MODELS {
        let expected = Expected::of(name);
        with_model(&*source(name), &LoadOptions::default(), |transformer| {
            let found = logits_of(&cpu(), transformer, &expected.ids);
            let vocabulary = found.len() / expected.ids.len();
            let (rows, _) = expected.rows();
            let of_rows: Vec<f32> =
                rows.iter().flat_map(|row| &found[row * vocabulary..][..vocabulary]).copied().collect();
            assert_close(&format!("{name}: transformers"), &of_rows, &expected.floats("logits"), tolerance);
            if name != "bitnet" {
                assert_close(&format!("{name}: llama.cpp"), &of_rows, &expected.floats("llama_cpp"), tolerance);
            }
            let best = expected.reference.ids(&format!("{name}.best"));
            let largest = expected.floats("largest").into_iter().zip(expected.floats("size"));
            for (position, ((row, best), (largest, size))) in
                found.chunks_exact(vocabulary).zip(best).zip(largest).enumerate()
            {
                // Of single logits some are off by more than the root of the mean square of all.
                let most = 5.0 * tolerance * f64::from(size);
                let (at_best, highest) = (row[best as usize], row.iter().copied().fold(f32::MIN, f32::max));
                let off = f64::from(highest - largest).abs().max(f64::from(highest - at_best));
                assert!(
                    off <= most,
                    "{name}, position {position}: token {best} has {at_best}, of {highest}; {largest}"
                );
                let off = (root_mean_square(row) - f64::from(size)).abs();
                assert!(off <= most, "{name}, position {position}: logits are off by {off}");
            }
        });
    }
}

#[test]
fn a_prompt_goes_on_wherever_it_was_cut() {
    for (name, kinds) in MODELS {
        let expected = Expected::of(name);
        with_model(&*source(name), &LoadOptions::default(), |transformer| {
            for (kind, tolerance) in kinds {
                for cut in CUTS {
                    let what = format!("{kind:?}, cut at {cut}");
                    let ids = &expected.ids[..];
                    let mut session = Session::new(transformer, &cpu(), ids.len(), kind).expect("memory");
                    for part in [0..cut, cut..cut + 1, cut + 1..ids.len()] {
                        let logits = session.feed_ids(&ids[part.clone()]);
                        expected.check(&what, part.end - 1, &logits, tolerance);
                        assert_eq!(session.tokens(), tokens(transformer.model, &ids[..part.end]), "{name}, {what}");
                    }
                    assert_eq!(session.fork().tokens(), session.tokens(), "{name}, {what}");
                    assert_eq!(session.rewind_to(&ids[..cut]), cut - 1, "{name}, {what}");
                    expected.check(&what, cut - 1, &session.feed_ids(&ids[cut - 1..cut]), tolerance);
                }
            }
        });
    }
}

/// From before the end of a page on, one token at a time.
#[test]
fn single_steps_over_the_ends_of_pages_give_what_a_prompt_gives() {
    for (name, kinds) in MODELS {
        let expected = Expected::of(name);
        let (rows, _) = expected.rows();
        with_model(&*source(name), &LoadOptions::default(), |transformer| {
            for (kind, tolerance) in kinds {
                let mut session = Session::new(transformer, &cpu(), 700, kind).expect("memory");
                for (from, steps) in [(0, 252..260), (260, 508..516)] {
                    session.feed_ids(&expected.ids[from..steps.start]);
                    for position in steps {
                        let logits = session.feed_ids(&[expected.ids[position]]);
                        if rows.contains(&position) {
                            expected.check(&format!("{kind:?}, single steps"), position, &logits, tolerance);
                        }
                    }
                }
            }
        });
    }
}

/// Prompts of different lengths that go through the model together.
#[test]
fn prompts_that_are_fed_together_give_what_each_gives_alone() {
    let expected = Expected::of("qwen3");
    with_model(&*source("qwen3"), &LoadOptions::default(), |transformer| {
        let lengths = [257, 513, 255, 700];
        let pool = StatePool::for_sequences(transformer, lengths.len(), 700, CacheType::F32).expect("memory");
        let mut sessions = lengths.map(|_| Session::in_pool(transformer, &cpu(), &pool, 700));
        let prompts = lengths.map(|length| tokens(transformer.model, &expected.ids[..length]));
        let requests = sessions.iter_mut().zip(&prompts).map(|(session, prompt)| (session, &prompt[..]));
        let logits = Session::feed_together(requests.collect(), LogitsRequest::All).expect("they fit");
        for ((session, prompt), logits) in sessions.iter().zip(&prompts).zip(logits) {
            assert_eq!(session.tokens(), prompt);
            expected.check("together", prompt.len() - 1, &logits.into_dense(), 1e-5);
        }
    });
}

/// A context is full with as many tokens as it has positions, no matter in what parts they come.
#[test]
fn the_last_position_of_a_context_is_used() {
    let expected = Expected::of("llama-f32");
    with_model(&*source("llama-f32"), &LoadOptions::default(), |transformer| {
        for (capacity, part) in [(255, 255), (256, 255), (256, 256), (257, 256), (513, 512), (700, 699)] {
            let ids = tokens(transformer.model, &expected.ids[..capacity]);
            let mut session = Session::new(transformer, &cpu(), capacity, CacheType::F32).expect("memory");
            assert_eq!(session.capacity(), capacity);
            let mut last = session.feed(&ids[..part]).expect("they fit");
            if part < capacity {
                assert!(!session.is_full(), "{part} of {capacity}");
                last = session.feed(&ids[part..]).expect("they fit");
            }
            assert!(session.is_full(), "{capacity}");
            expected.check("full", capacity - 1, last.data(), 1e-5);
            let refused = session.feed(&ids[..1]).expect_err("no position is left");
            assert_eq!(refused, StepError::ContextFull { used: capacity, capacity, tokens: 1 });
            assert_eq!(session.tokens(), ids, "the session is as before");
        }
        // No more positions than the model was trained for.
        let session = Session::new(transformer, &cpu(), 9999, CacheType::F32).expect("memory");
        assert_eq!(session.capacity(), 768);
    });
}

#[test]
fn perplexity_in_windows_is_that_of_the_documented_loop() {
    let reference = Reference::open("long/expected.safetensors");
    let (windows, predicted) = (reference.ids("perplexity.windows"), reference.ids("perplexity.predicted"));
    let (ids, losses) = (reference.ids("perplexity.ids"), reference.floats("perplexity.loss"));
    assert_eq!((windows.len(), predicted.len(), losses.len()), (12, 6, 6));
    with_model(&*source("llama-f32"), &LoadOptions::default(), |transformer| {
        let ids = tokens(transformer.model, &ids);
        for ((pair, predicted), loss) in windows.chunks_exact(2).zip(predicted).zip(losses) {
            let windows = Windows { window: pair[0] as usize, stride: pair[1] as usize };
            let (cpu, ignore) = (cpu(), |_: usize, _: usize| ());
            let found = perplexity(transformer, &cpu, CacheType::F32, &ids, windows, &ignore).expect("a text");
            assert_eq!(found.predicted, predicted as usize, "{windows:?}");
            let off = (found.mean_loss - f64::from(loss)).abs();
            assert!(off < 2e-6 * f64::from(loss), "{windows:?}: {} is not {loss}", found.mean_loss);
        }
    });
}
