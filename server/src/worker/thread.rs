//! The thread: takes jobs, steps the scheduler, hands its events on. What does not belong here: what the events of a
//! scheduler mean to a client (`telling.rs`), and counting (`counting.rs`).

use super::counting::Counting;
use super::job::{Event, Job, Reporter, Running, Terms};
use super::telling::{Told, of_refusal};
use crate::error::ApiError;
use crate::metrics::Metrics;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, error::TryRecvError, unbounded_channel};
use trine::model::{Engine, EngineError, GenerationRequest, RequestId, Scheduler, SchedulerOptions, SystemClock};

/// The handle of the thread.
#[derive(Clone, Debug)]
pub struct Worker {
    commands: UnboundedSender<Command>,
}

/// What the thread is told.
#[derive(Debug)]
enum Command {
    /// To generate the choices of a request.
    Submit(Request),
    /// To take no more requests.
    Drain,
    /// To end what runs.
    EndAll,
}

/// The choices of a request.
#[derive(Debug)]
struct Request {
    jobs: Vec<Job>,
    terms: Terms,
    reporter: Reporter,
    arrived: Instant,
}

/// Where a step had nothing to do although there are requests: they wait for memory that others of the program have.
const PAUSE: Duration = Duration::from_millis(2);

impl Worker {
    /// Starts the thread. It ends when the last handle is gone.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(engine: Engine, options: SchedulerOptions, metrics: Arc<Metrics>) -> io::Result<Worker> {
        let (sender, commands) = unbounded_channel();
        let scheduler = Scheduler::new(engine, options, Arc::new(SystemClock::default()));
        let work = Work { scheduler, commands, told: BTreeMap::new(), counting: Counting::new(metrics) };
        std::thread::Builder::new().name("engine".to_owned()).spawn(move || work.run())?;
        Ok(Worker { commands: sender })
    }

    /// Whether the thread takes jobs.
    pub fn is_alive(&self) -> bool {
        !self.commands.is_closed()
    }

    /// Hands over the choices of a request.
    pub fn submit(&self, jobs: Vec<Job>, terms: Terms) -> Running {
        let (reporter, running) = Running::new();
        // A thread that has stopped has dropped the other end, which `running` tells.
        let _ = self.commands.send(Command::Submit(Request { jobs, terms, reporter, arrived: Instant::now() }));
        running
    }

    /// Refuses what waits and what comes. What runs goes on.
    pub fn drain(&self) {
        let _ = self.commands.send(Command::Drain);
    }

    /// Ends what runs, with an error for each.
    pub fn end_all(&self) {
        let _ = self.commands.send(Command::EndAll);
    }
}

struct Work {
    scheduler: Scheduler,
    commands: UnboundedReceiver<Command>,
    /// What was told of each choice that has not ended.
    told: BTreeMap<RequestId, Told>,
    counting: Counting,
}

impl Work {
    fn run(mut self) {
        let mut events = Vec::new();
        while self.obey() {
            let gone: Vec<_> = self.told.iter().filter(|(_, told)| told.is_gone()).map(|(id, _)| *id).collect();
            for id in gone {
                self.scheduler.cancel(id);
                self.counting.cancelled(self.told.get(&id));
            }
            let report = self.scheduler.step(&mut events);
            self.counting.step(&report);
            let is_quiet = events.is_empty();
            for event in events.drain(..) {
                let Some(told) = self.told.get_mut(&event.request) else { continue };
                if told.take(event.kind, &self.counting) {
                    self.told.remove(&event.request);
                }
            }
            let is_idle = self.scheduler.is_idle();
            self.counting.status(is_idle, || self.scheduler.status());
            if report.rows == 0 && is_quiet && !is_idle {
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Does what was said; waits where there is nothing else to do. False when nobody can say anything any more.
    fn obey(&mut self) -> bool {
        loop {
            let is_idle = self.scheduler.is_idle();
            let command = match is_idle {
                true => self.commands.blocking_recv().ok_or(TryRecvError::Disconnected),
                false => self.commands.try_recv(),
            };
            match command {
                Ok(Command::Submit(request)) => self.submit(request),
                Ok(Command::Drain) => self.scheduler.drain(),
                Ok(Command::EndAll) => self.end_all(),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return !is_idle,
            }
        }
    }

    fn submit(&mut self, request: Request) {
        let Request { jobs, terms, reporter, arrived } = request;
        if reporter.is_gone() {
            return;
        }
        let taken = match self.requests(jobs, &terms) {
            Ok(requests) => self.scheduler.submit_all(requests).map_err(|refusal| of_refusal(&refusal)),
            Err(error) => Err(ApiError::internal(error.to_string())),
        };
        match taken {
            Ok(ids) => {
                reporter.tell(0, Event::Accepted);
                let told = |(index, id)| (id, Told::new(index, reporter.clone(), arrived));
                self.told.extend(ids.into_iter().enumerate().map(told));
            }
            Err(error) => {
                self.counting.rejected(&error);
                reporter.tell(0, Event::Failed(error));
            }
        }
        self.counting.changed();
    }

    fn requests(&self, jobs: Vec<Job>, terms: &Terms) -> Result<Vec<GenerationRequest>, EngineError> {
        let deadline = self.scheduler.clock().now() + terms.limit;
        let request = |job: Job| {
            let Job { prompt, sampler, options, prompt_logprobs, cache_salt } = job;
            let prompt = self.scheduler.engine().prompt_of_ids(&prompt)?;
            Ok(GenerationRequest {
                max_tokens: Some(options.max_tokens),
                options,
                prompt_logprobs,
                key: terms.key.clone(),
                priority: terms.priority,
                cache_salt,
                deadline: Some(deadline),
                ..GenerationRequest::new(prompt, sampler)
            })
        };
        jobs.into_iter().map(request).collect()
    }

    fn end_all(&mut self) {
        for (id, told) in std::mem::take(&mut self.told) {
            self.scheduler.cancel(id);
            told.fail(ApiError::unavailable("draining", "the server is being stopped"));
        }
    }
}
