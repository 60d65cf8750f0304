//! The lines of a shard: rows with an `id` and a `prompt`, or requests in the form of OpenAI's batches. What does not
//! belong here: what they become (`answers.rs`).

use crate::json::Json;
use std::collections::HashSet;

/// A line of a shard.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A prompt; other fields of its line are not looked at, as shards of data have columns of their own.
    Prompt {
        /// Its name, a text or a number.
        id: Json,
        /// The prompt.
        prompt: Json,
    },
    /// A request.
    Request {
        /// Its name.
        id: String,
        /// The path that it is for.
        url: String,
        /// Its fields.
        body: Vec<(String, Json)>,
    },
}

/// The rows of a shard, or the number of the line that is none and what is wrong with it.
pub fn read(contents: &[u8]) -> Result<Vec<Row>, (usize, String)> {
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    for (at, line) in contents.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let numbered = |problem: String| (at + 1, problem);
        let row = Json::parse(line).map_err(|error| error.to_string()).and_then(row).map_err(numbered)?;
        let id = match &row {
            Row::Prompt { id, .. } => id.to_string(),
            Row::Request { id, .. } => Json::from(id.as_str()).to_string(),
        };
        if !seen.insert(id.clone()) {
            return Err(numbered(format!("the id {id} was before: expected one row for each")));
        }
        rows.push(row);
    }
    Ok(rows)
}

fn row(line: Json) -> Result<Row, String> {
    if line.get("custom_id").is_some() {
        return request(&line);
    }
    let missing = |name: &str| {
        let expected = "expected an object with `id` and `prompt`, or with `custom_id`, `url` and `body`";
        format!("`{name}` is missing: {expected}")
    };
    let id = line.get("id").ok_or_else(|| missing("id"))?.clone();
    let prompt = line.get("prompt").ok_or_else(|| missing("prompt"))?.clone();
    if !matches!(id, Json::String(_) | Json::Number(_)) {
        return Err(format!("`id` is {}: expected a string or a number", id.kind()));
    }
    Ok(Row::Prompt { id, prompt })
}

fn request(line: &Json) -> Result<Row, String> {
    let text = |name: &str| match line.get(name) {
        Some(Json::String(text)) => Ok(text.clone()),
        Some(other) => Err(format!("`{name}` is {}: expected a string", other.kind())),
        None => Err(format!("`{name}` is missing: expected a string")),
    };
    let body = match line.get("body") {
        Some(Json::Object(fields)) => fields.clone(),
        Some(other) => return Err(format!("`body` is {}: expected an object", other.kind())),
        None => return Err("`body` is missing: expected an object".to_owned()),
    };
    match line.get("method").map(Json::as_str) {
        None | Some(Some("POST")) => Ok(Row::Request { id: text("custom_id")?, url: text("url")?, body }),
        Some(_) => Err("`method` is not \"POST\", which all requests of a batch have".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_what_is_none_is_named() {
        let shard = b"{\"id\": 1, \"prompt\": \"a\", \"more\": []}\n\n  \r\n\
            {\"custom_id\": \"b\", \"method\": \"POST\", \"url\": \"/v1/completions\", \"body\": {\"prompt\": \"c\"}}";
        let rows = read(shard).unwrap();
        assert_eq!(rows[0], Row::Prompt { id: Json::from_integer(1), prompt: Json::from("a") });
        let body = vec![("prompt".to_owned(), Json::from("c"))];
        assert_eq!(rows[1], Row::Request { id: "b".to_owned(), url: "/v1/completions".to_owned(), body });
        assert_eq!((rows.len(), read(b"").unwrap().len()), (2, 0));
        for (line, what) in [
            ("nonsense", "expected"),
            ("[]", "`id` is missing"),
            ("{\"id\": 0}", "`prompt` is missing"),
            ("{\"id\": null, \"prompt\": \"\"}", "`id` is null"),
            ("{\"id\": 7, \"prompt\": \"b\"}", "the id 7 was before"),
            ("{\"custom_id\": \"x\", \"url\": \"/v1/completions\"}", "`body` is missing"),
            ("{\"custom_id\": \"x\", \"body\": {}}", "`url` is missing"),
            ("{\"custom_id\": \"x\", \"body\": {}, \"url\": \"a\", \"method\": \"GET\"}", "`method` is not"),
        ] {
            let shard = format!("{{\"id\": 7, \"prompt\": \"a\"}}\n{line}\n");
            let (number, problem) = read(shard.as_bytes()).unwrap_err();
            assert!(number == 2 && problem.contains(what), "{line}: {problem}");
        }
    }
}
