//! The server as a value: what a program starts, mounts or serves. What does not belong here: connections
//! (`listen.rs`).

use crate::app::App;
use crate::endpoints;
use crate::options::ServerOptions;
use crate::worker::{Job, Running, Terms};
use axum::Router;
use std::io;
use std::sync::Arc;
use trine::model::Engine;

/// A model with the thread that runs it, ready to be asked. Clones are the same server.
#[derive(Clone, Debug)]
pub struct Server {
    app: Arc<App>,
    router: Router,
}

impl Server {
    /// Starts the thread of the engine.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new(engine: Engine, options: ServerOptions) -> io::Result<Server> {
        let app = Arc::new(App::start(engine, options)?);
        Ok(Server { router: endpoints::router(app.clone()), app })
    }

    /// The paths of the server, to be served or to be a part of another router. It wants a runtime of tokio with time
    /// enabled.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Hands over choices without HTTP: they take part in the steps that requests take. Their events are those of one
    /// request; where what is returned is dropped, the choices are cancelled.
    pub fn submit(&self, jobs: Vec<Job>, terms: Terms) -> Running {
        self.app.worker.submit(jobs, terms)
    }

    /// What all requests share.
    pub(crate) fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Takes no more requests: they are answered with 503, and so are those that wait. Those that run go on.
    pub fn drain(&self) {
        self.app.drain();
    }

    /// Ends what still runs, with an error for each.
    pub fn end_all(&self) {
        self.app.worker.end_all();
    }

    /// Whether the engine has stopped, which it does after a fault of its own: the program then has to end.
    pub fn has_failed(&self) -> bool {
        !self.app.worker.is_alive()
    }
}
