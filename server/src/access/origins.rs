//! Which web pages may use the server, and by which names it is asked.
//!
//! A page of any origin can make a browser send requests to a server on its user's machine, also by a name of its own
//! that leads there. So a request with an origin is refused unless the origin is known, whatever CORS headers would let
//! the page read, and so is one for a name that is not this server's.

use crate::error::ApiError;
use axum::http::{HeaderMap, HeaderValue, header};
use std::net::IpAddr;

/// The origins that may use a server.
#[derive(Debug)]
pub struct Origins(Vec<String>);

/// Where a request comes from.
#[derive(Debug, PartialEq, Eq)]
pub enum Origin {
    /// From no web page, or from the server's own one.
    Own,
    /// From a web page that may use the server.
    Known(HeaderValue),
}

impl Origins {
    /// These, besides those of this machine.
    pub fn new(origins: Vec<String>) -> Origins {
        Origins(origins)
    }

    /// Where a request comes from.
    ///
    /// # Errors
    /// A web page that may not use the server.
    pub fn of(&self, headers: &HeaderMap) -> Result<Origin, ApiError> {
        let Some(value) = headers.get(header::ORIGIN) else { return Ok(Origin::Own) };
        let refused = || {
            let message = "web pages of this origin may not use the server: `--cors-origin` allows one";
            ApiError::forbidden("origin_not_allowed", message)
        };
        let origin = value.to_str().map_err(|_| refused())?;
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = authority_of(origin);
        if authority.is_some() && authority == host {
            return Ok(Origin::Own);
        }
        let is_listed = self.0.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(origin));
        let is_local = authority.is_some_and(|authority| is_loopback(name_of(authority)));
        if is_listed || is_local { Ok(Origin::Known(value.clone())) } else { Err(refused()) }
    }
}

/// Host and port of an origin.
fn authority_of(origin: &str) -> Option<&str> {
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
}

/// The name without the port.
fn name_of(authority: &str) -> &str {
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => authority.rsplit_once(':').map_or(authority, |(name, _)| name),
    }
}

fn is_loopback(name: &str) -> bool {
    let is_local_name = name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost");
    is_local_name || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Refuses a name that is not this server's. Addresses and the names of this machine always are, as no page has them.
///
/// # Errors
/// The request is for another name, or for none.
pub fn check_host(headers: &HeaderMap, authority: Option<&str>, hosts: &[String]) -> Result<(), ApiError> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).or(authority);
    let refused = || {
        let message = "the server is not asked by this name: `--allow-host` allows one";
        ApiError::forbidden("host_not_allowed", message)
    };
    let name = name_of(host.ok_or_else(refused)?);
    let is_listed = hosts.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(name));
    let is_known = is_listed || is_loopback(name) || name.parse::<IpAddr>().is_ok();
    if is_known { Ok(()) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, origin: Option<&str>) -> HeaderMap {
        let origin = origin.map(|origin| (header::ORIGIN, origin.parse().unwrap()));
        HeaderMap::from_iter([(header::HOST, host.parse().unwrap())].into_iter().chain(origin))
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let origins = Origins::new(vec!["https://chat.example.org".to_owned()]);
        let of = |origin: &str| origins.of(&headers("box.lan:8080", Some(origin)));
        assert_eq!(origins.of(&headers("box.lan:8080", None)), Ok(Origin::Own));
        assert_eq!(of("http://box.lan:8080"), Ok(Origin::Own));
        for known in ["https://chat.example.org", "http://localhost:3000", "http://127.0.0.1", "http://[::1]:5173"] {
            assert_eq!(of(known), Ok(Origin::Known(known.parse().unwrap())), "{known}");
        }
        for other in
            ["http://evil.example", "https://chat.example.org.evil.example", "null", "http://box.lan", "localhost"]
        {
            assert_eq!(of(other).unwrap_err().status, 403, "{other}");
        }
        let all = Origins::new(vec!["*".to_owned()]);
        assert!(all.of(&headers("box.lan", Some("https://any.example"))).is_ok());
    }

    #[test]
    fn the_server_answers_to_its_names_and_to_addresses() {
        let hosts = ["llm.example.org".to_owned()];
        let check = |host: &str| check_host(&headers(host, None), None, &hosts).is_ok();
        for host in ["localhost:8080", "LOCALHOST", "127.0.0.1:1", "[::1]:8080", "192.168.1.7:80", "llm.example.org"] {
            assert!(check(host), "{host}");
        }
        for host in ["evil.example:8080", "localhost.evil.example", "", "llm.example.org.evil.example"] {
            assert!(!check(host), "{host}");
        }
        assert!(check_host(&HeaderMap::new(), None, &hosts).is_err());
        assert!(check_host(&headers("any", None), None, &["*".to_owned()]).is_ok());
    }
}
