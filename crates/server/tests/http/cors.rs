//! Cross-origin rules over the wire.

use tidemill_api::ErrorCode;

use crate::support::{TestServer, problem};

const MANIFEST: &str = "spec: {triggers: {w: {kind: http, attributes: {methods: [GET, POST], cors: {enabled: true, \
    allowOrigins: ['https://mill.example'], allowHeaders: [X-Mine], allowCredentials: true, exposeHeaders: [X-Reply]}}}}}";

#[tokio::test]
async fn preflights_are_answered_for_the_function() {
    let server = TestServer::start().await;
    server.deploy("web", MANIFEST).await;
    let ask = |origin: &'static str, method: &'static str, headers: &'static str| {
        [("origin", origin), ("access-control-request-method", method), ("access-control-request-headers", headers)]
    };
    for (headers, status) in [
        (ask("https://mill.example", "POST", "x-mine"), 200),
        (ask("https://MILL.example", "GET", ""), 200),
        (ask("https://evil.example", "POST", "x-mine"), 400),
        (ask("https://mill.example", "POST", "x-mine, x-other"), 400),
        (ask("", "POST", ""), 400),
    ] {
        let reply = server.request("OPTIONS", "/f/web", &headers, "").await;
        assert_eq!(reply.status, status, "{headers:?}");
        assert_eq!(reply.header("access-control-allow-origin").is_some(), status == 200);
        if status == 200 {
            assert_eq!(reply.header("access-control-allow-credentials"), Some("true"));
            assert_eq!(reply.header("access-control-allow-headers"), Some("X-Mine"));
            assert_eq!(reply.header("access-control-max-age"), Some("5"));
        }
    }
    assert_eq!(server.gate.calls.load(std::sync::atomic::Ordering::SeqCst), 0);
    server.end().await;
}

#[tokio::test]
async fn responses_are_decorated() {
    let server = TestServer::start().await;
    server.deploy("web", MANIFEST).await;
    let reply = server.request("POST", "/f/web", &[("origin", "https://mill.example")], "x").await;
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://mill.example"));
    assert_eq!(reply.header("access-control-expose-headers"), Some("X-Reply"));
    assert_eq!(reply.header("vary"), Some("Origin"));
    let reply = server.request("POST", "/f/web", &[("origin", "https://evil.example")], "x").await;
    assert_eq!(problem(&reply).code, ErrorCode::OriginRefused);
    let reply = server.request("POST", "/f/web", &[], "x").await;
    assert_eq!(reply.status, 200);
    let reply = server.request("POST", "/f/echo", &[("origin", "https://evil.example")], "x").await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, None));
    server.end().await;
}
