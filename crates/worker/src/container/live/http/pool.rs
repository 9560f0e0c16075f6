//! Connections to a server in a container.

use std::{fmt, io, net::SocketAddr, path::PathBuf};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::socket_path::short;

/// The name of the socket in the container's folder.
pub(super) const SOCKET: &str = "http.sock";

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// A port of the container.
    Port(SocketAddr),
    /// The socket in the container's folder, which is here.
    Socket(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Port(address) => address.fmt(f),
            Address::Socket(_) => write!(f, "$TIDEMILL_HTTP_SOCKET"),
        }
    }
}

type Sender = SendRequest<Full<Bytes>>;

/// Connections that wait for their next request.
pub(super) struct Pool {
    address: Address,
    idle: Mutex<Vec<Sender>>,
    idle_max: usize,
    tasks: TaskTracker,
    /// Cancelled when the container is over, and its connections with it.
    over: CancellationToken,
}

impl Pool {
    /// Keeps up to `idle_max` connections. They are read by tasks in `tasks`, which end with the container.
    pub fn new(address: Address, idle_max: usize, tasks: TaskTracker, over: CancellationToken) -> Pool {
        Pool { address, idle: Mutex::default(), idle_max, tasks, over }
    }

    /// Connects.
    pub async fn connect(&self) -> io::Result<Sender> {
        match &self.address {
            Address::Port(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                self.speak(stream).await
            }
            Address::Socket(folder) => {
                let (_folder, path) = short(folder, SOCKET)?;
                self.speak(UnixStream::connect(path).await?).await
            }
        }
    }

    async fn speak(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> io::Result<Sender> {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let over = self.over.clone();
        self.tasks.spawn(async move {
            // What goes wrong with it is told to whoever waits for a response.
            tokio::select! {
                _ = connection => {}
                () = over.cancelled() => {}
            }
        });
        Ok(sender)
    }

    /// Sends a request, on a new connection when the waiting ones turn out to be closed. The error is one line.
    pub async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<(Response<Incoming>, Sender), String> {
        loop {
            let waiting = self.idle.lock().pop();
            let is_new = waiting.is_none();
            let mut sender = match waiting {
                Some(sender) => sender,
                None => self.connect().await.map_err(|error| error.to_string())?,
            };
            if let Err(error) = sender.ready().await {
                if is_new {
                    return Err(line(&error));
                }
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, sender)),
                Err(mut error) => match error.take_message() {
                    // Nothing of it was sent.
                    Some(unsent) if !is_new => request = unsent,
                    _ => return Err(line(&error.into_error())),
                },
            }
        }
    }

    /// Keeps a connection whose response has been read.
    pub fn give_back(&self, sender: Sender) {
        let mut idle = self.idle.lock();
        if !sender.is_closed() && idle.len() < self.idle_max {
            idle.push(sender);
        }
    }

    /// Closes the connections that wait.
    pub fn clear(&self) {
        self.idle.lock().clear();
    }
}

/// An error with its causes, in one line.
pub(super) fn line(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
