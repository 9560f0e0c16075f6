//! `/actors/{actor}/messages`.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tidemill_server::AbacoCase;

use crate::{
    CASES,
    support::{Body, Person, TestServer, until},
};

#[tokio::test]
async fn messages_come_in_any_form() {
    for case in CASES {
        let server = TestServer::start(case).await;
        let user = Person::User;
        let id = server.actor(user, json!({})).await;
        let path = format!("/actors/{id}/messages");
        let by_query = format!("{path}?message=by%20query");
        let binary = Bytes::from_static(b"\x00\xff");
        for (target, body, msg, contents, form) in [
            (&path, Body::Form("message=by+form"), json!("by form"), "by form", "str"),
            (&path, Body::Json(json!({"message": "by json"})), json!("by json"), "by json", "str"),
            (&path, Body::Json(json!({"message": {"a": true}})), json!("{'a': True}"), "{'a': True}", "str"),
            (&by_query, Body::None, json!("by query"), "by query", "str"),
            (&path, Body::Json(json!({"k": "v"})), json!({"k": "v"}), r#"{"k":"v"}"#, "application/json"),
            (&path, Body::Raw("text/plain", "{\"k\": null}".into()), json!({"k": null}), "{'k': None}", "str"),
            (
                &path,
                Body::Raw("application/octet-stream", binary),
                json!("binary - omitted"),
                "\0\u{fffd}",
                "application/octet-stream",
            ),
        ] {
            let answer = server.send(user, "POST", target, body).await;
            assert_eq!(answer.message(), "The request was successful");
            let result = answer.result();
            assert_eq!(result["msg"], msg);
            let execution = result[server.k("execution_id")].as_str().unwrap().to_owned();
            let links = &result["_links"];
            assert_eq!(links["self"], format!("http://{}/actors/v2/{id}/executions/{execution}", server.address));
            server.execution(user, &id, &execution, "COMPLETE").await;
            let logs = server.logs(user, &id, &execution).await;
            assert!(logs.starts_with(&format!("Contents of MSG: {contents}\n")), "{logs}");
            assert!(logs.contains(&format!("header x-abaco-content-type: {form}\n")), "{logs}");
        }
        server.end().await;
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({})).await;
    for body in [
        Body::None,
        Body::Form("other=1"),
        Body::Raw("application/json", "{".into()),
        Body::Raw("application/json", "[1]".into()),
        Body::Raw("application/json", "\"text\"".into()),
        Body::Raw("text/plain", "text".into()),
    ] {
        let says = "message POST body could not be serialized.";
        server.send(Person::User, "POST", &format!("/actors/{id}/messages"), body).await.refuses(400, says);
    }
    server.end().await;
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused() {
    let server = TestServer::start_with(AbacoCase::Camel, |config| config.abaco.message_bytes_max = 100).await;
    let id = server.actor(Person::Nobody, json!({})).await;
    let body = Body::Raw("application/octet-stream", Bytes::from(vec![0; 101]));
    let answer = server.send(Person::Nobody, "POST", &format!("/actors/{id}/messages"), body).await;
    answer.refuses(400, "Message exceeds max content length of: 100");
    server.end().await;
}

#[tokio::test]
async fn an_execution_knows_who_asked_and_gets_the_parameters() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({"defaultEnvironment": {"A": "1"}})).await;
    let grant = json!({"user": "testotheruser", "level": "EXECUTE"});
    server.post(Person::User, &format!("/actors/{id}/permissions"), grant).await.result();
    let target = format!("/actors/{id}/messages?B=x%20y&B=z&message=hi&_abaco_synchronous=false&x-nonce=none");
    let sent = server.send(Person::Limited, "POST", &target, Body::None).await.result();
    let execution = sent["executionId"].as_str().unwrap();
    let done = server.execution(Person::User, &id, execution, "COMPLETE").await;
    assert_eq!(done["executor"], "testotheruser");
    let logs = server.logs(Person::User, &id, execution).await;
    for expected in [
        "A=1\nB=x y\nB=z\nheader ",
        "header x-abaco-jwt-header-name: X-Jwt-Assertion-Dev-Develop\n",
        "_abaco_username=testotheruser\n",
    ] {
        assert!(logs.contains(expected), "{expected}: {logs}");
    }
    let api_server = format!("header x-abaco-api-server: http://{}\n", server.address);
    assert!(logs.contains(&api_server) && !logs.contains("nonce") && !logs.contains("synchronous"), "{logs}");
    server.end().await;
}

#[tokio::test]
async fn where_containers_send_their_credentials_is_not_for_callers_to_say() {
    let evil = [
        ("host".to_owned(), "evil.example".to_owned()),
        ("x-abaco-api-server".to_owned(), "http://evil.example".to_owned()),
        ("X-Abaco-Jwt-Header-Name".to_owned(), "X-Evil".to_owned()),
    ];
    for configured in [None, Some("https://api.example.org")] {
        let server = TestServer::start_with(AbacoCase::Camel, |config| {
            config.auth = crate::support::tenants();
            config.abaco.api_server = configured.map(str::to_owned);
        })
        .await;
        let id = server.actor(Person::User, json!({})).await;
        let headers: Vec<_> = Person::User.header().into_iter().chain(evil.clone()).collect();
        let sent = server.raw("POST", &format!("/actors/{id}/messages?message=hi"), &headers, "".into()).await.result();
        // The native API is not reached by a strange name at all.
        let headers: Vec<_> = headers.into_iter().filter(|(name, _)| name != "host").collect();
        let natively = server.raw("POST", &format!("/v1/functions/{id}/invocations"), &headers, "hi".into()).await;
        let natively: serde_json::Value = serde_json::from_slice(&natively.body).unwrap();
        let batch = json!([{"body": "hi", "headers": {"X-Abaco-Api-Server": "http://evil.example"}}]);
        let target = format!("/v1/functions/{id}/invocations/batch");
        let headers: Vec<_> = Person::User.header().into_iter().collect();
        let batch = server.raw("POST", &target, &headers, batch.to_string().into()).await;
        let batch: serde_json::Value = serde_json::from_slice(&batch.body).unwrap();
        let own = configured.map_or_else(|| format!("http://{}", server.address), str::to_owned);
        for (execution, is_abaco) in
            [(&sent["executionId"], true), (&natively["id"], false), (&batch["invocations"][0]["id"], false)]
        {
            let execution = execution.as_str().unwrap();
            server.execution(Person::User, &id, execution, "COMPLETE").await;
            let logs = server.logs(Person::User, &id, execution).await;
            assert!(
                !logs.contains("x-abaco-jwt-header-name: X-Evil") && !logs.contains("http://evil.example"),
                "{logs}"
            );
            assert_eq!(logs.contains(&format!("header x-abaco-api-server: {own}\n")), is_abaco, "{logs}");
        }
        server.end().await;
    }
}

#[tokio::test]
async fn the_mailbox_is_counted_and_purged() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let user = Person::User;
    let id = server.actor(user, json!({"stateless": false})).await;
    let first = server.message(user, &id, "block").await;
    server.execution(user, &id, &first, "RUNNING").await;
    for _ in 0..3 {
        server.message(user, &id, "wait").await;
    }
    let path = format!("/actors/{id}/messages");
    let counted = server.get(user, &path).await;
    assert_eq!((counted.message().as_str(), &counted.result()["messages"]), ("The request was successful", &json!(3)));
    assert_eq!(counted.result()["_links"]["self"], format!("http://{}/actors/v2/{id}/messages", server.address));
    assert_eq!(server.delete(user, &path).await.result()["msg"], "Actor mailbox purged.");
    assert_eq!(server.get(user, &path).await.result()["messages"], 0);
    server.stage.open();
    server.execution(user, &id, &first, "COMPLETE").await;
    server.end().await;
}

#[tokio::test]
async fn a_synchronous_message_is_answered_by_its_execution() {
    let server = TestServer::start(AbacoCase::Camel).await;
    for stateless in [true, false] {
        let id = server.actor(Person::User, json!({"stateless": stateless})).await;
        let path = format!("/actors/{id}/messages?_abaco_synchronous=True");
        let logs = server.post(Person::User, &path, json!({"message": "hello"})).await;
        assert_eq!((logs.status, logs.content_type.as_str()), (200, "text/html; charset=utf-8"));
        assert!(logs.body.starts_with(b"Contents of MSG: hello\n"), "{logs:?}");
        let execution = logs.header("tidemill-invocation-id").unwrap();
        server.execution(Person::User, &id, execution, "COMPLETE").await;
        let result = server.post(Person::User, &path, json!({"message": "result one two"})).await;
        assert_eq!((result.status, result.content_type.as_str()), (200, "application/octet-stream"));
        assert_eq!(result.body, "one");
        let execution = result.header("tidemill-invocation-id").unwrap();
        let rest = server.get(Person::User, &format!("/actors/{id}/executions/{execution}/results")).await;
        assert_eq!(rest.body, "two");
    }
    server.end().await;
}

#[tokio::test]
async fn a_synchronous_message_does_not_wait_for_ever() {
    let server = TestServer::start_with(AbacoCase::Camel, |config| {
        config.wait_max = Duration::from_millis(50);
    })
    .await;
    let id = server.actor(Person::Nobody, json!({"stateless": false})).await;
    server.reaches(Person::Nobody, &id, "READY").await;
    let path = format!("/actors/{id}/messages?_abaco_synchronous=true");
    let late = server.post(Person::Nobody, &path, json!({"message": "block"})).await;
    late.refuses(504, "goes on; look at it later.");
    for _ in 0..4 {
        server.message(Person::Nobody, &id, "wait").await;
    }
    let full = server.post(Person::Nobody, &path, json!({"message": "more"})).await;
    full.refuses(400, "Cannot issue synchronous execution when actor message queue > 0.");
    server.stage.open();
    let path = format!("/actors/{id}/messages");
    until("the mailbox to be empty", async || server.get(Person::Nobody, &path).await.result()["messages"] == 0).await;
    server.end().await;
}
