//! The embedded model against bitnet.cpp, which quantized it.
//!
//! bitnet.cpp keeps its KV cache in f16, and in a small model a value that moves by 1e-4 can move an int8 activation by
//! a whole step: the logits agree to some percent, and greedy tokens until two candidates lie that close together.

use crate::api::*;
use crate::support::{FeedIds, argmax, cpu, fixture, logits_of, with_model};
use serde_json::Value;

/// Largest distance of a logit from bitnet.cpp's; the logits of this model lie between -15 and 20.
const LOGIT_TOLERANCE: f32 = 0.5;

fn cases() -> serde_json::Map<String, Value> {
    let text = std::fs::read_to_string(fixture("bitnet_cpp/stories.json")).expect("a fixture");
    serde_json::from_str::<Value>(&text).expect("JSON").as_object().expect("cases by name").clone()
}

fn ids(value: &Value) -> Vec<u32> {
    value.as_array().expect("ids").iter().map(|id| id.as_u64().expect("an id") as u32).collect()
}

#[test]
fn the_best_twenty_logits_of_every_position_agree() {
    let (cpu, file) = (cpu(), trine::embedded_model().expect("the embedded model"));
    with_model(&file, &LoadOptions::default(), |transformer| {
        let mut largest = 0.0_f32;
        for (name, case) in cases() {
            let prompt = ids(&case["ids"]);
            let logits = logits_of(&cpu, transformer, &prompt);
            let rows = logits.chunks_exact(logits.len() / prompt.len());
            for ((position, row), best) in rows.enumerate().zip(case["top20"].as_array().expect("rows")) {
                for pair in best.as_array().expect("twenty pairs") {
                    let (id, expected) = (pair[0].as_u64().expect("an id"), pair[1].as_f64().expect("a logit") as f32);
                    let off = (row[id as usize] - expected).abs();
                    assert!(off < LOGIT_TOLERANCE, "{name}, position {position}, token {id}: {off} off {expected}");
                    largest = largest.max(off);
                }
            }
        }
        eprintln!("the embedded model: largest difference of a logit {largest:.2}");
    });
}

#[test]
fn greedy_tokens_agree_wherever_the_choice_is_clear() {
    let (cpu, file) = (cpu(), trine::embedded_model().expect("the embedded model"));
    with_model(&file, &LoadOptions::default(), |transformer| {
        let (mut equal, mut all) = (0, 0);
        for (name, case) in cases() {
            let mut session =
                Session::new(transformer, &cpu, transformer.config.context, CacheType::F16).expect("it fits in memory");
            let mut logits = session.feed_ids(&ids(&case["ids"]));
            for (step, id) in ids(&case["greedy"]).into_iter().enumerate() {
                let best = argmax(&logits);
                let behind = logits[best as usize] - logits[id as usize];
                assert!(behind < 2.0 * LOGIT_TOLERANCE, "{name}, step {step}: token {id} lies {behind} behind {best}");
                equal += usize::from(best == id);
                all += 1;
                logits = session.feed_ids(&[id]);
            }
        }
        assert!(equal * 100 >= all * 95, "only {equal} of {all} tokens are the same");
    });
}

/// A cache of bytes moves the logits that follow a prompt a little further than one of halves.
#[test]
fn a_cache_of_bytes_keeps_the_best_token() {
    let (cpu, file) = (cpu(), trine::embedded_model().expect("the embedded model"));
    with_model(&file, &LoadOptions::default(), |transformer| {
        for (name, case) in cases() {
            let prompt = ids(&case["ids"]);
            let exact = logits_of(&cpu, transformer, &prompt);
            let exact = &exact[exact.len() - transformer.config.dims.vocab..];
            let session = Session::new(transformer, &cpu, prompt.len(), CacheType::Q8);
            let found = session.expect("it fits in memory").feed_ids(&prompt);
            let off = exact.iter().zip(&found).map(|(exact, found)| (exact - found).abs()).fold(0.0, f32::max);
            assert!(off > 0.0 && off < 2.0 * LOGIT_TOLERANCE, "{name}: {off}");
            let behind = exact[argmax(exact) as usize] - exact[argmax(&found) as usize];
            assert!(behind <= off, "{name}: the best token lies {behind} behind");
        }
    });
}

#[test]
fn the_tokenizer_gives_the_same_ids_and_text() {
    let file = trine::embedded_model().expect("the embedded model");
    let tokenizer = Tokenizer::from_gguf(&file, &TokenizerOptions::default()).expect("a tokenizer");
    for (name, case) in cases() {
        let text = case["text"].as_str().expect("a text");
        assert_eq!(tokenizer.encode(text, EncodeOptions::PROMPT).expect("ids"), ids(&case["ids"]), "{name}");
        let greedy = tokenizer.decode(&ids(&case["greedy"]), false).expect("text");
        assert_eq!(greedy, case["greedy_text"].as_str().expect("a text"), "{name}");
    }
}
