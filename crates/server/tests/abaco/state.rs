//! `/actors/{actor}/state`.

use serde_json::json;
use tidemill_server::AbacoCase;

use crate::support::{Body, Person, TestServer};

#[tokio::test]
async fn state_is_read_replaced_and_handed_to_executions() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let user = Person::User;
    let id = server.actor(user, json!({"stateless": false})).await;
    let path = format!("/actors/{id}/state");
    let empty = server.get(user, &path).await;
    assert_eq!(
        (empty.message().as_str(), empty.result()),
        ("Actor state retrieved successfully.", json!({"state": {}}))
    );
    for state in [json!({"b": 1, "a": [2]}), json!("text"), json!([1]), json!(7)] {
        let put = server.post(user, &path, state.clone()).await;
        assert_eq!((put.message().as_str(), &put.result()["state"]), ("State updated successfully.", &state));
        assert_eq!(server.get(user, &path).await.result()["state"], state);
    }
    let raw = Body::Raw("application/json", r#"{"z": 1, "a": 2}"#.into());
    server.send(user, "POST", &path, raw).await.result();
    let (_, logs) = server.run(user, &id, "state {\"sacks\": 4}").await;
    assert!(logs.contains(r#"_abaco_actor_state={"z": 1, "a": 2}"#), "{logs}");
    assert_eq!(server.get(user, &path).await.result()["state"], json!({"sacks": 4}));
    for body in [
        Body::Json(json!({})),
        Body::Json(json!(0)),
        Body::Json(json!(false)),
        Body::Json(json!("")),
        Body::Raw("application/json", "{".into()),
        Body::Form("a=b"),
        Body::None,
    ] {
        let says = "Invalid actor state description: state must be JSON serializable.";
        server.send(user, "POST", &path, body).await.refuses(400, says);
    }
    server.end().await;
}

#[tokio::test]
async fn a_stateless_actor_has_none_to_replace() {
    let server = TestServer::start(AbacoCase::Snake).await;
    let id = server.actor(Person::User, json!({})).await;
    let path = format!("/actors/{id}/state");
    assert_eq!(server.get(Person::User, &path).await.result(), json!({"state": {}}));
    server.post(Person::User, &path, json!({"a": 1})).await.refuses(404, "actor is stateless.");
    server.end().await;
}
