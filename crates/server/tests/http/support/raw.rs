//! Requests as bytes, for those that no honest client sends.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::DEADLINE;

/// A connection.
pub struct Raw {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Raw {
    pub async fn connect(address: SocketAddr) -> Raw {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        Raw { stream, received: Vec::new() }
    }

    /// Writes; a peer that closes meanwhile is no failure.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// Reads until `mark` has come.
    pub async fn read_until(&mut self, mark: &str) -> String {
        let read = async {
            loop {
                if let Some(at) = find(&self.received, mark.as_bytes()) {
                    let rest = self.received.split_off(at + mark.len());
                    return std::mem::replace(&mut self.received, rest);
                }
                assert!(self.stream.read_buf(&mut self.received).await.expect("it can be read") > 0, "it ended early");
            }
        };
        let bytes = timeout(DEADLINE, read).await.unwrap_or_else(|_| panic!("{mark:?} did not come"));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Reads until the server closes.
    pub async fn read_to_end(mut self) -> String {
        let read = async {
            // A reset after the answer is an end as well.
            while self.stream.read_buf(&mut self.received).await.unwrap_or(0) > 0 {}
        };
        timeout(DEADLINE, read).await.expect("the server closes");
        String::from_utf8_lossy(&self.received).into_owned()
    }
}

fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    text.windows(mark.len()).position(|window| window == mark)
}

/// Sends `request` and reads until the server closes.
pub async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> String {
    let mut raw = Raw::connect(address).await;
    let _ = raw.send(request).await;
    raw.read_to_end().await
}
