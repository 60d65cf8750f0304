//! Names of requests and of what is made for them. What does not belong here: names that clients choose.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The characters of a name.
const CHARACTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Characters of a name behind its prefix.
const LENGTH: usize = 24;

/// A name that no other request of this process has, and most likely no other process: `prefix` and 24 letters and
/// digits.
pub fn new(prefix: &str) -> String {
    let mut name = prefix.to_owned();
    let (mut bits, mut left) = (0, 0);
    for _ in 0..LENGTH {
        if left < 62 {
            (bits, left) = (random(), u64::MAX);
        }
        name.push(char::from(CHARACTERS[(bits % 62) as usize]));
        (bits, left) = (bits / 62, left / 62);
    }
    name
}

/// Bits that differ from call to call: a keyed hash of a counter, whose key the system drew.
pub fn random() -> u64 {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    KEY.get_or_init(RandomState::new).hash_one(COUNT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    #[test]
    fn names_differ_and_have_their_form() {
        let names: HashSet<String> = (0..1000).map(|_| super::new("cmpl-")).collect();
        assert_eq!(names.len(), 1000);
        for name in names {
            let rest = name.strip_prefix("cmpl-").unwrap();
            assert!(rest.len() == 24 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
        }
    }
}
