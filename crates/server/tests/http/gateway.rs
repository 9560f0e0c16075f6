//! Functions at their addresses.

use tidemill_api::ErrorCode;

use crate::support::{Raw, TestServer, exchange, problem};

#[tokio::test]
async fn requests_become_events() {
    let server = TestServer::start().await;
    let headers =
        [("X-Twice", "1"), ("x-twice", "2"), ("content-type", "text/css"), ("connection", "x-hop"), ("x-hop", "1")];
    let reply = server.request("PUT", "/f/echo/envelope?a=b&c", &headers, "body").await;
    assert_eq!(reply.status, 200);
    assert!(reply.invocation.is_some());
    assert_eq!(reply.header("server"), Some("tidemill"));
    let event: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(event["method"], "PUT");
    assert_eq!(event["path"], "/envelope");
    assert_eq!(event["query"], "a=b&c");
    assert_eq!(event["content_type"], "text/css");
    assert_eq!(event["trigger"]["kind"], "http");
    assert_eq!(event["id"], reply.invocation.unwrap().to_string());
    let headers = event["headers"].as_array().unwrap();
    assert!(headers.contains(&serde_json::json!(["x-twice", "1, 2"])), "{headers:?}");
    assert!(!headers.iter().any(|header| header[0] == "x-hop" || header[0] == "connection"), "{headers:?}");
    server.end().await;
}

#[tokio::test]
async fn replies_are_passed_on() {
    let server = TestServer::start().await;
    for (path, status, body) in
        [("/teapot", 418, "short and stout"), ("/empty", 204, ""), ("", 200, "hello"), ("/deeper/down", 200, "hello")]
    {
        let reply = server.request("POST", &format!("/f/echo{path}"), &[], "hello").await;
        assert_eq!((reply.status, std::str::from_utf8(&reply.body).unwrap()), (status, body), "{path}");
        assert_eq!(reply.header("x-reply"), Some("1"));
    }
    server.end().await;
}

#[tokio::test]
async fn exceptions_are_one_line() {
    let server = TestServer::start().await;
    let reply = server.request("POST", "/f/echo/fail", &[], "").await;
    assert_eq!((reply.status, reply.content_type.as_str()), (500, "text/plain; charset=utf-8"));
    assert_eq!(std::str::from_utf8(&reply.body).unwrap().trim_end(), "ValueError: no such size");
    let reply = server.request("POST", "/f/echo/crash", &[], "").await;
    assert!(reply.status >= 500, "{}", reply.status);
    assert_eq!(std::str::from_utf8(&reply.body).unwrap().lines().count(), 1);
    server.end().await;
}

#[tokio::test]
async fn what_cannot_be_answered_is_a_problem() {
    let server = TestServer::start().await;
    server.deploy("timed", "spec: {triggers: {t: {kind: cron, attributes: {schedule: '@hourly'}}}}").await;
    server
        .deploy("posted", "spec: {triggers: {w: {kind: http, attributes: {methods: [POST], paths: [/in/*, /]}}}}")
        .await;
    for (method, path, code, says) in [
        ("GET", "/f/nobody/x", ErrorCode::NoFunction, "nobody"),
        ("GET", "/f/", ErrorCode::NoFunction, ""),
        ("GET", "/elsewhere", ErrorCode::NotFound, "/elsewhere"),
        ("GET", "/v1/elsewhere", ErrorCode::NotFound, "/v1/elsewhere"),
        ("GET", "/", ErrorCode::MethodNotAllowed, "POST"),
        ("DELETE", "/v1/status", ErrorCode::MethodNotAllowed, "DELETE"),
        ("GET", "/f/timed", ErrorCode::NoAddress, "message or timer"),
        ("GET", "/f/posted", ErrorCode::MethodNotAllowed, "POST"),
        ("GET", "/in/here", ErrorCode::MethodNotAllowed, "POST"),
    ] {
        let reply = server.request(method, path, &[], "").await;
        let problem = problem(&reply);
        assert_eq!(problem.code, code, "{method} {path}");
        assert!(problem.detail.contains(says), "{method} {path}: {}", problem.detail);
        if code == ErrorCode::MethodNotAllowed {
            assert!(reply.header("allow").is_some(), "{method} {path}");
        }
    }
    let reply = server.request("POST", "/in/here/and/there", &[], "x").await;
    assert_eq!((reply.status, &reply.body[..]), (200, &b"x"[..]));
    server.end().await;
}

#[tokio::test]
async fn head_has_no_body() {
    let server = TestServer::start().await;
    for path in ["/f/echo/envelope", "/livez", "/f/nobody"] {
        let text =
            exchange(server.address, format!("HEAD {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, "", "{path}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        assert_ne!(length, "0", "{path}");
    }
    server.end().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = TestServer::start().await;
    let mut raw = Raw::connect(server.address).await;
    let mut requests = String::new();
    for number in 0..20 {
        requests += &format!("POST /f/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nn{number:03}");
    }
    raw.send(requests).await.unwrap();
    for number in 0..20 {
        let text = raw.read_until(&format!("n{number:03}")).await;
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    }
    server.end().await;
}

#[tokio::test]
async fn expect_continue_works() {
    let server = TestServer::start().await;
    let mut raw = Raw::connect(server.address).await;
    raw.send("POST /f/echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n").await.unwrap();
    raw.read_until("HTTP/1.1 100 Continue\r\n\r\n").await;
    raw.send("later").await.unwrap();
    assert!(raw.read_until("later").await.starts_with("HTTP/1.1 200"));
    server.end().await;
}

#[tokio::test]
async fn http2_is_spoken() {
    let server = TestServer::start().await;
    // The preface and an empty SETTINGS frame; the server's own SETTINGS come back.
    let mut raw = Raw::connect(server.address).await;
    raw.send(b"PRI * HTTP/2.0\r\n").await.unwrap();
    raw.send(b"\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    raw.read_until("\u{4}").await;
    drop(raw);
    server.end().await;
}

#[tokio::test]
async fn logs_and_timing_come_when_asked_for() {
    let server = TestServer::start().await;
    let reply =
        server.request("POST", "/f/echo", &[("x-nuclio-log-level", "info"), ("tidemill-timing", "1")], "").await;
    let logs: serde_json::Value = serde_json::from_str(reply.header("x-nuclio-logs").unwrap()).unwrap();
    assert_eq!(logs.as_array().unwrap().len(), 1);
    assert_eq!(logs[0]["message"], "loud");
    let timing = reply.header("server-timing").unwrap();
    assert!(timing.contains("user-code;dur=") && timing.contains("total;dur="), "{timing}");
    let reply = server.request("POST", "/f/echo", &[], "").await;
    assert_eq!((reply.header("x-nuclio-logs"), reply.header("server-timing")), (None, None));
    server.end().await;
}

#[tokio::test]
async fn a_caller_that_hangs_up_interrupts_nothing() {
    let server = TestServer::start().await;
    let mut raw = Raw::connect(server.address).await;
    raw.send("POST /f/echo/block HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let gate = server.gate.clone();
    let entered = || gate.entered.load(std::sync::atomic::Ordering::SeqCst) == 1;
    crate::support::until("the call", async || entered()).await;
    drop(raw);
    gate.open();
    crate::support::until("its end", async || gate.left.load(std::sync::atomic::Ordering::SeqCst) == 1).await;
    server.end().await;
}

#[tokio::test]
async fn no_free_worker_is_503() {
    let server = TestServer::start().await;
    server
        .deploy(
            "narrow",
            "spec: {triggers: {w: {kind: http, numWorkers: 1, workerAvailabilityTimeoutMilliseconds: 1}}}",
        )
        .await;
    let mut held = Vec::new();
    for _ in 0..16 {
        let mut raw = Raw::connect(server.address).await;
        raw.send("POST /f/narrow/block HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        held.push(raw);
    }
    let gate = server.gate.clone();
    crate::support::until("sixteen calls", async || gate.entered.load(std::sync::atomic::Ordering::SeqCst) == 16).await;
    let reply = server.request("POST", "/f/narrow", &[], "").await;
    assert_eq!(problem(&reply).code, ErrorCode::NoWorker);
    assert!(reply.header("retry-after").is_some());
    server.end().await;
}
