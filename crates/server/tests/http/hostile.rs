//! Requests that are too large, too slow, broken or too many.

use std::{sync::atomic::Ordering, time::Duration};

use tidemill_api::ErrorCode;

use crate::support::{Raw, TestServer, exchange, problem, until};

fn status(text: &str) -> &str {
    text.split(' ').nth(1).unwrap_or("none")
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_refused_at_once() {
    let server = TestServer::start_with(|config| config.body_bytes_max = 1000).await;
    let mut raw = Raw::connect(server.address).await;
    raw.send("POST /f/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5000000000\r\n\r\n").await.unwrap();
    let text = raw.read_until("\"body_too_large\"").await;
    assert_eq!(status(&text), "413");
    let reply = server.request("POST", "/f/echo", &[], &"x".repeat(1001)).await;
    assert_eq!(problem(&reply).code, ErrorCode::BodyTooLarge);
    assert_eq!(server.request("POST", "/f/echo", &[], &"x".repeat(1000)).await.status, 200);
    server.end().await;
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_refused() {
    let server = TestServer::start().await;
    server.deploy("small", "spec: {triggers: {w: {kind: http, attributes: {maxRequestBodySize: 10}}}}").await;
    let mut raw = Raw::connect(server.address).await;
    raw.send("POST /f/small HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n8\r\n01234567\r\n8\r\n")
        .await
        .unwrap();
    raw.send("01234567\r\n").await.unwrap();
    let text = raw.read_until("\"body_too_large\"").await;
    assert_eq!(status(&text), "413");
    assert_eq!(server.gate.calls.load(Ordering::SeqCst), 0);
    server.end().await;
}

#[tokio::test]
async fn a_truncated_body_runs_nothing() {
    let server = TestServer::start().await;
    let mut raw = Raw::connect(server.address).await;
    raw.send("POST /f/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nshort").await.unwrap();
    drop(raw);
    // Another request on another connection is answered meanwhile and after.
    assert_eq!(server.request("POST", "/f/echo", &[], "x").await.status, 200);
    let text = exchange(
        server.address,
        "POST /f/echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    )
    .await;
    assert!(matches!(status(&text), "400" | "none"), "{text}");
    assert_eq!(server.gate.calls.load(Ordering::SeqCst), 1);
    server.end().await;
}

#[tokio::test]
async fn header_floods_are_431() {
    let server = TestServer::start().await;
    let mut many = "GET /f/echo HTTP/1.1\r\nhost: x\r\n".to_owned();
    for number in 0..1000 {
        many += &format!("x-{number}: y\r\n");
    }
    assert_eq!(status(&exchange(server.address, many + "\r\n").await), "431");
    let large = format!("GET /f/echo HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n", "y".repeat(200 * 1024));
    assert_eq!(status(&exchange(server.address, large).await), "431");
    assert_eq!(server.request("POST", "/f/echo", &[], "x").await.status, 200);
    server.end().await;
}

#[tokio::test]
async fn a_slow_head_is_408() {
    let server = TestServer::start_with(|config| config.header_read_timeout = Duration::from_millis(50)).await;
    for begun in ["G", "P", "GET /f/echo HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let text = exchange(server.address, begun).await;
        assert!(matches!(status(&text), "408" | "none"), "{begun}: {text}");
    }
    let text = exchange(server.address, "GET /f/echo HTTP/1.1\r\nhost: x\r\n").await;
    assert_eq!(status(&text), "408");
    // The second request of a connection as well.
    let mut raw = Raw::connect(server.address).await;
    raw.send("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    raw.read_until("ok\n").await;
    raw.send("GET /livez HT").await.unwrap();
    assert_eq!(status(&raw.read_to_end().await), "408");
    server.end().await;
}

#[tokio::test]
async fn idle_connections_outlive_the_head_timeout_and_not_the_idle_timeout() {
    let server = TestServer::start_with(|config| {
        config.header_read_timeout = Duration::from_millis(1);
        config.idle_timeout = Duration::from_secs(3600);
    })
    .await;
    let mut raw = Raw::connect(server.address).await;
    raw.send("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    raw.read_until("ok\n").await;
    // Far more than a millisecond passes while these are answered.
    for _ in 0..50 {
        assert_eq!(server.request("POST", "/f/echo", &[], "x").await.status, 200);
    }
    raw.send("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    raw.read_until("ok\n").await;
    server.end().await;

    let server = TestServer::start_with(|config| config.idle_timeout = Duration::from_millis(50)).await;
    assert_eq!(exchange(server.address, "").await, "");
    let text = exchange(server.address, "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(text.ends_with("ok\n"), "{text}");
    server.end().await;
}

#[tokio::test]
async fn a_slow_body_is_408() {
    let server = TestServer::start_with(|config| config.request_read_timeout = Duration::from_millis(50)).await;
    for path in ["/f/echo", "/v1/functions/echo/invocations", "/v1/topics/t/events"] {
        let mut raw = Raw::connect(server.address).await;
        raw.send(format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nslow")).await.unwrap();
        let text = raw.read_until("\"request_timeout\"").await;
        assert_eq!(status(&text), "408", "{path}");
    }
    assert_eq!(server.gate.calls.load(Ordering::SeqCst), 0);
    server.end().await;
}

#[tokio::test]
async fn a_slow_package_is_408() {
    let server = TestServer::start_with(|config| config.request_read_timeout = Duration::from_millis(50)).await;
    let mut raw = Raw::connect(server.address).await;
    raw.send("POST /v1/functions HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 1000\r\n\r\n--b\r\n")
        .await
        .unwrap();
    assert_eq!(status(&raw.read_until("\"request_timeout\"").await), "408");
    server.end().await;
}

#[tokio::test]
async fn connections_above_the_limit_are_closed() {
    let server = TestServer::start_with(|config| config.connections_max = 3).await;
    // One is the client's own.
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut raw = Raw::connect(server.address).await;
        raw.send("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        raw.read_until("ok\n").await;
        held.push(raw);
    }
    assert_eq!(exchange(server.address, "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await, "");
    drop(held);
    let address = server.address;
    until("a free place", async || {
        let request = "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        exchange(address, request).await.ends_with("ok\n")
    })
    .await;
    server.end().await;
}

#[tokio::test]
async fn strange_bytes_are_survived() {
    let server = TestServer::start().await;
    for request in [
        &b"\xff\xfe\xfd\r\n\r\n"[..],
        b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET /f/%ff%00 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET /f/../../etc/passwd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"POST /f/echo HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /f/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    ] {
        let text = exchange(server.address, request).await;
        assert!(text.is_empty() || status(&text).starts_with('4'), "{text}");
    }
    let text = exchange(
        server.address,
        b"GET /f/echo/envelope HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-latin: \xe4\r\n\r\n",
    )
    .await;
    assert!(text.contains("[\"x-latin\",\"ä\"]"), "{text}");
    let reply = server.request("POST", "/f/echo", &[], "x").await;
    assert_eq!(reply.status, 200);
    server.end().await;
}

#[tokio::test]
async fn pages_cannot_use_the_api() {
    let server = TestServer::start().await;
    let reply = server.request("POST", "/v1/functions/echo/pause", &[("origin", "https://evil.example")], "").await;
    assert_eq!(problem(&reply).code, ErrorCode::OriginRefused);
    let reply = server.request("GET", "/v1/functions", &[("host", "evil.example")], "").await;
    assert_eq!(problem(&reply).code, ErrorCode::OriginRefused);
    assert_eq!(server.request("GET", "/livez", &[("host", "mill.internal")], "").await.status, 200);
    assert_eq!(server.request("POST", "/f/echo", &[("host", "mill.example")], "x").await.status, 200);
    assert_eq!(server.client.function("echo").await.unwrap().state, "active");
    server.end().await;
}

#[tokio::test]
async fn idle_connections_do_not_stand_in_the_way() {
    let server = TestServer::start().await;
    let mut idle = Vec::new();
    for number in 0..300 {
        let mut raw = Raw::connect(server.address).await;
        if number % 2 == 0 {
            raw.send("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            raw.read_until("ok\n").await;
        }
        idle.push(raw);
    }
    assert_eq!(server.request("POST", "/f/echo", &[], "x").await.status, 200);
    let first = idle.swap_remove(0);
    server.stop.cancel();
    assert_eq!(first.read_to_end().await, "");
    server.end().await;
}

#[tokio::test]
async fn a_quiet_connection_is_taken_up_again() {
    let server = TestServer::start_with(|config| config.quiet_after = Duration::from_millis(1)).await;
    let mut raw = Raw::connect(server.address).await;
    for _ in 0..5 {
        raw.send("POST /f/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nagain").await.unwrap();
        assert!(raw.read_until("again").await.starts_with("HTTP/1.1 200"));
        // Far more than a millisecond passes while these are answered.
        for _ in 0..20 {
            assert_eq!(server.request("POST", "/f/echo", &[], "x").await.status, 200);
        }
    }
    let mut slow = Raw::connect(server.address).await;
    slow.send("POST /f/echo/block HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n").await.unwrap();
    slow.send("GET ").await.unwrap();
    slow.send("GET /livez HTTP/1.1\r\n").await.unwrap();
    let gate = server.gate.clone();
    until("the call", async || gate.entered.load(Ordering::SeqCst) == 1).await;
    gate.open();
    slow.read_until("let through").await;
    slow.send("host: x\r\n\r\n").await.unwrap();
    slow.read_until("ok\n").await;
    server.end().await;
}

#[tokio::test]
async fn a_large_response_is_not_cut_when_its_reader_pauses() {
    let server = TestServer::start_with(|config| config.quiet_after = Duration::from_millis(1)).await;
    let size = 20 * 1024 * 1024;
    let mut raw = Raw::connect(server.address).await;
    let head = format!("POST /f/echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {size}\r\n\r\n");
    raw.send(head).await.unwrap();
    raw.send(vec![b'x'; size]).await.unwrap();
    for _ in 0..20 {
        assert_eq!(server.request("POST", "/f/echo", &[], "x").await.status, 200);
    }
    let text = raw.read_to_end().await;
    assert_eq!(text.split_once("\r\n\r\n").unwrap().1.len(), size);
    server.end().await;
}
