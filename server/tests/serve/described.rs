//! `/openapi.json`: that it is answered without a key, and that its paths and methods are those of the server. That it
//! has every field is shown beside the document.

use super::client::{Running, engine, patient};
use trine_server::{ApiKey, ServerOptions};

#[test]
fn paths_and_methods_are_those_of_the_server() {
    let key = ApiKey::parse("secret").unwrap();
    let options = ServerOptions { ollama: true, keys: vec![key], model: "stories".to_owned(), ..patient() };
    let server = Running::start(engine(), options);
    let response = server.get("/openapi.json");
    assert_eq!((response.status, response.headers["content-type"].as_str()), (200, "application/json"));
    let document = response.json();
    assert_eq!(document["openapi"], "3.1.0");
    let authorized = [("authorization", "Bearer secret"), ("content-type", "application/json")];
    for (path, item) in document["paths"].as_object().unwrap() {
        let asked = path.replace("{id}", "stories").replace("{digest}", "a");
        for method in ["GET", "POST", "PUT"] {
            let is_open = item["get"]["security"].as_array().is_some_and(|keys| keys.is_empty());
            let refused = server.send(method, &asked, &[("content-type", "application/json")], b"[]").status == 401;
            assert_eq!(refused, !is_open, "{method} {path}");
            let status = server.send(method, &asked, &authorized, b"[]").status;
            match item.get(method.to_ascii_lowercase()) {
                Some(described) => assert!(!described["responses"][status.to_string()].is_null(), "{path}: {status}"),
                // What is not there is not there by any method.
                None => assert!([405, 501].contains(&status), "{method} {path}: {status}"),
            }
        }
    }
}
