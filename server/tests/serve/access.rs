//! Keys, origins of web pages, names of the server, paths and methods.

use super::client::{Running, engine, patient};
use serde_json::json;
use trine_server::{ApiKey, ServerOptions};

#[test]
fn paths_and_methods_that_there_are_not_are_errors_in_the_same_form() {
    let server = Running::shared();
    assert_eq!(server.get("/v1/nothing").error(), (404, "unknown_path".to_owned(), None));
    assert_eq!(server.get("/v1/completions").error(), (405, "method_not_allowed".to_owned(), None));
    assert_eq!(server.send("DELETE", "/v1/models", &[], b"").error().0, 405);
    assert_eq!(server.post("/v1/embeddings", &json!({"input": "a"})).error().0, 400);
    let moved = server.get("/v1/models/?a=b");
    assert_eq!((moved.status, moved.headers["location"].as_str()), (308, "/v1/models?a=b"));
}

#[test]
fn a_request_has_a_name() {
    let server = Running::shared();
    let named = server.send("GET", "/health", &[("x-request-id", "mine-1")], b"");
    assert_eq!(named.headers["x-request-id"], "mine-1");
    assert!(named.headers["openai-processing-ms"].parse::<u64>().is_ok());
    assert!(server.get("/health").headers["x-request-id"].starts_with("req_"));
    let long = "x".repeat(200);
    assert!(server.send("GET", "/health", &[("x-request-id", &long)], b"").headers["x-request-id"].starts_with("req_"));
}

#[test]
fn keys_are_asked_for_where_there_are_some() {
    let keys = ["ana:one", "two"].iter().map(|text| ApiKey::parse(text).unwrap()).collect();
    let server = Running::start(engine(), ServerOptions { keys, metrics_key: true, ..patient() });
    let get = |path: &str, headers: &[(&str, &str)]| server.send("GET", path, headers, b"").status;
    for path in ["/health", "/health/live", "/version", "/"] {
        assert_eq!(get(path, &[]), 200, "{path}");
    }
    for path in ["/v1/models", "/props", "/tokenizer_info", "/metrics", "/v1/completions", "/v1/nothing"] {
        assert_eq!(get(path, &[]), 401, "{path}");
        assert_eq!(get(path, &[("authorization", "Bearer three")]), 401, "{path}");
    }
    assert_eq!(get("/v1/models", &[("authorization", "Bearer one")]), 200);
    assert_eq!(get("/metrics", &[("x-api-key", "two")]), 200);
    let refused = server.get("/v1/models");
    assert_eq!(
        (refused.error().1.as_str(), refused.headers["www-authenticate"].as_str()),
        ("invalid_api_key", "Bearer")
    );
    // Before a browser sends a key it asks whether it may.
    let asked = [("origin", "http://localhost:3000"), ("access-control-request-method", "POST")];
    assert_eq!(server.send("OPTIONS", "/v1/completions", &asked, b"").status, 204);
}

#[test]
fn web_pages_of_other_origins_may_not_ask() {
    let options = ServerOptions {
        origins: vec!["https://chat.example.org".to_owned()],
        hosts: vec!["llm.example.org".to_owned()],
        ..patient()
    };
    let server = Running::start(engine(), options);
    for origin in ["https://chat.example.org", "http://localhost:3000"] {
        let response = server.send("GET", "/v1/models", &[("origin", origin)], b"");
        assert_eq!((response.status, response.headers["access-control-allow-origin"].as_str()), (200, origin));
        assert!(!response.headers.contains_key("access-control-allow-credentials"));
        let preflight = server.send("OPTIONS", "/v1/completions", &[("origin", origin)], b"");
        assert_eq!((preflight.status, preflight.headers["access-control-allow-origin"].as_str()), (204, origin));
        assert!(preflight.headers["access-control-allow-headers"].contains("authorization"));
        // Errors too can be read by a page that may ask.
        let wrong = server.send("POST", "/v1/completions", &[("origin", origin)], b"{");
        assert_eq!((wrong.status, wrong.headers["access-control-allow-origin"].as_str()), (400, origin));
    }
    for origin in ["https://evil.example", "null"] {
        for method in ["GET", "OPTIONS"] {
            let response = server.send(method, "/v1/models", &[("origin", origin)], b"");
            assert_eq!(response.error().1, "origin_not_allowed");
            assert!(!response.headers.contains_key("access-control-allow-origin"));
        }
    }
    let host = |host: &str| server.send("GET", "/v1/models", &[("host", host)], b"").status;
    assert_eq!((host("llm.example.org"), host("127.0.0.1:8080"), host("evil.example")), (200, 200, 403));
}
