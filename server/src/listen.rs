//! Connections: accepted as far as there is room for them, served, and let end when the server stops. What does not
//! belong here: what a request is answered (`endpoints`).

use crate::endpoints::Peer;
use crate::server::Server;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower_service::Service;

/// How connections are taken.
#[derive(Clone, Copy, Debug)]
pub struct ListenOptions {
    /// Connections at once. Others wait until one ends.
    pub connections: usize,
    /// The longest that the head of a request may take to arrive.
    pub head_timeout: Duration,
    /// The longest that requests may go on when the server is stopped.
    pub drain: Duration,
}

impl Default for ListenOptions {
    /// 512 connections, half a minute for a head and for the end.
    fn default() -> ListenOptions {
        let half_a_minute = Duration::from_secs(30);
        ListenOptions { connections: 512, head_timeout: half_a_minute, drain: half_a_minute }
    }
}

/// The time in which responses end that were told to.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Pause after a connection could not be taken, as where there are no more file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Ends a server that runs elsewhere.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Stop {
        Stop(watch::Sender::new(false))
    }
}

impl Stop {
    /// One that was not asked for yet.
    pub fn new() -> Stop {
        Stop::default()
    }

    /// Ends the server: it takes no more connections, and what is being answered goes on for the time that was agreed.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether that was asked for.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for that.
    async fn asked(&self) {
        // The sender is this handle, so that the channel is not closed.
        let _ = self.0.subscribe().wait_for(|stops| *stops).await;
    }
}

impl Server {
    /// Serves connections until `stop`, then lets them end. Requests that wait are refused with 503; those that are
    /// being answered go on for [`ListenOptions::drain`] and are ended with an error event then.
    ///
    /// # Errors
    /// The listener has no address.
    pub async fn serve(self, listener: TcpListener, options: ListenOptions, stop: Stop) -> io::Result<()> {
        listener.local_addr()?;
        let room = Arc::new(Semaphore::new(options.connections));
        let mut connections = JoinSet::new();
        let mut stopped = pin!(stop.asked());
        loop {
            let next = async {
                let permit = room.clone().acquire_owned().await;
                (permit, listener.accept().await)
            };
            let mut next = pin!(next);
            let accepted = poll_fn(|cx| match stopped.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => next.as_mut().poll(cx).map(Some),
            });
            let Some((permit, accepted)) = accepted.await else { break };
            match accepted {
                Ok((stream, peer)) => {
                    let connection = connection(self.clone(), stream, peer, options, stop.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(permit);
                    });
                }
                Err(_) => sleep(PAUSE).await,
            }
            while connections.try_join_next().is_some() {}
        }
        drop(listener);
        self.drain();
        let all_end = async { while connections.join_next().await.is_some() {} };
        let mut all_end = pin!(all_end);
        if timeout(options.drain, all_end.as_mut()).await.is_err() {
            self.end_all();
            let _ = timeout(LAST_WORDS, all_end).await;
        }
        Ok(())
    }
}

/// Serves one connection.
async fn connection(server: Server, stream: TcpStream, peer: SocketAddr, options: ListenOptions, stop: Stop) {
    // Events are small, and each is wanted at once.
    let _ = stream.set_nodelay(true);
    let router = server.router();
    let has_asked = Arc::<AtomicBool>::default();
    let asks = has_asked.clone();
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        asks.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(Peer(peer));
        router.clone().call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(options.head_timeout);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut stopped = pin!(stop.asked());
    let mut is_stopping = false;
    // A connection that breaks is its client's affair.
    let _ = poll_fn(|cx| {
        if !is_stopping && stopped.as_mut().poll(cx).is_ready() {
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
        }
        // One that never asked for anything is not waited for.
        let is_silent = is_stopping && !has_asked.load(Ordering::Relaxed);
        if is_silent { Poll::Ready(Ok(())) } else { connection.as_mut().poll(cx) }
    })
    .await;
}

/// Binds, serves on two threads and returns when the server has ended: for programs without an asynchronous runtime of
/// their own. `ready` is called with the address once connections are taken.
///
/// # Errors
/// The address is in use, or the system gives no threads.
pub fn run(
    server: Server,
    address: &[SocketAddr],
    options: ListenOptions,
    stop: &Stop,
    ready: impl FnOnce(SocketAddr),
) -> io::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).thread_name("http").enable_io().enable_time().build()?;
    let served = runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        ready(listener.local_addr()?);
        runtime.spawn(server.serve(listener, options, stop.clone())).await.map_err(io::Error::other)?
    });
    // What is still being parsed has no client any more.
    runtime.shutdown_background();
    served
}
