//! From jobs to a response: handed over, waited for, sent at once or in events. What does not belong here: what the
//! jobs are (`completions.rs`, `chat.rs`).

use super::body::{json_response, tell_ignored};
use super::gate::Client;
use crate::answer::{Choices, EventBody, Form, Part};
use crate::app::App;
use crate::error::ApiError;
use crate::grammar::Constraint;
use crate::request::Delivery;
use crate::worker::{Event, Job, Running, Terms};
use axum::body::Body;
use axum::http::Response;

/// A request that can be run.
pub struct Runnable {
    /// A job for each choice.
    pub jobs: Vec<Job>,
    /// The form that each text is kept to.
    pub constraint: Option<Constraint>,
    /// What is told of them.
    pub choices: Choices,
    /// How it is written down.
    pub form: Box<dyn Form>,
    /// How it is sent.
    pub delivery: Delivery,
}

/// A request that runs, the first event of which is known.
struct Begun {
    running: Running,
    choices: Choices,
    form: Box<dyn Form>,
}

/// Hands the choices over. Whatever can be refused is refused here, before there is a status.
async fn begin(app: &App, runnable: Runnable, terms: Terms) -> Result<Begun, ApiError> {
    app.check_generates()?;
    let Runnable { mut jobs, constraint, mut choices, form, .. } = runnable;
    if let Some(constraint) = constraint {
        let filter = app.grammars.filter(constraint).await?;
        jobs.iter_mut().for_each(|job| _ = job.sampler.push_first(filter.clone()));
    }
    let mut running = app.worker.submit(jobs, terms);
    let (index, event) = running.next().await;
    if let Event::Failed(error) = event {
        return Err(error);
    }
    choices.take(index, event);
    Ok(Begun { running, choices, form })
}

/// Runs it.
///
/// # Errors
/// There is enough to do, or the engine fails.
pub async fn respond(
    app: &App,
    client: Client,
    runnable: Runnable,
    ignored: &[String],
) -> Result<Response<Body>, ApiError> {
    let Delivery { stream, priority, .. } = runnable.delivery;
    let terms = Terms { key: client.0.to_string(), limit: app.options.request_timeout, priority };
    let mut response = if stream {
        let Begun { running, choices, form } = begin(app, runnable, terms).await?;
        EventBody::new(running, choices, form, app.options.ping).response()
    } else {
        json_response(whole(app, runnable, terms).await?)
    };
    tell_ignored(&mut response, ignored);
    Ok(response)
}

/// Runs it to its end: the whole answer.
///
/// # Errors
/// As [`respond`].
pub async fn whole(app: &App, runnable: Runnable, terms: Terms) -> Result<String, ApiError> {
    let Begun { mut running, mut choices, mut form } = begin(app, runnable, terms).await?;
    let parts = gather(&mut running, &mut choices).await?;
    Ok(form.whole(&parts, choices.usage(), choices.timings()))
}

/// All parts of each choice in one.
async fn gather(running: &mut Running, choices: &mut Choices) -> Result<Vec<Part>, ApiError> {
    let mut parts: Vec<Part> = (0..choices.len()).map(|_| Part::default()).collect();
    while !choices.are_done() {
        let (index, event) = running.next().await;
        if let Event::Failed(error) = event {
            return Err(error);
        }
        if let Some(part) = choices.take(index, event) {
            parts[index].append(part);
        }
    }
    Ok(parts)
}
