//! Every path and verb of the face, for everybody: who is let in, and who is not. A route without a row here fails.

use std::collections::BTreeSet;

use serde_json::json;
use tidemill_server::{AbacoCase, abaco_routes};

use crate::support::{Body, Person, TestServer};

/// What it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// A role.
    Role,
    /// A level on the actor, alias or config of the path, or on both.
    Read,
    Execute,
    Update,
    /// To be an admin.
    Admin,
}

const ROWS: &[(&str, &str, Takes)] = &[
    ("GET", "/actors", Takes::Role),
    ("POST", "/actors", Takes::Role),
    ("GET", "/actors/aliases", Takes::Role),
    ("POST", "/actors/aliases", Takes::Role),
    ("GET", "/actors/aliases/{alias}", Takes::Read),
    ("PUT", "/actors/aliases/{alias}", Takes::Update),
    ("DELETE", "/actors/aliases/{alias}", Takes::Update),
    ("GET", "/actors/aliases/{alias}/permissions", Takes::Read),
    ("POST", "/actors/aliases/{alias}/permissions", Takes::Update),
    ("GET", "/actors/aliases/{alias}/nonces", Takes::Read),
    ("POST", "/actors/aliases/{alias}/nonces", Takes::Update),
    ("GET", "/actors/aliases/{alias}/nonces/{nonce}", Takes::Read),
    ("DELETE", "/actors/aliases/{alias}/nonces/{nonce}", Takes::Update),
    ("GET", "/actors/configs", Takes::Role),
    ("POST", "/actors/configs", Takes::Role),
    ("GET", "/actors/configs/{config}", Takes::Read),
    ("PUT", "/actors/configs/{config}", Takes::Update),
    ("DELETE", "/actors/configs/{config}", Takes::Update),
    ("GET", "/actors/configs/{config}/permissions", Takes::Read),
    ("POST", "/actors/configs/{config}/permissions", Takes::Update),
    ("GET", "/actors/search/{type}", Takes::Role),
    ("GET", "/actors/utilization", Takes::Role),
    ("GET", "/actors/admin", Takes::Admin),
    ("GET", "/actors/admin/workers", Takes::Admin),
    ("GET", "/actors/admin/executions", Takes::Admin),
    ("GET", "/actors/{actor}", Takes::Read),
    ("PUT", "/actors/{actor}", Takes::Update),
    ("DELETE", "/actors/{actor}", Takes::Update),
    ("GET", "/actors/{actor}/state", Takes::Read),
    ("POST", "/actors/{actor}/state", Takes::Update),
    ("GET", "/actors/{actor}/messages", Takes::Read),
    ("POST", "/actors/{actor}/messages", Takes::Execute),
    ("DELETE", "/actors/{actor}/messages", Takes::Update),
    ("GET", "/actors/{actor}/executions", Takes::Read),
    ("POST", "/actors/{actor}/executions", Takes::Update),
    ("GET", "/actors/{actor}/executions/{execution}", Takes::Read),
    ("DELETE", "/actors/{actor}/executions/{execution}", Takes::Update),
    ("GET", "/actors/{actor}/executions/{execution}/logs", Takes::Read),
    ("GET", "/actors/{actor}/executions/{execution}/results", Takes::Read),
    ("GET", "/actors/{actor}/nonces", Takes::Read),
    ("POST", "/actors/{actor}/nonces", Takes::Update),
    ("GET", "/actors/{actor}/nonces/{nonce}", Takes::Read),
    ("DELETE", "/actors/{actor}/nonces/{nonce}", Takes::Update),
    ("GET", "/actors/{actor}/permissions", Takes::Read),
    ("POST", "/actors/{actor}/permissions", Takes::Update),
    ("GET", "/actors/{actor}/workers", Takes::Read),
    ("POST", "/actors/{actor}/workers", Takes::Admin),
    ("GET", "/actors/{actor}/workers/{worker}", Takes::Read),
    ("DELETE", "/actors/{actor}/workers/{worker}", Takes::Update),
];

#[test]
fn every_route_has_a_row() {
    let routes: BTreeSet<_> = abaco_routes().into_iter().collect();
    let rows: BTreeSet<_> = ROWS.iter().map(|(verb, path, _)| (*verb, *path)).collect();
    assert_eq!(routes, rows);
}

/// Texts that only a refusal of the one who asks has.
const REFUSALS: [&str; 6] = [
    "Not authorized",
    "you do not have",
    "You do not have sufficient access",
    "Abaco Admin role required.",
    "No JWT or nonce provided.",
    "missing required role",
];

/// Whether somebody is let in. The request itself may be refused for what it lacks: it never does anything.
async fn is_let_in(server: &TestServer, person: Person, verb: &str, path: &str) -> bool {
    // A body that no endpoint takes, so that a request that is let in changes nothing.
    let body = match verb {
        "POST" | "PUT" => Body::Raw("application/json", "[".into()),
        _ => Body::None,
    };
    let answer = server.send(person, verb, path, body).await;
    if !answer.content_type.contains("application/json") {
        return answer.status == 200;
    }
    let message = answer.message();
    !REFUSALS.iter().any(|refusal| message.contains(refusal))
}

/// Being let in to a list of nonces is no way to more: nobody gets to see one that opens what its own level does not.
#[tokio::test]
async fn what_one_may_read_lets_one_in_to_nothing_more() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let (owner, user) = (Person::Privileged, Person::User);
    for (own, rank) in [("READ", 1), ("EXECUTE", 2), ("UPDATE", 3)] {
        let id = server.actor(owner, json!({})).await;
        let grant = json!({"user": user.name(), "level": own});
        server.post(owner, &format!("/actors/{id}/permissions"), grant.clone()).await.result();
        let nonces = format!("/actors/{id}/nonces");
        let grant = json!({"user": Person::Limited.name(), "level": "UPDATE"});
        server.post(owner, &format!("/actors/{id}/permissions"), grant).await.result();
        let mut made = Vec::new();
        for (level, its) in [("READ", 1), ("EXECUTE", 2), ("UPDATE", 3)] {
            // A stronger user's, and one of a weaker user.
            for (maker, is_weaker) in [(owner, false), (Person::Limited, true)] {
                let nonce = server.post(maker, &nonces, json!({"level": level})).await.result();
                made.push((nonce["id"].as_str().unwrap().to_owned(), is_weaker && its <= rank));
            }
        }
        let listed = server.get(user, &nonces).await.result().to_string();
        for (nonce, is_shown) in made {
            assert_eq!(listed.contains(&nonce), is_shown, "{own}: {nonce} in {listed}");
        }
    }
    server.end().await;
}

#[tokio::test]
async fn everybody_is_let_in_where_they_belong_and_nowhere_else() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let owner = Person::Privileged;
    for (level, rank) in [("NONE", 0), ("READ", 1), ("EXECUTE", 2), ("UPDATE", 3)] {
        for (verb, pattern, takes) in ROWS {
            // Fresh ones for each request, since some of those that are let in delete.
            let id = server.actor(owner, json!({})).await;
            let name = format!("alias-{id}");
            server.post(owner, "/actors/aliases", json!({"alias": name, "actorId": id})).await.result();
            let config = json!({"name": name, "value": "v", "isSecret": false, "actors": id});
            server.post(owner, "/actors/configs", config).await.result();
            for of in [format!("/actors/{id}"), format!("/actors/aliases/{name}"), format!("/actors/configs/{name}")] {
                for user in [Person::User, Person::Limited] {
                    let grant = json!({"user": user.name(), "level": level});
                    server.post(owner, &format!("{of}/permissions"), grant).await.result();
                }
            }
            let path = pattern
                .replace("{actor}", &id)
                .replace("{alias}", &name)
                .replace("{config}", &name)
                .replace("{type}", "actors")
                .replace("{execution}", "01939f3c-7c1e-7000-8000-000000000001")
                .replace("{nonce}", "DEV-DEVELOP_none")
                .replace("{worker}", "none");
            let belongs = match takes {
                Takes::Role => true,
                Takes::Read => rank >= 1,
                Takes::Execute => rank >= 2,
                Takes::Update => rank >= 3,
                Takes::Admin => false,
            };
            for person in [Person::Nobody, Person::Stranger] {
                assert!(!is_let_in(&server, person, verb, &path).await, "{person:?} {verb} {pattern}");
            }
            let elsewhere = server.send(Person::Elsewhere, verb, &path, Body::None).await;
            if path.contains(&id) {
                assert!(elsewhere.status >= 400, "{verb} {pattern}");
            }
            for person in [Person::User, Person::Limited] {
                let is_in = is_let_in(&server, person, verb, &path).await;
                assert_eq!(is_in, belongs, "{person:?} with {level}: {verb} {pattern}");
                if is_in && *verb == "DELETE" && pattern.matches('{').count() == 1 {
                    break;
                }
            }
            if level == "NONE" {
                assert!(is_let_in(&server, Person::Admin, verb, &path).await, "{verb} {pattern}");
            }
            server.delete(Person::Admin, &format!("/actors/{id}")).await;
        }
    }
    server.end().await;
}
