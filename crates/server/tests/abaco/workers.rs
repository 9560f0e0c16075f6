//! `/actors/{actor}/workers`.

use serde_json::json;
use tidemill_server::AbacoCase;

use crate::{
    CASES,
    support::{Body, Person, TestServer, until},
};

#[tokio::test]
async fn workers_are_listed_asked_for_and_sent_away() {
    for case in CASES {
        let server = TestServer::start(case).await;
        let (k, admin) = (|snake: &str| server.k(snake), Person::Admin);
        for stateless in [true, false] {
            let id = server.actor(admin, json!({"stateless": stateless})).await;
            server.reaches(admin, &id, "READY").await;
            let path = format!("/actors/{id}/workers");
            let asked = server.post(admin, &path, json!({"num": 3})).await;
            assert_eq!(asked.message(), "Scheduled 2 new worker(s) to start. Previously, there were 1 workers.");
            until("three ready workers", async || {
                let listed = server.get(admin, &path).await.result();
                listed.as_array().unwrap().iter().filter(|worker| worker["status"] == "READY").count() == 3
            })
            .await;
            for body in [Body::None, Body::Form("num=0"), Body::Form("num=2")] {
                let enough = server.send(admin, "POST", &path, body).await.message();
                assert!(enough.starts_with(&format!("Actor {id} already had ")), "{enough}");
            }
            let listed = server.get(admin, &path).await;
            assert_eq!(listed.message(), "Workers retrieved successfully.");
            let worker = listed.result()[1].clone();
            for (member, value) in [
                ("tenant", json!("DEV-DEVELOP")),
                ("image", json!("abacosamples/test")),
                ("location", json!("stage")),
                ("last_execution_time", json!("None")),
            ] {
                assert_eq!(worker[k(member)], value, "{member}");
            }
            assert!(worker.get(k("actor_id")).is_none());
            let one = format!("{path}/{}", worker["id"].as_str().unwrap());
            let shown = server.get(admin, &one).await.result();
            assert_eq!((&shown["id"], &shown["cid"]), (&worker["id"], &worker["cid"]));
            assert_eq!(server.delete(admin, &one).await.message(), "Worker scheduled to be stopped.");
            until("it is gone", async || server.get(admin, &one).await.status == 404).await;
            server.get(admin, &one).await.refuses(404, "Worker not found.");
            server.delete(admin, &one).await.refuses(404, "Worker not found.");
            assert_eq!(server.get(admin, &path).await.result().as_array().unwrap().len(), 2);
        }
        server.end().await;
    }
}

#[tokio::test]
async fn a_bad_number_of_workers_is_told_and_only_admins_ask() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({})).await;
    let path = format!("/actors/{id}/workers");
    for (form, says) in [("num=many", "'num'"), ("num=-1", "from 1 to 100"), ("num=101", "from 1 to 100")] {
        server.send(Person::Admin, "POST", &path, Body::Form(form)).await.refuses(400, says);
    }
    let says = "Not authorized -- only admins are authorized to update workers.";
    for person in [Person::User, Person::Privileged, Person::Limited] {
        server.send(person, "POST", &path, Body::Form("num=1")).await.refuses(400, says);
    }
    server.end().await;
}
