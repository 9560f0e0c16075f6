//! Searches: `/actors/search/{type}` and queries on collections.

use serde_json::{Value, json};
use tidemill_server::AbacoCase;

use crate::{
    CASES,
    support::{Person, TestServer},
};

async fn hits(server: &TestServer, person: Person, target: &str) -> (u64, Vec<Value>) {
    let result = server.get(person, target).await.result();
    let metadata = &result["_metadata"];
    let hits = result["search"].as_array().expect("hits are a list").clone();
    assert_eq!(metadata[server.k("count_returned")], hits.len(), "{target}");
    (metadata[server.k("total_count")].as_u64().expect("it is a number"), hits)
}

#[tokio::test]
async fn everything_can_be_searched() {
    for case in CASES {
        let server = TestServer::start(case).await;
        let (k, user) = (|snake: &str| server.k(snake), Person::User);
        let first = server.actor(user, json!({"description": "wind and water", "hints": ["corn"]})).await;
        let second = server.actor(user, json!({"description": "water water", "stateless": false})).await;
        server.actor(Person::Privileged, json!({})).await;
        for message in ["one", "exit 3", "print grain"] {
            server.run(user, &first, message).await;
        }
        server.run(user, &second, "two").await;
        for (target, total) in [
            ("/actors/search/actors".to_owned(), 2),
            ("/actors/search/actors?image=abacosamples/test".to_owned(), 2),
            ("/actors?image=abacosamples/test".to_owned(), 2),
            ("/actors?image=other".to_owned(), 0),
            (format!("/actors?{}=abc", k("status_message")), 0),
            ("/actors?stateless=false".to_owned(), 1),
            ("/actors?hints=corn".to_owned(), 1),
            ("/actors?description.like=^wind".to_owned(), 1),
            ("/actors?exactsearch=wind%20and%20water".to_owned(), 1),
            ("/actors?search=wind".to_owned(), 2),
            ("/actors?create_time.gt=2000-01-01".to_owned(), 2),
            ("/actors?create_time.lt=2000-01-01".to_owned(), 0),
            ("/actors?create_time.between=2000-05:00,2200-01-01".to_owned(), 2),
            (format!("/actors?{}=none", k("max_workers")), 2),
            ("/actors?tenant=DEV-DEVELOP".to_owned(), 2),
            ("/actors/search/executions".to_owned(), 4),
            ("/actors/search/executions?status=COMPLETE".to_owned(), 4),
            ("/actors/search/executions?status.in=%5B%22COMPLETE%22,%22READY%22%5D".to_owned(), 4),
            ("/actors/search/executions?status.nin=%5B%22COMPLETE%22%5D".to_owned(), 0),
            ("/actors/search/executions?exit_code=3".to_owned(), 1),
            ("/actors/search/executions?exit_code.gte=0&exit_code.lt=3".to_owned(), 3),
            ("/actors/search/executions?final_state.OOMKilled=false".to_owned(), 4),
            ("/actors/search/executions?final_state.StartedAt.gt=2027".to_owned(), 0),
            (format!("/actors/search/executions?actor_id={second}"), 1),
            (format!("/actors/{first}/executions?status=COMPLETE"), 3),
            (format!("/actors/{first}/executions?{}.neq=3", k("exit_code")), 2),
            ("/actors/search/workers".to_owned(), 2),
            ("/actors/search/workers?status=READY".to_owned(), 2),
            (format!("/actors/{first}/workers?image=abacosamples/test"), 1),
            ("/actors/search/logs".to_owned(), 4),
            ("/actors/search/logs?logs.like=grain".to_owned(), 1),
            ("/actors/search/logs?exactsearch=print%20grain".to_owned(), 1),
        ] {
            let (found, _) = hits(&server, user, &target).await;
            // Executions may have made further workers.
            let is_fine = if target.contains("workers") { found >= total } else { found == total };
            assert!(is_fine, "{target}: {found}");
        }
        let (_, ranked) = hits(&server, user, "/actors?search=water").await;
        assert_eq!(ranked[0]["id"], second.as_str());
        server.end().await;
    }
}

#[tokio::test]
async fn hits_have_all_their_members_and_no_secrets() {
    for case in CASES {
        let server = TestServer::start(case).await;
        let k = |snake: &str| server.k(snake);
        let id = server.actor(Person::User, json!({})).await;
        let (execution, _) = server.run(Person::User, &id, "hi").await;
        for (kind, has, lacks) in [
            (
                "actors",
                vec!["id", "max_workers", "cron_schedule", "_links", "state"],
                vec!["tenant", "db_id", "api_server", "executions"],
            ),
            (
                "executions",
                vec!["id", "actor_id", "worker_id", "exit_code", "final_state", "_links"],
                vec!["tenant", "api_server"],
            ),
            ("workers", vec!["id", "actor_id", "status", "last_execution_time"], vec!["tenant"]),
            ("logs", vec!["logs", "_links"], vec!["tenant", "actor_id", "execution_id"]),
        ] {
            let (_, found) = hits(&server, Person::User, &format!("/actors/search/{kind}")).await;
            let members = found[0].as_object().unwrap();
            for name in has {
                assert!(members.contains_key(&k(name)), "{kind} {name}: {members:?}");
            }
            for name in lacks {
                assert!(!members.contains_key(&k(name)), "{kind} {name}: {members:?}");
            }
        }
        let target = format!("/actors/{id}/executions/{execution}/logs?logs.like=MSG");
        let answer = server.get(Person::User, &target).await;
        assert_eq!(answer.message(), "Log search completed successfully.");
        assert_eq!(answer.result()["search"][0].as_object().map(serde_json::Map::len), Some(2));
        for (target, message) in [
            ("/actors?image=x".to_owned(), "Actors search completed successfully."),
            (format!("/actors/{id}/executions?a=1"), "Executions search completed successfully."),
            (format!("/actors/{id}/workers?a=1"), "Workers search completed successfully."),
            ("/actors/search/actors?a=1".to_owned(), "Search completed successfully."),
        ] {
            assert_eq!(server.get(Person::User, &target).await.message(), message);
        }
        server.end().await;
    }
}

#[tokio::test]
async fn searches_come_in_pages() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({})).await;
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(Value::from(server.run(Person::User, &id, "hi").await.0));
    }
    for (query, places) in [("skip=0&limit=2", 0..2), ("skip=2&limit=9", 2..4), ("skip=4", 4..4), ("limit=0", 0..0)] {
        let (total, found) = hits(&server, Person::User, &format!("/actors/{id}/executions?{query}")).await;
        let ids: Vec<Value> = found.iter().map(|one| one["id"].clone()).collect();
        assert_eq!((total, ids.as_slice()), (4, &all[places]), "{query}");
    }
    let metadata = server.get(Person::User, "/actors/search/executions?skip=1").await.result()["_metadata"].clone();
    assert_eq!(metadata, json!({"totalCount": 4, "countReturned": 3, "recordsSkipped": 1, "recordLimit": 100}));
    for (target, says) in [
        ("/actors?skip=-1", "skip must be a whole number"),
        ("/actors?limit=ten", "limit must be a whole number"),
        ("/actors?create_time.gt=soon", "is not a time"),
        ("/actors/search/executions?status.in=COMPLETE", "JSON list"),
        ("/actors/search/executions?status.like=(", "regular expression"),
        ("/actors/search/nothing", "there is no type \"nothing\""),
    ] {
        server.get(Person::User, target).await.refuses(400, says);
    }
    server.end().await;
}

#[tokio::test]
async fn searches_show_what_was_shared_by_name() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({})).await;
    server.run(Person::User, &id, "hi").await;
    let seen = async |person| {
        let mut seen = Vec::new();
        for kind in ["actors", "executions", "logs"] {
            seen.push(hits(&server, person, &format!("/actors/search/{kind}")).await.0);
        }
        seen
    };
    assert_eq!(seen(Person::User).await, [1, 1, 1]);
    // Neither admins nor the world's readers see more than they were given.
    let grant = async |user: &str, level: &str| {
        let grant = json!({"user": user, "level": level});
        server.post(Person::User, &format!("/actors/{id}/permissions"), grant).await.result();
    };
    grant("ABACO_WORLD", "READ").await;
    assert_eq!((seen(Person::Admin).await, seen(Person::Limited).await), (vec![0, 0, 0], vec![0, 0, 0]));
    grant("testotheruser", "READ").await;
    assert_eq!(seen(Person::Limited).await, [1, 1, 1]);
    grant("testotheruser", "NONE").await;
    assert_eq!(seen(Person::Limited).await, [0, 0, 0]);
    server.delete(Person::User, &format!("/actors/{id}")).await.result();
    assert_eq!(seen(Person::User).await, [0, 0, 0]);
    server.end().await;
}
