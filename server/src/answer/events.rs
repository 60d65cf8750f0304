//! An answer as a stream of events (`text/event-stream`), written as a generation yields its parts. What does not
//! belong here: what an event says (`completion.rs`, `chat.rs`).

use super::Form;
use super::choices::Choices;
use crate::worker::{Event, Running};
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, header};
use http_body::Frame;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// The body of such a response. Where it is dropped, as the client is gone, what is still generated ends.
pub struct EventBody {
    running: Running,
    choices: Choices,
    form: Box<dyn Form>,
    include_usage: bool,
    continuous_usage: bool,
    ping: Duration,
    silence: Pin<Box<Sleep>>,
    is_over: bool,
}

impl EventBody {
    /// The events of a running request.
    pub fn new(running: Running, choices: Choices, form: Box<dyn Form>, ping: Duration) -> EventBody {
        let silence = Box::pin(sleep(ping));
        EventBody {
            running,
            choices,
            form,
            include_usage: false,
            continuous_usage: false,
            ping,
            silence,
            is_over: false,
        }
    }

    /// The same with the numbers of tokens in a last event, or in all.
    #[must_use]
    pub fn with_usage(self, include_usage: bool, continuous_usage: bool) -> EventBody {
        EventBody { include_usage, continuous_usage, ..self }
    }

    /// The response.
    pub fn response(self) -> Response<Body> {
        let mut response = Response::new(Body::new(self));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }

    fn take(&mut self, index: usize, event: Event, out: &mut String) {
        if let Event::Failed(error) = event {
            // After the headers there is no status any more: clients raise an error for this object.
            push(out, &error.body());
            push(out, "[DONE]");
            self.is_over = true;
            return;
        }
        if let Some(part) = self.choices.take(index, event) {
            let usage = self.continuous_usage.then(|| self.choices.usage());
            self.form.events(index, &part, usage).iter().for_each(|line| push(out, line));
        }
        if self.choices.are_done() {
            if self.include_usage {
                push(out, &self.form.last(self.choices.usage(), self.choices.timings()));
            }
            push(out, "[DONE]");
            self.is_over = true;
        }
    }
}

fn push(out: &mut String, line: &str) {
    out.push_str("data: ");
    out.push_str(line);
    out.push_str("\n\n");
}

impl http_body::Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    /// All events that are there, in one piece.
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let mut out = String::new();
        while !this.is_over {
            match this.running.poll_next(cx) {
                Poll::Ready((index, event)) => this.take(index, event, &mut out),
                Poll::Pending => break,
            }
        }
        if out.is_empty() && !this.is_over && this.silence.as_mut().poll(cx).is_ready() {
            out.push_str(": ping\n\n");
        }
        match (out.is_empty(), this.is_over) {
            (false, _) => {
                this.silence.as_mut().reset(Instant::now() + this.ping);
                Poll::Ready(Some(Ok(Frame::data(Bytes::from(out)))))
            }
            (true, true) => Poll::Ready(None),
            (true, false) => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over
    }
}
