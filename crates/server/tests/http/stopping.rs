//! Stopping without dropping anybody.

use std::sync::atomic::Ordering;

use crate::support::{Raw, TestServer, until};

#[tokio::test]
async fn open_requests_are_finished() {
    let server = TestServer::start().await;
    let mut raw = Raw::connect(server.address).await;
    raw.send("POST /f/echo/block HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let gate = server.gate.clone();
    until("the call", async || gate.entered.load(Ordering::SeqCst) == 1).await;
    let mut idle = Raw::connect(server.address).await;
    idle.send("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    idle.read_until("ok\n").await;
    server.stop.cancel();
    // The idle connection ends at once; a new one is not taken.
    assert_eq!(idle.read_to_end().await, "");
    until("the listener closes", async || tokio::net::TcpStream::connect(server.address).await.is_err()).await;
    gate.open();
    assert!(raw.read_to_end().await.ends_with("let through"));
    server.end().await;
}

#[tokio::test]
async fn what_does_not_end_is_closed() {
    let server = TestServer::start_with(|config| config.drain_timeout = std::time::Duration::from_millis(20)).await;
    let mut raw = Raw::connect(server.address).await;
    raw.send("POST /f/echo/block HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let gate = server.gate.clone();
    until("the call", async || gate.entered.load(Ordering::SeqCst) == 1).await;
    server.stop.cancel();
    assert_eq!(raw.read_to_end().await, "");
    server.end().await;
}
