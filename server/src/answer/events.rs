//! An answer as a stream, written as a generation yields its parts. What does not belong here: what an event says,
//! which the form of an endpoint does.

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
    ping: Duration,
    silence: Pin<Box<Sleep>>,
    has_begun: bool,
    is_over: bool,
}

/// Events in the making: text that is sent together.
#[derive(Debug, Default)]
pub struct Events(String);

impl Events {
    /// An event without a name.
    pub fn data(&mut self, line: &str) {
        self.0 += "data: ";
        self.0 += line;
        self.0 += "\n\n";
    }

    /// An event with a name.
    pub fn named(&mut self, name: &str, line: &str) {
        self.0 += "event: ";
        self.0 += name;
        self.0.push('\n');
        self.data(line);
    }

    /// A line that is no event.
    pub fn line(&mut self, line: &str) {
        self.0 += line;
        self.0.push('\n');
    }
}

/// How a stream is told from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `text/event-stream`.
    Events,
    /// A document on each line.
    Lines,
}

impl EventBody {
    /// The events of a running request.
    pub fn new(running: Running, choices: Choices, form: Box<dyn Form>, ping: Duration) -> EventBody {
        let silence = Box::pin(sleep(ping));
        EventBody { running, choices, form, ping, silence, has_begun: false, is_over: false }
    }

    /// The response.
    pub fn response(self) -> Response<Body> {
        let media = match self.form.media() {
            Media::Events => "text/event-stream; charset=utf-8",
            Media::Lines => "application/x-ndjson",
        };
        let mut response = Response::new(Body::new(self));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }

    fn take(&mut self, index: usize, event: Event, out: &mut Events) {
        if let Event::Failed(error) = event {
            // After the headers there is no status any more.
            self.form.fail(&error, out);
            self.is_over = true;
            return;
        }
        if let Some(part) = self.choices.take(index, event) {
            self.form.part(index, &part, self.choices.usage(), out);
        }
        if self.choices.are_done() {
            self.form.end(self.choices.usage(), self.choices.timings(), out);
            self.is_over = true;
        }
    }
}

impl http_body::Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    /// All events that are there, in one piece.
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let mut out = Events::default();
        if !std::mem::replace(&mut this.has_begun, true) {
            this.form.begin(this.choices.usage(), &mut out);
        }
        while !this.is_over {
            match this.running.poll_next(cx) {
                Poll::Ready((index, event)) => this.take(index, event, &mut out),
                Poll::Pending => break,
            }
        }
        let Events(mut out) = out;
        let pings = this.form.media() == Media::Events;
        if out.is_empty() && !this.is_over && pings && this.silence.as_mut().poll(cx).is_ready() {
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
