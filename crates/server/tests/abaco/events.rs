//! Events of actors: links and webhooks.

use serde_json::json;
use tidemill_server::AbacoCase;

use crate::support::{Person, TestServer, until};

#[tokio::test]
async fn a_linked_actor_is_told_in_order() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let user = Person::User;
    let listener = server.actor(user, json!({})).await;
    server.post(user, "/actors/aliases", json!({"alias": "ear", "actorId": listener})).await.result();
    let source = server.actor(user, json!({"link": "ear"})).await;
    assert_eq!(server.get(user, &format!("/actors/{source}")).await.result()["link"], "ear");
    server.reaches(user, &source, "READY").await;
    let path = format!("/actors/{listener}/executions");
    let heard = async |count: usize| {
        until("the events", async || {
            let listed = server.get(user, &path).await.result();
            let all = listed["executions"].as_array().unwrap().clone();
            all.len() == count && all.iter().all(|one| one["status"] == "COMPLETE")
        })
        .await;
        server.get(user, &path).await.result()["executions"].clone()
    };
    heard(1).await;
    let (execution, _) = server.run(user, &source, "exit 4").await;
    let events = heard(2).await;
    for (place, expected) in [(0, "ACTOR_READY"), (1, "EXECUTION_COMPLETE")] {
        let id = events[place]["id"].as_str().unwrap();
        assert_eq!(server.execution(user, &listener, id, "COMPLETE").await["executor"], "Abaco Event");
        let logs = server.logs(user, &listener, id).await;
        assert!(logs.contains(expected) && logs.contains(&source), "{logs}");
        assert_eq!(logs.contains(&execution), place == 1, "{logs}");
    }
    server.end().await;
}

#[tokio::test]
async fn links_are_checked() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let user = Person::User;
    let (a, b) = (server.actor(user, json!({})).await, server.actor(user, json!({})).await);
    let theirs = server.actor(Person::Privileged, json!({})).await;
    let link = async |from: &str, to: &str| {
        let description = json!({"image": "abacosamples/test", "link": to});
        server.put(user, &format!("/actors/{from}"), description).await
    };
    link(&a, &a).await.refuses(400, "An actor cannot link to itself.");
    link(&a, "nobody").await.refuses(400, "Invalid link parameter; unable to retrieve linked actor data.");
    link(&a, &theirs).await.refuses(400, "Invalid link parameter; unable to retrieve linked actor data.");
    link(&a, &b).await.result();
    link(&b, &a).await.refuses(400, "Error: this update would result in a cycle of linked actors.");
    let c = server.actor(user, json!({"link": a})).await;
    link(&b, &c).await.refuses(400, "Error: this update would result in a cycle of linked actors.");
    let grant = json!({"user": "jdoe", "level": "EXECUTE"});
    server.post(Person::Privileged, &format!("/actors/{theirs}/permissions"), grant).await.result();
    link(&b, &theirs).await.result();
    // An actor that listens may go; the others go on.
    server.delete(Person::Privileged, &format!("/actors/{theirs}")).await.result();
    server.run(user, &b, "hi").await;
    server.end().await;
}

#[tokio::test]
async fn a_webhook_is_posted_to() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let user = Person::User;
    let url = "https://listener.example/hook?x-nonce=1";
    let id = server.actor(user, json!({"webhook": url})).await;
    server.reaches(user, &id, "READY").await;
    let (execution, _) = server.run(user, &id, "hi").await;
    until("two posts", async || server.stage.posts.lock().len() == 2).await;
    let posts = server.stage.posts.lock().clone();
    for ((address, body), event) in posts.iter().zip(["ACTOR_READY", "EXECUTION_COMPLETE"]) {
        assert_eq!((address.as_str(), &body["event_type"]), (url, &json!(event)));
        assert_eq!((&body["actor_id"], &body["tenant_id"]), (&json!(id), &json!("DEV-DEVELOP")));
        assert_eq!(body["actor_dbid"], format!("DEV-DEVELOP_{id}"));
        for time in ["event_time_utc", "event_time_display"] {
            assert!(body[time].as_str().is_some_and(|text| text.ends_with('Z')), "{body}");
        }
    }
    let complete = &posts[1].1;
    assert_eq!(
        (&complete["execution_id"], &complete["status"], &complete["exit_code"]),
        (&json!(execution), &json!("COMPLETE"), &json!(0))
    );
    let names =
        || server.engine.functions(None).into_iter().map(|view| view.function.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(), [id.clone(), format!("{id}.webhook")]);
    let without = json!({"image": "abacosamples/test"});
    server.put(user, &format!("/actors/{id}"), without).await.result();
    assert_eq!(names(), [id.as_str()]);
    let with = json!({"image": "abacosamples/test", "webhook": url});
    server.put(user, &format!("/actors/{id}"), with).await.result();
    server.delete(user, &format!("/actors/{id}")).await.result();
    assert_eq!(names(), [""; 0]);
    server.end().await;
}
