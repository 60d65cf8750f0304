//! Results as JSON documents: that they say what the texts say.

use super::{STORIES, TempDir, failure, path_text, text, trine, trine_reading};
use serde_json::Value;

#[track_caller]
fn document(arguments: &[&str]) -> Value {
    serde_json::from_str(&text(&trine(arguments))).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn a_run_is_a_document() {
    let options = ["run", STORIES, "Once upon a time", "-n", "9", "--greedy"];
    let story = text(&trine(&options));
    let document = document(&[&options[..], &["--json", "--logprobs", "2"]].concat());
    let told = document["text"].as_str().unwrap();
    assert_eq!(format!("Once upon a time{told}").trim_end(), story.trim_end());
    assert_eq!((&document["finish"], &document["seed"]), (&Value::from("max_tokens"), &Value::Null));
    assert!(number(&document["prompt"]["tokens"]) > 1.0 && number(&document["decode"]["seconds"]) > 0.0);
    let tokens = document["logprobs"].as_array().unwrap();
    assert_eq!(tokens.len(), 9);
    let texts: String = tokens.iter().map(|token| token["text"].as_str().unwrap()).collect();
    assert_eq!(texts.trim_end(), told.trim_end());
    for token in tokens {
        assert_eq!(token["likeliest"][0]["id"], token["id"], "greedy takes the likeliest");
        assert!(number(&token["likeliest"][1]["logprob"]) <= number(&token["logprob"]));
    }
}

/// Against a softmax of the raw logits, written down as its definition says.
#[test]
fn likeliest_tokens_are_those_of_the_raw_logits() {
    let raw = trine(&["logits", STORIES, "-p", "Once upon a time"]).stdout;
    let logits: Vec<f64> =
        raw.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()).into()).collect();
    let document = document(&["logits", STORIES, "-p", "Once upon a time", "--json", "--top-k", "3"]);
    let positions = document["positions"].as_array().unwrap();
    assert_eq!(positions.len() * 2048, logits.len());
    let logprob = |row: &[f64], id: usize| row[id] - row.iter().map(|logit| logit.exp()).sum::<f64>().ln();
    for (at, (position, row)) in positions.iter().zip(logits.chunks_exact(2048)).enumerate() {
        let likeliest = position["likeliest"].as_array().unwrap();
        assert_eq!(likeliest.len(), 3);
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(number(&likeliest[0]["logit"]), largest);
        let next = positions.get(at + 1).map(|next| (&next["id"], &position["next"]));
        assert!(next.is_none_or(|(id, told)| told["id"] == *id), "{position}");
        for token in likeliest.iter().chain(next.map(|(_, told)| told)) {
            let expected = logprob(row, number(&token["id"]) as usize);
            assert!((number(&token["logprob"]) - expected).abs() < 1e-6, "{token}: {expected}");
        }
    }
    assert_eq!(positions.last().unwrap()["next"], Value::Null);
    let ids: Vec<String> = positions.iter().map(|position| position["id"].to_string()).collect();
    assert_eq!(trine(&["logits", STORIES, "--ids", &ids.join(",")]).stdout, raw, "`-p` stands for its ids");
    failure(&trine(&["logits", STORIES, "-p", "a", "--ids", "1"]), 2);
}

#[test]
fn a_perplexity_has_an_error_bar() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("text.txt");
    std::fs::write(&file, "Once upon a time there was a little girl who lived near the forest.").unwrap();
    let arguments = ["perplexity", STORIES, path_text(&file)];
    let document = document(&[&arguments[..], &["--json"]].concat());
    let (perplexity, error) = (number(&document["perplexity"]), number(&document["perplexity_error"]));
    assert!((number(&document["mean_loss"]).exp() / perplexity - 1.0).abs() < 1e-12);
    assert!((number(&document["mean_loss_error"]) * perplexity / error - 1.0).abs() < 1e-12);
    assert!(0.0 < error && error < perplexity, "{document}");
    let line = text(&trine(&arguments));
    assert!(
        line.starts_with(&format!("perplexity {:.2}", perplexity)[..13]) && line.matches('±').count() == 2,
        "{line}"
    );
}

#[test]
fn tokens_are_a_document_in_both_directions() {
    let document = |input: &[u8], more: &[&str]| -> Value {
        serde_json::from_str(&text(&trine_reading(input, &[&["tokenize", "--json"], more].concat()))).unwrap()
    };
    let tokens = document(b"Once upon", &["--no-special"]);
    let tokens = tokens["tokens"].as_array().unwrap();
    let told: String = tokens.iter().map(|token| token["text"].as_str().unwrap()).collect();
    assert_eq!(told, "Once upon");
    let ids: Vec<String> = tokens.iter().map(|token| token["id"].to_string()).collect();
    assert_eq!(document(ids.join(" ").as_bytes(), &["--decode"])["text"], "Once upon");
}

#[test]
fn a_check_is_a_document() {
    let sound = document(&["check", STORIES, "--json"]);
    assert_eq!((&sound["loads"], &sound["problems"]), (&Value::from(true), &Value::from(Vec::<Value>::new())));
    assert!(sound["model"].as_str().unwrap().starts_with("bitnet-b1.58, 4 blocks"));
    let folder = TempDir::new().unwrap();
    let damaged = super::with_metadata(&folder, &[("bitnet-b1.58.block_count", super::Value::from(5u32))]);
    let output = trine(&["check", path_text(&damaged), "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&found["loads"], &found["model"]), (&Value::from(false), &Value::Null));
    assert!(found["problems"][0].as_str().unwrap().contains("blk.4."), "{found}");
}
