//! What is answered to a request that cannot be served: the error object of OpenAI's API, its status and its headers.
//! What does not belong here: which request it is answered to.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// Why a request is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The status of the response.
    pub status: StatusCode,
    /// The class of errors, as OpenAI's clients know it: `error.type`.
    pub kind: &'static str,
    /// The error, as programs tell it from others: `error.code`.
    pub code: &'static str,
    /// One line: what was found, what was expected.
    pub message: String,
    /// The field that is wrong, such as `messages[1].content`.
    pub param: Option<String>,
    /// When the client may come again, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// The longest time that a client is told to wait: Python's client does not come again after more than 120 s.
const MAX_RETRY_MS: u64 = 60_000;

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, code: &'static str, message: impl Into<String>) -> ApiError {
        let message = trine::loader::one_line(&message.into());
        ApiError { status, kind, code, message, param: None, retry_after_ms: None }
    }

    /// A request that is wrong as it is: 400 with a code.
    pub fn bad(code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_request_error", code, message)
    }

    /// A field of the wrong type.
    pub fn wrong_type(param: &str, expected: &str, found: &str) -> ApiError {
        ApiError::bad("invalid_type", format!("`{param}` is {found}: expected {expected}")).at(param)
    }

    /// A field out of its range.
    pub fn wrong_value(param: &str, found: &str, expected: &str) -> ApiError {
        ApiError::bad("invalid_value", format!("`{param}` is {found}: expected {expected}")).at(param)
    }

    /// A field that is known and cannot be honoured.
    pub fn unsupported(param: &str, why: &str) -> ApiError {
        ApiError::bad("unsupported_parameter", format!("`{param}` is not supported: {why}")).at(param)
    }

    /// More tokens than there are positions. Clients know the beginning of this message.
    pub fn context_length(context: usize, prompt: usize, completion: usize, param: &str) -> ApiError {
        let message = format!(
            "This model's maximum context length is {context} tokens. However, you requested {} tokens ({prompt} in \
             the prompt, {completion} in the completion): shorten the prompt or the completion.",
            prompt + completion
        );
        ApiError::bad("context_length_exceeded", message).at(param)
    }

    /// A key is missing or unknown.
    pub fn unauthorized() -> ApiError {
        let message = "no valid API key: send `Authorization: Bearer KEY` or `x-api-key: KEY`";
        ApiError::new(StatusCode::UNAUTHORIZED, "authentication_error", "invalid_api_key", message)
    }

    /// A web page of another origin, or a name that is not this server's.
    pub fn forbidden(code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::FORBIDDEN, "permission_error", code, message)
    }

    /// There is no such thing.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, "not_found_error", code, message)
    }

    /// The method, the length or the type of the body is wrong.
    pub fn protocol(status: StatusCode, code: &'static str, message: impl Into<String>) -> ApiError {
        ApiError::new(status, "invalid_request_error", code, message)
    }

    /// The server has enough to do. The client may come again.
    pub fn too_many(code: &'static str, message: impl Into<String>, retry_after_ms: u64) -> ApiError {
        let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", code, message);
        ApiError { retry_after_ms: Some(retry_after_ms.min(MAX_RETRY_MS)), ..error }
    }

    /// The server does not take requests at the moment.
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> ApiError {
        let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable_error", code, message);
        ApiError { retry_after_ms: Some(1000), ..error }
    }

    /// A fault of the server.
    pub fn internal(message: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "internal", message)
    }

    /// The same with the field that is wrong.
    #[must_use]
    pub fn at(self, param: &str) -> ApiError {
        ApiError { param: Some(param.to_owned()), ..self }
    }

    /// The error object on one line.
    pub fn body(&self) -> String {
        let ApiError { message, param, kind, code, .. } = self;
        let error = ErrorObject { message, kind, param: param.as_deref(), code };
        serde_json::to_string(&ErrorBody { error }).unwrap_or_else(|_| r#"{"error":{}}"#.to_owned())
    }

    /// The response.
    pub fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(ms) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000).max(1)));
            headers.insert("retry-after-ms", HeaderValue::from(ms));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[derive(Serialize)]
struct ErrorBody<'e> {
    error: ErrorObject<'e>,
}

#[derive(Serialize)]
struct ErrorObject<'e> {
    message: &'e str,
    #[serde(rename = "type")]
    kind: &'e str,
    param: Option<&'e str>,
    code: &'e str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_the_object_that_clients_read() {
        let error = ApiError::wrong_type("temperature", "a number", "a string");
        let expected = r#"{"error":{"message":"`temperature` is a string: expected a number","#.to_owned()
            + r#""type":"invalid_request_error","param":"temperature","code":"invalid_type"}}"#;
        assert_eq!(error.body(), expected);
        assert_eq!(error.response().status(), 400);
    }

    #[test]
    fn a_client_that_comes_too_early_is_told_when_to_come_again() {
        let headers = |ms| ApiError::too_many("queue_full", "full", ms).response().headers().clone();
        assert_eq!(
            (&headers(1200)["retry-after"], &headers(1200)["retry-after-ms"]),
            (&"2".parse().unwrap(), &"1200".parse().unwrap())
        );
        assert_eq!(headers(0)["retry-after"], "1");
        assert_eq!(headers(1 << 40)["retry-after"], "60");
    }
}
