//! The rest of the native API.

use futures_util::StreamExt;
use tidemill_api::ErrorCode;
use tidemill_client::{Call, Client, Error, InvocationQuery};

use crate::support::{TestServer, problem};

#[tokio::test]
async fn status_health_and_metrics() {
    let server = TestServer::start().await;
    server.client.live().await.unwrap();
    server.client.ready().await.unwrap();
    let status = server.client.status().await.unwrap();
    assert_eq!((status.functions, status.ready, status.store.ok), (1, true, true));
    assert_eq!(status.server.runtimes[0].name, "python");
    assert_eq!(server.request("POST", "/f/echo", &[], "x").await.status, 200);
    let metrics = server.client.metrics().await.unwrap();
    assert!(metrics.contains("tidemill_http_requests_total{part=\"gateway\",status=\"2xx\"}"), "{metrics}");
    assert!(metrics.contains("tidemill_http_connections"), "{metrics}");
    server.end().await;
}

#[tokio::test]
async fn functions_are_shown() {
    let server = TestServer::start().await;
    server
        .deploy(
            "clock",
            "spec: {triggers: {t: {kind: cron, attributes: {schedule: '0 9 * * 1', timeZone: Europe/Berlin}}}}",
        )
        .await;
    let functions = server.client.functions().await.unwrap().functions;
    assert_eq!(functions.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["clock", "echo"]);
    assert_eq!(functions[1].addresses, ["/f/echo"]);
    assert_eq!(functions[0].addresses, [""; 0]);
    let schedules = server.client.schedules().await.unwrap().schedules;
    assert_eq!((schedules[0].schedule.as_str(), schedules[0].time_zone.as_str()), ("0 9 * * 1", "Europe/Berlin"));
    let other = server.client.clone().project("other");
    assert_eq!(other.functions().await.unwrap().functions, []);
    let error = other.function("echo").await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, ErrorCode::NoFunction);
    server.end().await;
}

#[tokio::test]
async fn functions_without_address_are_invoked_by_name() {
    let server = TestServer::start().await;
    server.deploy("clock", "spec: {triggers: {t: {kind: cron, attributes: {schedule: '@hourly'}}}}").await;
    let call = Call {
        method: "PATCH".to_owned(),
        path: "/envelope".to_owned(),
        query: "a=b".to_owned(),
        headers: vec![("x-mine".to_owned(), "1".to_owned())],
        content_type: "text/plain".to_owned(),
        body: "x".into(),
        ..Call::default()
    };
    let reply = server.client.invoke("clock", call).await.unwrap();
    let event: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        (&event["method"], &event["path"], &event["query"]),
        (&"PATCH".into(), &"/envelope".into(), &"a=b".into())
    );
    let reply = server.client.invoke("clock", Call { path: "/fail".to_owned(), ..Call::default() }).await.unwrap();
    assert_eq!(reply.status, 500);
    let error = server.client.invoke("nobody", Call::default()).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, ErrorCode::NoFunction);
    server.end().await;
}

#[tokio::test]
async fn invocations_are_paged() {
    let server = TestServer::start().await;
    server.client.pause("echo").await.unwrap();
    for _ in 0..5 {
        server.client.submit("echo", Call::default()).await.unwrap();
    }
    let mut query = InvocationQuery { limit: Some(2), status: Some("queued".to_owned()), ..InvocationQuery::default() };
    let mut sizes = Vec::new();
    loop {
        let page = server.client.invocations(&query).await.unwrap();
        sizes.push(page.invocations.len());
        match page.next {
            Some(next) => query.before = Some(tidemill_core::InvocationId(next)),
            None => break,
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
    server.end().await;
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let server = TestServer::start().await;
    for (path, says) in [
        ("/v1/invocations?status=done", "status"),
        ("/v1/invocations?since=yesterday", "since"),
        ("/v1/invocations?limit=many", "invalid digit"),
        ("/v1/invocations?colour=red", "colour"),
        ("/v1/invocations?before=7", "\"7\" is not an invocation id"),
        ("/v1/invocations/7", "\"7\" is not an invocation id"),
        ("/v1/functions/a%20b", "function name"),
        ("/v1/functions?project=-", "project name"),
        ("/v1/invocations/0193a000-0000-7000-8000-000000000000?wait=soon", "wait"),
    ] {
        let reply = server.request("GET", path, &[], "").await;
        let problem = problem(&reply);
        assert_eq!(problem.status, 400, "{path}");
        assert!(problem.detail.contains(says), "{path}: {}", problem.detail);
    }
    for (path, body) in [("/v1/functions/echo/invocations/batch", "{"), ("/v1/functions/echo/rollback", "{\"to\": 1}")]
    {
        let reply = server.request("POST", path, &[], body).await;
        assert_eq!(problem(&reply).code, ErrorCode::BadRequest, "{path}");
    }
    server.end().await;
}

#[tokio::test]
async fn logs_are_followed() {
    let server = TestServer::start().await;
    server.client.invoke("echo", Call::default()).await.unwrap();
    crate::support::until("the first lines", async || !server.client.logs("echo", 10).await.unwrap().lines.is_empty())
        .await;
    let mut lines = server.client.follow_logs("echo", 1).await.unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap().message, "loud");
    server.client.invoke("echo", Call::default()).await.unwrap();
    let next = tokio::time::timeout(crate::support::DEADLINE, lines.next()).await.expect("a new line comes");
    assert_eq!(next.unwrap().unwrap().message, "quiet");
    server.stop.cancel();
    let rest = async { while lines.next().await.is_some() {} };
    tokio::time::timeout(crate::support::DEADLINE, rest).await.expect("the stream ends when the server stops");
    server.end().await;
}

#[tokio::test]
async fn nobody_there_has_a_hint() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = Client::new(&format!("http://{address}")).unwrap();
    let error = client.status().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("hint: is the server running? start it with: tidemill up"), "{error}");
    for url in ["127.0.0.1", "https://x", "http://x/path", ""] {
        assert!(matches!(Client::new(url), Err(Error::Url { .. })), "{url}");
    }
}

#[tokio::test]
async fn following_outlives_the_idle_timeout() {
    let server = TestServer::start_with(|config| config.idle_timeout = std::time::Duration::from_millis(20)).await;
    let mut lines = server.client.follow_logs("echo", 0).await.unwrap();
    // Far more than 20 milliseconds pass until each new line comes.
    for _ in 0..2 {
        server.client.invoke("echo", Call::default()).await.unwrap();
        for message in ["quiet", "loud"] {
            let next = tokio::time::timeout(crate::support::DEADLINE, lines.next()).await.expect("a new line comes");
            assert_eq!(next.unwrap().unwrap().message, message);
        }
    }
    server.end().await;
}
