//! The quick start of Abaco's README, on a server without tokens.

use serde_json::Value;
use tidemill_server::AbacoCase;

use crate::support::{Body, Person, TestServer};

#[tokio::test]
async fn the_quick_start_works_word_for_word() {
    let server = TestServer::open(AbacoCase::Camel).await;
    let nobody = Person::Nobody;
    let created = server.send(nobody, "POST", "/actors", Body::Form("image=abacosamples/test")).await;
    assert_eq!(created.message(), "Actor created successfully.");
    let actor = created.result();
    let id = actor["id"].as_str().unwrap().to_owned();
    assert_eq!((&actor["image"], &actor["owner"]), (&"abacosamples/test".into(), &"anonymous".into()));
    assert_eq!(actor["_links"]["self"], format!("http://{}/actors/v2/{id}", server.address));
    server.reaches(nobody, &id, "READY").await;
    let listed = server.get(nobody, "/actors").await.result();
    assert_eq!(listed.as_array().unwrap().len(), 1);

    let sent = server
        .send(nobody, "POST", &format!("/actors/{id}/messages"), Body::Form("message=execute yourself"))
        .await
        .result();
    assert_eq!(sent["msg"], "execute yourself");
    let execution = sent["executionId"].as_str().unwrap().to_owned();
    let execution_link = sent["_links"]["self"].as_str().unwrap().to_owned();
    server.execution(nobody, &id, &execution, "COMPLETE").await;

    let summary = server.get(nobody, &format!("/actors/{id}/executions")).await.result();
    assert_eq!(
        (&summary["totalExecutions"], &summary["executions"][0]["id"]),
        (&1.into(), &Value::from(execution.as_str()))
    );
    let path = execution_link.split_once("/actors/").unwrap().1;
    let one = server.get(nobody, &format!("/actors/{path}")).await.result();
    for member in [
        "id",
        "actorId",
        "workerId",
        "exitCode",
        "finalState",
        "messageReceivedTime",
        "startTime",
        "finishTime",
        "io",
        "runtime",
        "cpu",
        "executor",
        "status",
    ] {
        assert!(!one[member].is_null(), "{member}: {one}");
    }
    assert_eq!((&one["executor"], &one["runtime"], &one["exitCode"]), (&"anonymous".into(), &2.into(), &0.into()));
    let logs = server.logs(nobody, &id, &execution).await;
    assert!(logs.starts_with("Contents of MSG: execute yourself\nEnvironment:\n"), "{logs}");
    assert!(logs.contains("_abaco_username=anonymous\n"), "{logs}");

    let workers = server.get(nobody, &format!("/actors/{id}/workers")).await.result();
    let worker = &workers[0];
    for member in ["id", "status", "tenant", "image", "location", "cid", "chName", "hostId", "createTime"] {
        assert!(worker[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {worker}");
    }
    assert_eq!((&worker["status"], &worker["tenant"]), (&"READY".into(), &"default".into()));
    server.end().await;
}
