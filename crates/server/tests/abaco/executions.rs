//! `/actors/{actor}/executions`, logs and results.

use serde_json::{Value, json};
use tidemill_server::AbacoCase;

use crate::{
    CASES,
    support::{Person, TestServer},
};

#[tokio::test]
async fn executions_are_summed_up_oldest_first() {
    for case in CASES {
        let server = TestServer::start(case).await;
        let (k, user) = (|snake: &str| server.k(snake), Person::User);
        let id = server.actor(user, json!({})).await;
        let mut ids = Vec::new();
        for message in ["one", "exit 3", "three"] {
            ids.push(server.run(user, &id, message).await.0);
        }
        let listed = server.get(user, &format!("/actors/{id}/executions")).await;
        assert_eq!(listed.message(), "Actor executions retrieved successfully.");
        let listed = listed.result();
        let shown: Vec<&str> =
            listed["executions"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(shown, ids);
        for (member, value) in [
            ("actor_id", json!(id)),
            ("owner", json!("jdoe")),
            ("api_server", json!(format!("http://{}", server.address))),
            ("total_executions", json!(3)),
            ("total_cpu", json!(3_000)),
            ("total_io", json!(30)),
            ("total_runtime", json!(7)),
        ] {
            assert_eq!(listed[k(member)], value, "{member}");
        }
        let line = &listed["executions"][0];
        for member in ["start_time", "finish_time", "message_received_time"] {
            assert!(line[k(member)].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
        }
        let one = server.get(user, &format!("/actors/{id}/executions/{}", ids[1])).await;
        assert_eq!(one.message(), "Actor execution retrieved successfully.");
        let one = one.result();
        for (member, value) in [
            ("id", json!(ids[1])),
            ("actor_id", json!(id)),
            ("status", json!("COMPLETE")),
            ("exit_code", json!(3)),
            ("cpu", json!(1_000)),
            ("io", json!(10)),
            ("runtime", json!(2)),
            ("executor", json!("jdoe")),
        ] {
            assert_eq!(one[k(member)], value, "{member}");
        }
        // Nested names are the container engine's own.
        assert_eq!(one[k("final_state")]["OOMKilled"], false);
        assert!(one[k("worker_id")].is_string() && one.get("tenant").is_none());
        server.end().await;
    }
}

#[tokio::test]
async fn what_is_no_execution_of_the_actor_is_400() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let (mine, other) = (server.actor(Person::User, json!({})).await, server.actor(Person::User, json!({})).await);
    let (execution, _) = server.run(Person::User, &other, "hi").await;
    let random = "01939f3c-7c1e-7000-8000-000000000001";
    for id in ["nonsense", random, execution.as_str()] {
        let says = format!("No executions found with actor id of {mine} and execution id of {id}.");
        let path = format!("/actors/{mine}/executions/{id}");
        server.get(Person::User, &path).await.refuses(400, &says);
        server.delete(Person::User, &path).await.refuses(400, &says);
        server.get(Person::User, &format!("{path}/results")).await.refuses(400, &says);
        assert_eq!(server.get(Person::User, &format!("{path}/logs")).await.result()["logs"], "");
    }
    let path = format!("/actors/{mine}/executions");
    server.post(Person::User, &path, json!({"runtime": 1})).await.refuses(400, "cpu");
    let whole = json!({"runtime": "1", "cpu": "2", "io": "3"});
    server.post(Person::User, &path, whole).await.refuses(400, "Required field executor missing.");
    server.end().await;
}

#[tokio::test]
async fn only_what_runs_is_ended_by_force() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let user = Person::User;
    let id = server.actor(user, json!({"stateless": false})).await;
    let running = server.message(user, &id, "block").await;
    let shown = server.execution(user, &id, &running, "RUNNING").await;
    assert!(shown.get("exitCode").is_none() && shown.get("finalState").is_none(), "{shown}");
    let waiting = server.message(user, &id, "next").await;
    let path = |execution: &str| format!("/actors/{id}/executions/{execution}");
    let says = "Cannot force quit an execution not in RUNNING status. Execution was found in status: SUBMITTED";
    server.delete(user, &path(&waiting)).await.refuses(400, says);
    // Its log can be read while it runs.
    assert!(server.logs(user, &id, &running).await.starts_with("Contents of MSG: block\n"));
    let stopped = server.delete(user, &path(&running)).await;
    assert_eq!(stopped.message(), format!("Issued force quit command for execution {running}."));
    let ended = server.execution(user, &id, &running, "COMPLETE").await;
    assert_eq!(ended["exitCode"], 137, "{ended}");
    assert!(ended["reason"].is_string(), "{ended}");
    server.execution(user, &id, &waiting, "COMPLETE").await;
    server.delete(user, &path(&waiting)).await.refuses(400, "in status: COMPLETE");
    server.end().await;
}

#[tokio::test]
async fn results_are_taken_one_by_one() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({})).await;
    let (execution, _) = server.run(Person::User, &id, "result one two").await;
    let path = format!("/actors/{id}/executions/{execution}/results");
    assert_eq!(server.send(Person::User, "HEAD", &path, crate::support::Body::None).await.status, 200);
    for expected in ["one", "two", ""] {
        let taken = server.get(Person::User, &path).await;
        assert_eq!((taken.status, taken.content_type.as_str()), (200, "application/octet-stream"));
        assert_eq!(taken.body, expected);
    }
    server.end().await;
}

#[tokio::test]
async fn a_long_log_is_cut() {
    let server = TestServer::start_with(AbacoCase::Camel, |config| config.abaco.log_chars_max = 30).await;
    let id = server.actor(Person::Nobody, json!({})).await;
    let (execution, logs) = server.run(Person::Nobody, &id, "print grain grain grain grain").await;
    assert_eq!(logs, "Contents of MSG: print grain g LOG LIMIT EXCEEDED; this execution log was TRUNCATED!");
    let links =
        &server.get(Person::Nobody, &format!("/actors/{id}/executions/{execution}/logs")).await.result()["_links"];
    assert_eq!(links["execution"], format!("http://{}/actors/v2/{id}/executions/{execution}", server.address));
    assert_eq!(links.as_object().map(serde_json::Map::len), Some(3));
    assert_ne!(links["self"], Value::Null);
    server.end().await;
}
