//! What was interrupted is made up for.

use serde_json::json;
use tidemill_core::{
    FunctionRef, ProjectName,
    ports::{EntryChange, EntryId, EntryKind, Expected, Registry},
};
use tidemill_server::AbacoCase;

use crate::support::{Person, TestServer, until};

fn entry(id: &str) -> EntryId {
    EntryId { kind: EntryKind::Actor, project: ProjectName::default(), name: id.to_owned() }
}

fn function(id: &str) -> FunctionRef {
    FunctionRef::new(ProjectName::default(), id.parse().expect("an id is a name"))
}

#[tokio::test]
async fn an_actor_without_its_function_gets_it_back() {
    let server = TestServer::open(AbacoCase::Camel).await;
    let description = json!({"stateless": false, "webhook": "http://listener.example/"});
    let id = server.actor(Person::Nobody, description).await;
    server.engine.delete(&function(&id)).await.unwrap();
    server.engine.delete(&function(&format!("{id}.webhook"))).await.unwrap();
    let store = server.end().await;
    let server = TestServer::on(store, AbacoCase::Camel, |_| {}).await;
    server.reaches(Person::Nobody, &id, "READY").await;
    until("its webhook", async || server.engine.function(&function(&format!("{id}.webhook"))).is_some()).await;
    server.run(Person::Nobody, &id, "hi").await;
    server.end().await;
}

#[tokio::test]
async fn a_deletion_that_was_interrupted_is_finished() {
    let server = TestServer::open(AbacoCase::Camel).await;
    let id = server.actor(Person::Nobody, json!({})).await;
    server.run(Person::Nobody, &id, "hi").await;
    let found = server.store.entry(&entry(&id)).await.unwrap().unwrap();
    let mut record = found.value;
    record["is_going"] = true.into();
    let change = EntryChange { id: entry(&id), value: Some(record), expected: Expected::Version(found.version) };
    server.store.change(vec![change]).await.unwrap();
    let shown = server.get(Person::Nobody, &format!("/actors/{id}")).await.result();
    assert_eq!(shown["status"], "SHUTTING_DOWN");
    let put = server.put(Person::Nobody, &format!("/actors/{id}"), json!({"image": "x"})).await;
    put.refuses(400, "is being deleted");
    let store = server.end().await;
    let server = TestServer::on(store, AbacoCase::Camel, |_| {}).await;
    until("it is gone", async || server.get(Person::Nobody, &format!("/actors/{id}")).await.status == 404).await;
    assert!(server.engine.function(&function(&id)).is_none());
    let summary = server.get(Person::Nobody, "/actors/admin/executions").await.result()["summary"].clone();
    assert_eq!((&summary["totalActorsAll"], &summary["totalExecutionsAll"]), (&json!(1), &json!(1)));
    server.end().await;
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_stands_in_nobody_s_way() {
    let server = TestServer::open(AbacoCase::Camel).await;
    let id = server.actor(Person::Nobody, json!({})).await;
    let change = EntryChange { id: entry("damaged"), value: Some(json!({"format": 1})), expected: Expected::Absent };
    server.store.change(vec![change]).await.unwrap();
    let listed = server.get(Person::Nobody, "/actors").await.result();
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["id"]), (Some(1), &json!(id)));
    server.run(Person::Nobody, &id, "hi").await;
    server.end().await;
}

#[tokio::test]
async fn an_actor_s_past_outlives_a_restart() {
    let server = TestServer::open(AbacoCase::Camel).await;
    let id = server.actor(Person::Nobody, json!({"name": "mill"})).await;
    let (execution, logs) = server.run(Person::Nobody, &id, "hi").await;
    let store = server.end().await;
    let server = TestServer::on(store, AbacoCase::Camel, |_| {}).await;
    let shown = server.get(Person::Nobody, &format!("/actors/{id}")).await.result();
    assert_eq!((&shown["name"], &shown["status"]), (&json!("mill"), &json!("READY")));
    assert_eq!(server.logs(Person::Nobody, &id, &execution).await, logs);
    server.end().await;
}

#[tokio::test]
async fn a_failing_store_is_told_and_leaves_nothing_half_done() {
    let server = TestServer::open(AbacoCase::Camel).await;
    for failures in 1..8 {
        server.store.fail_next(failures);
        let answer = server.post(Person::Nobody, "/actors", json!({"image": "x"})).await;
        server.store.fail_next(0);
        assert!(matches!(answer.status, 200 | 500 | 503), "{answer:?}");
        answer.envelope();
    }
    until("every actor has its function", async || {
        let listed = server.get(Person::Nobody, "/actors").await.result();
        let listed = listed.as_array().unwrap();
        listed.iter().all(|actor| server.engine.function(&function(actor["id"].as_str().unwrap())).is_some())
    })
    .await;
    server.end().await;
}
