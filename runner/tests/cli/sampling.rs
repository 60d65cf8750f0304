//! Options of `run` that change how tokens are chosen, and what is shown of them.

use super::{errors, failure, text, trine, trine_reading};

const GREEDY: [&str; 6] = ["run", "-p", "Once upon a time", "-n", "20", "--greedy"];

/// A run of the built-in model: its text, and the lines of its log-probabilities.
fn run(more: &[&str]) -> (String, Vec<String>) {
    let output = trine(&[&GREEDY[..], more].concat());
    let lines = errors(&output).lines().filter(|line| line.starts_with("  ")).map(str::to_owned).collect();
    (text(&output), lines)
}

#[test]
fn log_probabilities_have_a_line_for_each_token() {
    let (story, lines) = run(&["--logprobs", "2"]);
    assert_eq!(run(&[]), (story.clone(), Vec::new()));
    assert_eq!(lines.len(), 1 + 20, "{lines:?}");
    assert!(lines[0].contains("token") && lines[0].contains("logprob"), "{lines:?}");
    let mut told = String::new();
    for line in &lines[1..] {
        let columns: Vec<&str> = line.trim().split("  ").filter(|column| !column.is_empty()).map(str::trim).collect();
        let [token, logprob, likeliest] = columns[..] else { panic!("{line}") };
        assert!(logprob.parse::<f64>().unwrap() <= 0.0, "{line}");
        assert!(likeliest.starts_with(&format!("{token} {logprob}, ")), "greedy takes the likeliest: {line}");
        told += &serde_json::from_str::<String>(token).unwrap();
    }
    assert_eq!(story.strip_prefix("Once upon a time").unwrap().trim_end(), told.trim_end());
    assert!(run(&["--logprobs", "0"]).1[1].trim().split("  ").count() >= 2, "the chosen token alone");
}

#[test]
fn a_bias_excludes_a_token_and_its_probability_stays() {
    let first = |more: &[&str]| {
        let (_, lines) = run(&[&["--logprobs", "1"], more].concat());
        let (token, rest) = lines[1].trim().split_once("  ").unwrap();
        (token.to_owned(), rest.trim().to_owned())
    };
    let (token, _) = first(&[]);
    let piece: String = serde_json::from_str(&token).unwrap();
    let ids = text(&trine_reading(piece.as_bytes(), &["tokenize", "--no-special"]));
    let (other, likeliest) = first(&["--logit-bias", &format!("{}=-inf", ids.trim())]);
    assert_ne!(other, token);
    assert!(likeliest.contains(&format!("  {token} ")), "still the likeliest as the model has it: {likeliest}");
}

#[test]
fn penalties_change_a_story() {
    let (story, _) = run(&[]);
    for option in ["--frequency-penalty", "--presence-penalty"] {
        // More than logits differ by: no token comes twice.
        assert_ne!(run(&[option, "50"]).0, story, "{option}");
        assert_eq!(run(&[option, "50", "--repetition-window", "0"]).0, story, "{option}");
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    let error = failure(&trine(&[&GREEDY[..], &["--frequency-penalty", "nan"]].concat()), 2);
    assert!(error.contains("frequency_penalty is NaN"), "{error}");
    let error = failure(&trine(&[&GREEDY[..], &["--logit-bias", "999999=1"]].concat()), 1);
    assert!(error.contains("999999") && error.contains("2048 tokens"), "{error}");
}

/// The model itself is a draft that is always right; the text is the same, drawn or not.
#[test]
fn a_draft_changes_no_text() {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/stories-i2_s.gguf");
    assert_eq!(run(&["--draft", model]).0, run(&[]).0);
    let drawn = ["run", "-p", "Once upon a time", "-n", "20", "--seed", "5"];
    let drafted = trine(&[&drawn[..], &["--draft", model, "--speculate=3"]].concat());
    assert_eq!(text(&drafted), text(&trine(&drawn)));
    assert!(errors(&drafted).contains("guesses"), "{}", errors(&drafted));
}

#[test]
fn a_draft_of_another_vocabulary_is_refused() {
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/hf/m-bf16.gguf");
    let error = failure(&trine(&[&GREEDY[..], &["--draft", other]].concat()), 2);
    assert!(error.contains("--draft") && error.contains("same vocabulary"), "{error}");
}
