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
async fn a_function_that_no_actor_names_is_deleted() {
    let server = TestServer::open(AbacoCase::Camel).await;
    let (id, other) = (
        server
            .actor(Person::Nobody, json!({"webhook": "http://listener.example/", "cronSchedule": "now + 1 hour"}))
            .await,
        server.actor(Person::Nobody, json!({})).await,
    );
    let change = EntryChange { id: entry(&id), value: None, expected: Expected::Any };
    server.store.change(vec![change]).await.unwrap();
    let store = server.end().await;
    let server = TestServer::on(store, AbacoCase::Camel, |_| {}).await;
    for name in [id.clone(), format!("{id}.webhook")] {
        until("it is gone", async || server.engine.function(&function(&name)).is_none()).await;
    }
    assert!(server.engine.function(&function(&other)).is_some());
    assert!(server.engine.store().schedules().await.unwrap().is_empty());
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_that_is_deleted_while_it_changes_does_not_come_back() {
    let server = TestServer::open(AbacoCase::Camel).await;
    for round in 0..60 {
        let id = server.actor(Person::Nobody, json!({})).await;
        let path = format!("/actors/{id}");
        let change = json!({"image": format!("other:{round}"), "webhook": "http://listener.example/"});
        let (put, deleted) =
            tokio::join!(server.put(Person::Nobody, &path, change), server.delete(Person::Nobody, &path));
        assert!(matches!(put.status, 200 | 400 | 404), "{put:?}");
        deleted.result();
        assert_eq!(server.get(Person::Nobody, &path).await.status, 404);
        for name in [id.clone(), format!("{id}.webhook")] {
            assert!(server.engine.function(&function(&name)).is_none(), "{name} is there after its actor");
        }
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_definition_that_was_stored_last_is_the_one_that_runs() {
    let server = TestServer::open(AbacoCase::Camel).await;
    let id = server.actor(Person::Nobody, json!({})).await;
    let path = format!("/actors/{id}");
    for round in 0..40 {
        let images = [format!("a:{round}"), format!("b:{round}")];
        let [one, two] = images.each_ref().map(|image| server.put(Person::Nobody, &path, json!({"image": image})));
        let (one, two) = tokio::join!(one, two);
        one.result();
        two.result();
        let stored = server.get(Person::Nobody, &path).await.result();
        let spec = server.engine.function(&function(&id)).unwrap().spec;
        assert_eq!(json!(spec.container.as_ref().unwrap().image), stored["image"]);
    }
    server.end().await;
}

#[tokio::test]
async fn an_actor_that_cannot_be_made_counts_for_nothing() {
    let server = TestServer::open(AbacoCase::Camel).await;
    let before = server.get(Person::Nobody, "/actors/admin/executions").await.result()["summary"].clone();
    let mut refused = 0;
    for failures in 1..12 {
        server.store.fail_next(failures);
        let answer = server.post(Person::Nobody, "/actors", json!({"image": "x"})).await;
        server.store.fail_next(0);
        refused += usize::from(answer.status != 200);
    }
    assert!(refused > 0);
    let there = server.get(Person::Nobody, "/actors").await.result().as_array().unwrap().len();
    let summary = server.get(Person::Nobody, "/actors/admin/executions").await.result()["summary"].clone();
    assert_eq!(before["totalActorsAll"], json!(0));
    assert_eq!(summary["totalActorsAll"], json!(there));
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
