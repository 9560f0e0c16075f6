//! The listener: accepts, bounds, drains.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use tidemill_api::ServerInfo;
use tidemill_engine::Engine;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    ServerConfig, api,
    auth::Authenticator,
    dispatch::Dispatch,
    faces::abaco,
    install_metrics,
    meters::Meters,
    net::{self, Calls, Limits, Room},
    shared::{App, READING_MAX, Shared},
};

/// How often samples of histograms are gathered.
const UPKEEP: Duration = Duration::from_secs(5);
/// The pause after the system refused a connection (out of file descriptors, mostly).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;

/// The address could not be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// What the system said; [`io::ErrorKind::AddrInUse`] when somebody else listens there.
    pub source: io::Error,
}

/// The HTTP server, bound and not yet running.
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    engine: Engine,
    config: ServerConfig,
    info: ServerInfo,
}

impl Server {
    /// Listens on `config.listen`. Connections wait until [`Server::run`].
    pub async fn bind(config: ServerConfig, engine: Engine, info: ServerInfo) -> Result<Server, BindError> {
        let address = config.listen;
        let listen = || -> io::Result<(TcpListener, SocketAddr)> {
            let socket = match address {
                SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
                SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
            };
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let listener = socket.listen(BACKLOG)?;
            let local_addr = listener.local_addr()?;
            Ok((listener, local_addr))
        };
        let (listener, local_addr) = listen().map_err(|source| BindError { address, source })?;
        // From now on it says the real port.
        let config = ServerConfig { listen: local_addr, ..config };
        Ok(Server { listener, local_addr, engine, config, info })
    }

    /// The address it listens on, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `stop`, then finishes open requests within [`ServerConfig::drain_timeout`] and closes the rest.
    ///
    /// The engine goes on; the caller shuts it down afterwards.
    pub async fn run(self, stop: CancellationToken) {
        let prometheus = install_metrics();
        let tasks = TaskTracker::new();
        let document = api::openapi().to_json().expect("the document has text keys only");
        let app: App = Arc::new(Shared {
            engine: self.engine,
            auth: Authenticator::new(self.config.auth.clone()),
            incoming: Room::new(self.config.bodies_bytes_max),
            outgoing: Room::new(self.config.bodies_bytes_max),
            reading: Semaphore::new(READING_MAX),
            config: self.config,
            info: self.info,
            stop: stop.clone(),
            tasks: tasks.clone(),
            meters: Meters::new(),
            prometheus: prometheus.clone(),
            openapi: Bytes::from(document),
        });
        if app.config.abaco.enabled {
            tasks.spawn(abaco::reconcile::run(Arc::clone(&app)));
        }
        let acceptor = Acceptor::new(app, stop.clone());
        let mut upkeep = interval(UPKEEP);
        upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = upkeep.tick() => prometheus.run_upkeep(),
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => acceptor.take(stream),
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(self.listener);
        acceptor.drain(&tasks).await;
    }
}

/// Turns streams into tasks.
struct Acceptor {
    app: App,
    api: axum::Router,
    limits: Arc<Limits>,
    places: Arc<Semaphore>,
    connections: TaskTracker,
    stop: CancellationToken,
    kill: CancellationToken,
}

impl Acceptor {
    fn new(app: App, stop: CancellationToken) -> Acceptor {
        let config = &app.config;
        let limits = Limits {
            head_bytes_max: config.head_bytes_max,
            headers_max: config.headers_max,
            header_read_timeout: config.header_read_timeout,
            response_write_timeout: config.response_write_timeout,
            idle_timeout: config.idle_timeout,
            quiet_after: config.quiet_after,
        };
        Acceptor {
            api: api::router(Arc::clone(&app)),
            limits: Arc::new(limits),
            places: Arc::new(Semaphore::new(config.connections_max)),
            connections: TaskTracker::new(),
            stop,
            kill: CancellationToken::new(),
            app,
        }
    }

    fn take(&self, stream: TcpStream) {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.app.meters.refused.increment(1);
            return;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection broke at once");
            return;
        }
        let calls = Calls::new();
        let service = Dispatch { app: Arc::clone(&self.app), api: self.api.clone(), calls: Arc::clone(&calls) };
        let (limits, stop, kill) = (Arc::clone(&self.limits), self.stop.clone(), self.kill.clone());
        let app = Arc::clone(&self.app);
        self.connections.spawn(async move {
            app.meters.connections.increment(1);
            tokio::select! {
                biased;
                () = kill.cancelled() => {}
                () = net::serve(stream, calls, service, limits, stop) => {}
            }
            app.meters.connections.decrement(1);
            drop(place);
        });
    }

    async fn drain(&self, tasks: &TaskTracker) {
        let until = Instant::now() + self.app.config.drain_timeout;
        self.connections.close();
        if timeout_at(until, self.connections.wait()).await.is_err() {
            tracing::warn!(connections = self.connections.len(), "requests did not end in time; closing them");
            self.kill.cancel();
            self.connections.wait().await;
        }
        tasks.close();
        if timeout_at(until, tasks.wait()).await.is_err() {
            tracing::warn!(tasks = tasks.len(), "some calls go on after their callers are gone");
        }
    }
}
