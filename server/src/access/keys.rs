//! Keys that a request has to send. What does not belong here: for which paths.

use crate::options::ApiKey;
use axum::http::{HeaderMap, header};
use constant_time_eq::constant_time_eq;

/// The keys of a server.
#[derive(Debug)]
pub struct Keys(Vec<ApiKey>);

impl Keys {
    /// These keys.
    pub fn new(keys: Vec<ApiKey>) -> Keys {
        Keys(keys)
    }

    /// The name of the key that a request has sent; `None` where it has sent none that is known. Where there are no
    /// keys everybody has the empty name.
    ///
    /// Every key is compared, each in a time that does not depend on where they differ.
    pub fn name_of(&self, headers: &HeaderMap) -> Option<&str> {
        if self.0.is_empty() {
            return Some("");
        }
        let sent = sent(headers)?;
        let same = |key: &&ApiKey| constant_time_eq(key.secret.as_bytes(), sent);
        self.0.iter().filter(same).map(|key| key.name.as_str()).collect::<Vec<_>>().first().copied()
    }
}

/// What a request has sent: `Authorization: Bearer KEY` or `x-api-key: KEY`.
fn sent(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.as_bytes().split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
    });
    bearer.or_else(|| headers.get("x-api-key").map(|value| value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sent_in_either_header() {
        let keys = Keys::new(["ana:one", "ben:two"].iter().filter_map(|text| ApiKey::parse(text)).collect());
        let name = |header: &'static str, value: &'static str| {
            let headers = HeaderMap::from_iter([(header.parse().unwrap(), value.parse().unwrap())]);
            keys.name_of(&headers).map(str::to_owned)
        };
        assert_eq!(name("authorization", "Bearer one").as_deref(), Some("ana"));
        assert_eq!(name("authorization", "bearer  two").as_deref(), Some("ben"));
        assert_eq!(name("x-api-key", "two").as_deref(), Some("ben"));
        for (header, value) in [("authorization", "one"), ("authorization", "Bearer on"), ("x-api-key", "Bearer one")] {
            assert_eq!(name(header, value), None, "{header}: {value}");
        }
        assert_eq!(keys.name_of(&HeaderMap::new()), None);
        assert_eq!(Keys::new(Vec::new()).name_of(&HeaderMap::new()), Some(""));
    }
}
