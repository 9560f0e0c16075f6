//! CloudEvents over the wire.

use tidemill_api::{AcceptedBatch, ErrorCode};

use crate::support::{TestServer, problem};

const ENVELOPE: &str =
    r#"{"specversion": "1.0", "id": "A-1", "source": "/mill", "type": "tide.turned", "data": {"height": 3}}"#;

#[tokio::test]
async fn both_modes_reach_the_function() {
    let server = TestServer::start().await;
    let binary = [("ce-specversion", "1.0"), ("ce-id", "A-1"), ("ce-source", "/mill"), ("ce-type", "tide.turned")];
    let structured = [("content-type", "application/cloudevents+json")];
    for (headers, body) in [(&binary[..], "{}"), (&structured[..], ENVELOPE)] {
        let reply = server.request("POST", "/f/echo/envelope", headers, body).await;
        let event: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(
            (&event["id"], &event["type"], &event["source"]),
            (&"A-1".into(), &"tide.turned".into(), &"/mill".into())
        );
    }
    let reply = server.request("POST", "/f/echo", &structured, ENVELOPE).await;
    assert_eq!(reply.body, r#"{"height": 3}"#);
    let reply = server.request("POST", "/f/echo", &structured, "{}").await;
    assert_eq!(problem(&reply).code, ErrorCode::BadEnvelope);
    server.end().await;
}

#[tokio::test]
async fn batches_are_asynchronous() {
    let server = TestServer::start().await;
    let body = format!("[{ENVELOPE}, {ENVELOPE}]");
    let batch = ("content-type", "application/cloudevents-batch+json");
    let reply = server.request("POST", "/f/echo", &[batch], &body).await;
    assert_eq!(problem(&reply).code, ErrorCode::UnsupportedMediaType);
    let reply = server.request("POST", "/f/echo", &[batch, ("prefer", "respond-async")], &body).await;
    assert_eq!(reply.status, 202);
    let accepted: AcceptedBatch = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(accepted.invocations.len(), 2);
    server.end().await;
}

#[tokio::test]
async fn topics_take_batches() {
    let server = TestServer::start().await;
    let body = format!("[{ENVELOPE}, {ENVELOPE}]");
    let published = server.client.publish("tides", "text/plain", &[], "x").await.unwrap();
    assert!(published.invocations.is_empty());
    for name in ["one", "two"] {
        server.deploy(name, "spec: {triggers: {m: {kind: message, attributes: {topic: tides}}}}").await;
    }
    let published = server.client.publish("tides", "application/cloudevents-batch+json", &[], body).await.unwrap();
    assert_eq!(published.invocations.len(), 4);
    let topics = server.client.topics().await.unwrap().topics;
    assert_eq!((topics[0].topic.as_str(), topics[0].subscribers.len()), ("tides", 2));
    server.end().await;
}
