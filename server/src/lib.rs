//! HTTP server of Trine: OpenAI's API for one model, whose answers do not depend on who else is asking.
//!
//! ```no_run
//! use trine_server::{ListenOptions, Server, ServerOptions, Stop, run};
//!
//! let server = Server::new(trine::embedded_engine()?, ServerOptions::default())?;
//! let address = "127.0.0.1:8080".parse()?;
//! run(server, &[address], ListenOptions::default(), &Stop::new(), |address| println!("http://{address}"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In a program with routes of its own the server is a part of its router. The program then decides about connections
//! and how it ends:
//!
//! ```
//! # use trine_server::{Server, ServerOptions};
//! # fn mounted() -> Result<axum::Router, Box<dyn std::error::Error>> {
//! let options = ServerOptions { hosts: vec!["llm.example.org".to_owned()], page: false, ..ServerOptions::default() };
//! let server = Server::new(trine::embedded_engine()?, options)?;
//! let app = axum::Router::new().nest("/llm", server.router());
//! # Ok(app)
//! # }
//! ```
//!
//! What belongs here: HTTP, the fields of requests, the forms of answers. What does not: which sequence runs when
//! (`trine-model`), text (`trine-text`), arguments and signals (the `trine` command). `docs/serving.md` of the
//! repository describes all endpoints and options.
#![forbid(unsafe_code)]

mod access;
mod answer;
mod app;
mod batch;
mod endpoints;
mod error;
mod fields;
mod grammar;
mod id;
mod json;
mod listen;
mod metrics;
mod options;
mod prepare;
mod request;
mod server;
mod time;
mod worker;

pub use batch::{Batch, BatchError, Made};
pub use error::ApiError;
pub use listen::{ListenOptions, Stop, run};
pub use options::{ApiKey, ModelFacts, ReasoningField, SamplingDefaults, ServerOptions, ToolFormat, ToolOptions};
pub use server::Server;
pub use worker::{Event, Job, Running, Terms};
