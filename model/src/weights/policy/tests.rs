//! Policies are read as written, and nothing in them is overlooked.

use super::*;

const DIGEST: &str = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

fn policy(corrections: &str) -> String {
    format!(r#"{{"version": 1, "files": [{{"sha256": "{DIGEST}", "notes": "n", "corrections": {corrections}}}]}}"#)
}

fn read(text: &str) -> Result<Corrections, String> {
    Corrections::from_json("p.json", text, &DIGEST.to_ascii_lowercase()).map_err(|error| error.to_string())
}

#[test]
fn a_policy_orders_what_it_says() {
    let text = policy(
        r#"[{"type": "rescale_gains", "tensors": ["a", "b"], "rms": 0.5}, {"type": "invert_scale", "tensors": ["c"]}]"#,
    );
    let corrections = read(&text).unwrap();
    assert_eq!(corrections.of_tensor("b"), Some(Correction::RescaleGains { rms: 0.5 }));
    assert_eq!(corrections.of_tensor("c"), Some(Correction::InvertScale));
    assert_eq!((corrections.of_tensor("d"), corrections.tensors().count()), (None, 3));
}

#[test]
fn a_policy_for_another_file_is_refused() {
    let text = policy(r#"[{"type": "invert_scale", "tensors": ["c"]}]"#);
    let other = "f".repeat(64);
    let error = Corrections::from_json("p.json", &text, &other).unwrap_err().to_string();
    assert!(error.starts_with("p.json: ") && error.ends_with(&other), "{error}");
}

#[test]
fn what_is_wrong_with_a_policy_is_said() {
    let wrong = [
        ("{", "EOF"),
        (r#"{"version": 2, "files": []}"#, "version: expected 1, found 2"),
        (r#"{"version": 1, "files": []}"#, "files: expected a list, not empty"),
        (r#"{"version": 1, "files": [{"sha256": "abc"}]}"#, "64 hexadecimal digits"),
        (r#"{"version": 1, "file": []}"#, "only keys that a policy has, found \"file\""),
    ];
    for (text, says) in wrong {
        let error = read(text).unwrap_err();
        assert!(error.starts_with("p.json: ") && error.contains(says), "{error}");
    }
    let wrong = [
        (r#"[{"type": "rescale", "tensors": ["a"]}]"#, "type: expected"),
        (r#"[{"type": "rescale_gains", "tensors": ["a"]}]"#, "rms: expected a positive number, found null"),
        (r#"[{"type": "rescale_gains", "tensors": ["a"], "rms": 0}]"#, "rms: expected a positive number, found 0"),
        (r#"[{"type": "invert_scale", "tensors": ["a"], "rms": 1}]"#, "type: expected"),
        (r#"[{"type": "invert_scale", "tensors": [7]}]"#, "names of tensors, found 7"),
        (r#"[{"type": "invert_scale", "tensors": ["a", "a"]}]"#, "tensor `a` has two corrections"),
        (r#"[{"type": "invert_scale", "tensors": ["a"], "clamp": 1}]"#, "found \"clamp\""),
    ];
    for (corrections, says) in wrong {
        let error = read(&policy(corrections)).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}
