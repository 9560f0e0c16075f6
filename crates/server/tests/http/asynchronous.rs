//! Events that are on disk before they are answered.

use std::{sync::atomic::Ordering, time::Duration};

use tidemill_api::{BatchItem, ErrorCode};
use tidemill_client::Call;
use tidemill_core::InvocationId;

use crate::support::{DEADLINE, TestServer, problem, until};

fn id(location: &str) -> InvocationId {
    location.strip_prefix("/v1/invocations/").expect("it is an address of an invocation").parse().expect("it has an id")
}

#[tokio::test]
async fn respond_async_is_202_and_the_result_follows() {
    let server = TestServer::start().await;
    let reply = server.request("POST", "/f/echo/teapot", &[("prefer", "respond-async")], "x").await;
    assert_eq!(reply.status, 202);
    let id = id(reply.header("location").unwrap());
    let accepted: tidemill_api::Accepted = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!((accepted.id, accepted.status.as_str()), (id.0, "queued"));
    let detail = server.client.wait(id, DEADLINE).await.unwrap();
    assert_eq!((detail.invocation.status.as_str(), detail.invocation.response_status), ("succeeded", Some(418)));
    assert_eq!(detail.attempt_list.len(), 1);
    let timings = detail.invocation.timings;
    let sum = timings.received_us
        + timings.queued_us
        + timings.cold_start_us
        + timings.user_code_us
        + timings.transfer_us
        + timings.commit_us;
    assert_eq!(timings.total_us, sum);
    let result = server.client.result(id).await.unwrap();
    assert_eq!((result.status, &result.body[..], result.header("x-reply")), (418, &b"short and stout"[..], Some("1")));
    assert_eq!(server.client.event(id).await.unwrap(), "x");
    let logs = server.client.invocation_logs(id, 10).await.unwrap().lines;
    assert_eq!(logs.iter().map(|line| line.message.as_str()).collect::<Vec<_>>(), ["quiet", "loud"]);
    server.end().await;
}

#[tokio::test]
async fn an_asynchronous_function_needs_no_header() {
    let server = TestServer::start().await;
    server.deploy("later", "spec: {type: async}").await;
    assert_eq!(server.request("POST", "/f/later", &[], "x").await.status, 202);
    let reply = server.request("POST", "/f/later", &[("prefer", "wait=20")], "x").await;
    assert_eq!((reply.status, &reply.body[..]), (200, &b"x"[..]));
    server.end().await;
}

#[tokio::test]
async fn waiting_is_bounded() {
    let server = TestServer::start_with(|config| config.wait_max = Duration::from_millis(10)).await;
    let reply = server.request("POST", "/f/echo/block", &[("prefer", "respond-async, wait=20")], "").await;
    assert_eq!(reply.status, 202);
    let id = id(reply.header("location").unwrap());
    let error = server.client.result(id).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, ErrorCode::NotFinished);
    server.gate.open();
    until("the result", async || server.client.result(id).await.is_ok()).await;
    server.end().await;
}

#[tokio::test]
async fn the_first_answer_to_an_idempotency_key_is_the_answer_to_all() {
    let server = TestServer::start().await;
    let key = [("idempotency-key", "order-7")];
    let first = server.request("POST", "/f/echo/teapot", &key, "a").await;
    let second = server.request("POST", "/f/echo/teapot", &key, "b").await;
    assert_eq!((first.status, first.replayed), (418, false));
    assert_eq!((second.status, second.replayed), (418, true));
    assert_eq!((first.invocation, first.body), (second.invocation, second.body));
    assert_eq!(server.gate.calls.load(Ordering::SeqCst), 1);

    let key = [("idempotency-key", "order-8"), ("prefer", "respond-async")];
    let first = server.request("POST", "/f/echo", &key, "a").await;
    let second = server.request("POST", "/f/echo", &key, "a").await;
    assert_eq!((first.status, second.status, second.replayed), (202, 202, true));
    assert_eq!((first.header("location"), &first.body), (second.header("location"), &second.body));
    server.end().await;
}

#[tokio::test]
async fn a_delayed_event_waits() {
    let server = TestServer::start().await;
    let reply = server.request("POST", "/f/echo", &[("tidemill-delay", "1h"), ("tidemill-key", "k")], "x").await;
    assert_eq!(reply.status, 202);
    let id = id(reply.header("location").unwrap());
    let invocation = server.client.invocation(id).await.unwrap().invocation;
    assert_eq!((invocation.status.as_str(), invocation.key.as_deref()), ("queued", Some("k")));
    assert!(invocation.available_at.0.since(invocation.received_at.0) >= Duration::from_secs(3599));
    let cancelled = server.client.cancel(id).await.unwrap();
    assert_eq!(cancelled.result, "cancelled");
    let error = server.client.cancel(id).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, ErrorCode::Conflict);
    server.client.retry(id).await.unwrap();
    let detail = server.client.wait(id, DEADLINE).await.unwrap();
    assert_eq!(detail.invocation.status, "succeeded");
    server.end().await;
}

#[tokio::test]
async fn dead_letters_are_listed_redriven_and_purged() {
    let server = TestServer::start().await;
    server.deploy("frail", "spec: {type: async, retry: {maxAttempts: 1}}").await;
    let reply = server.request("POST", "/f/frail/fail", &[], "x").await;
    let id = id(reply.header("location").unwrap());
    let detail = server.client.wait(id, DEADLINE).await.unwrap();
    assert_eq!(detail.invocation.status, "dead_lettered");
    assert_eq!(detail.invocation.reason, "ValueError: no such size");
    let result = server.client.result(id).await.unwrap();
    assert_eq!(result.status, 500);
    assert_eq!(String::from_utf8_lossy(&result.body).trim_end(), "ValueError: no such size");
    let queue = server.client.queue("frail").await.unwrap();
    assert_eq!(queue.dead_lettered, 1);
    assert_eq!(server.client.redrive("frail", 10).await.unwrap().count, 1);
    until("it fails again", async || server.client.queue("frail").await.unwrap().dead_lettered == 1).await;
    assert_eq!(server.client.purge("frail", false, 10).await.unwrap().count, 1);
    let error = server.client.invocation(id).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, ErrorCode::NoInvocation);
    server.end().await;
}

#[tokio::test]
async fn batches_keep_their_order() {
    let server = TestServer::start().await;
    let items: Vec<_> = (0..6)
        .map(|number| BatchItem {
            json: Some(serde_json::json!({"number": number})),
            key: Some(format!("k{}", number % 2)),
            ..BatchItem::default()
        })
        .collect();
    let accepted = server.client.submit_batch("echo", &items).await.unwrap().invocations;
    assert_eq!(accepted.len(), 6);
    for (number, one) in accepted.iter().enumerate() {
        let id = InvocationId(one.id);
        let detail = server.client.wait(id, DEADLINE).await.unwrap().invocation;
        assert_eq!(detail.key, Some(format!("k{}", number % 2)));
        assert_eq!(detail.event.content_type, "application/json");
        assert_eq!(server.client.event(id).await.unwrap(), format!("{{\"number\":{number}}}"));
    }
    let both = [BatchItem { body: Some("a".into()), json: Some(1.into()), ..BatchItem::default() }];
    let error = server.client.submit_batch("echo", &both).await.unwrap_err();
    assert!(error.problem().unwrap().detail.contains("event 0"), "{error}");
    server.end().await;
}

#[tokio::test]
async fn a_full_queue_is_429() {
    let server = TestServer::start().await;
    server.deploy("short", "spec: {type: async, queue: {pendingMax: 2}}").await;
    server.client.pause("short").await.unwrap();
    for _ in 0..2 {
        assert_eq!(server.request("POST", "/f/short", &[], "x").await.status, 202);
    }
    let reply = server.request("POST", "/f/short", &[], "x").await;
    assert_eq!(problem(&reply).code, ErrorCode::QueueFull);
    assert!(reply.header("retry-after").is_some());
    assert_eq!(server.client.purge("short", true, 10).await.unwrap().count, 2);
    server.end().await;
}

#[tokio::test]
async fn a_paused_function_queues_and_refuses_to_be_called() {
    let server = TestServer::start().await;
    assert_eq!(server.client.pause("echo").await.unwrap().state, "paused");
    let reply = server.request("POST", "/f/echo", &[], "x").await;
    assert_eq!(problem(&reply).code, ErrorCode::Paused);
    let accepted = server.client.submit("echo", Call { body: "x".into(), ..Call::default() }).await.unwrap();
    assert_eq!(server.client.resume("echo").await.unwrap().state, "active");
    let detail = server.client.wait(InvocationId(accepted.id), DEADLINE).await.unwrap();
    assert_eq!(detail.invocation.status, "succeeded");
    server.end().await;
}

#[tokio::test]
async fn a_failing_store_is_a_problem() {
    let server = TestServer::start().await;
    server.store.fail_next(1);
    let reply = server.request("POST", "/f/echo", &[("prefer", "respond-async")], "x").await;
    let problem = problem(&reply);
    assert!(problem.code.is_retryable(), "{problem}");
    assert!(reply.header("retry-after").is_some());
    server.end().await;
}
