//! Nonces of actors and aliases.

use serde_json::{Value, json};
use tidemill_server::AbacoCase;

use crate::{
    CASES,
    support::{Body, Person, TestServer},
};

async fn nonce(server: &TestServer, of: &str, description: Value) -> String {
    let result = server.post(Person::User, &format!("{of}/nonces"), description).await.result();
    result["id"].as_str().expect("it has an id").to_owned()
}

async fn send(server: &TestServer, name: &str, nonce: &str) -> crate::support::Answer {
    let target = format!("/actors/{name}/messages?x-nonce={nonce}");
    server.send(Person::Nobody, "POST", &target, Body::Form("message=hi")).await
}

#[tokio::test]
async fn nonces_are_made_shown_and_deleted() {
    for case in CASES {
        let server = TestServer::start(case).await;
        let (k, user) = (|snake: &str| server.k(snake), Person::User);
        let id = server.actor(user, json!({})).await;
        server.post(user, "/actors/aliases", json!({"alias": "grinder", (k("actor_id")): id})).await.result();
        for (of, word, own) in [
            (format!("/actors/{id}"), "Actor", (k("actor_id"), id.clone())),
            ("/actors/aliases/grinder".to_owned(), "Alias", ("alias".to_owned(), "grinder".to_owned())),
        ] {
            let created = server.send(user, "POST", &format!("{of}/nonces"), Body::None).await;
            assert_eq!(created.message(), format!("{word} nonce created successfully."));
            let created = created.result();
            for (member, value) in [
                ("owner", json!("jdoe")),
                ("roles", json!(["Internal/abaco-user"])),
                ("level", json!("EXECUTE")),
                ("max_uses", json!(-1)),
                ("current_uses", json!(0)),
                ("remaining_uses", json!(-1)),
                ("description", json!("")),
                ("last_use_time", json!("None")),
                ("api_server", json!(format!("http://{}", server.address))),
            ] {
                assert_eq!(created[k(member)], value, "{member}");
            }
            assert_eq!(created[&own.0], own.1);
            let nonce_id = created["id"].as_str().unwrap();
            assert_eq!(nonce_id.rsplit_once('_').unwrap().0, "DEV-DEVELOP");
            assert_eq!(created["_links"]["actor"], format!("http://{}/actors/v2/{id}", server.address));
            let listed = server.get(user, &format!("{of}/nonces")).await;
            assert_eq!(listed.message(), format!("{word} nonces retrieved successfully."));
            assert_eq!(listed.result(), json!([created]));
            let path = format!("{of}/nonces/{nonce_id}");
            let shown = server.get(user, &path).await;
            assert_eq!((shown.message(), shown.result()), (format!("{word} nonce retrieved successfully."), created));
            assert_eq!(server.delete(user, &path).await.message(), format!("{word} nonce deleted successfully."));
            server.get(user, &path).await.refuses(400, "Nonce not found.");
            server.delete(user, &path).await.refuses(400, "Nonce not found.");
        }
        server.end().await;
    }
}

#[tokio::test]
async fn a_bad_nonce_is_told() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({})).await;
    server.post(Person::User, "/actors/aliases", json!({"alias": "grinder", "actorId": id})).await.result();
    let (of_actor, of_alias) = (format!("/actors/{id}/nonces"), "/actors/aliases/grinder/nonces".to_owned());
    for (path, description, says) in [
        (&of_actor, json!({"maxUses": 0}), "The max uses parameter must be a positive integer or -1"),
        (&of_actor, json!({"maxUses": -2}), "The max uses parameter must be a positive integer or -1"),
        (&of_actor, json!({"maxUses": "many"}), "'maxUses'"),
        (&of_actor, json!({"level": "ALL"}), "must be one of: ('NONE', 'READ', 'EXECUTE', 'UPDATE')"),
        (&of_alias, json!({"level": "UPDATE"}), "must be one of: ('NONE', 'READ', 'EXECUTE')"),
    ] {
        server.post(Person::User, path, description).await.refuses(400, says);
    }
    server.end().await;
}

#[tokio::test]
async fn a_nonce_stands_in_for_its_owner() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let user = Person::User;
    let id = server.actor(user, json!({})).await;
    let path = format!("/actors/{id}");
    let twice = nonce(&server, &path, json!({"maxUses": 2})).await;
    for _ in 0..2 {
        let sent = send(&server, &id, &twice).await.result();
        let execution = sent["executionId"].as_str().unwrap();
        let done = server.execution(user, &id, execution, "COMPLETE").await;
        assert_eq!(done["executor"], "jdoe");
        let logs = server.logs(user, &id, execution).await;
        assert!(!logs.contains("x-nonce") && !logs.contains("jwt-header"), "{logs}");
    }
    send(&server, &id, &twice).await.refuses(400, "No remaining uses left for this nonce.");
    let shown = server.get(user, &format!("{path}/nonces/{twice}")).await.result();
    assert_eq!((&shown["currentUses"], &shown["remainingUses"]), (&json!(2), &json!(0)));
    assert_ne!(shown["lastUseTime"], "None");
    server.end().await;
}

#[tokio::test]
async fn a_nonce_is_for_one_object_and_a_level() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let user = Person::User;
    let (id, other) = (server.actor(user, json!({})).await, server.actor(user, json!({})).await);
    server.post(user, "/actors/aliases", json!({"alias": "grinder", "actorId": id})).await.result();
    let of_actor = nonce(&server, &format!("/actors/{id}"), json!({})).await;
    let of_alias = nonce(&server, "/actors/aliases/grinder", json!({})).await;
    let reading = nonce(&server, &format!("/actors/{id}"), json!({"level": "READ", "maxUses": 1})).await;
    send(&server, &id, &of_actor).await.result();
    send(&server, "grinder", &of_alias).await.result();
    for (name, nonce) in [
        (other.as_str(), &of_actor),
        ("grinder", &of_actor),
        (id.as_str(), &of_alias),
        ("nobody", &of_actor),
        (id.as_str(), &"DEV-DEVELOP_nonsense".to_owned()),
        (id.as_str(), &"nonsense".to_owned()),
        (id.as_str(), &"DEV-STAGING_x".to_owned()),
    ] {
        send(&server, name, nonce).await.refuses(400, "Nonce does not exist.");
    }
    // A refusal for the level uses none.
    send(&server, &id, &reading).await.refuses(400, "Nonce does not have sufficient permissions level.");
    let with = |path: &str, nonce: &str| format!("{path}?x-nonce={nonce}");
    let path = format!("/actors/{id}");
    server.get(Person::Nobody, &with(&path, &reading)).await.result();
    server.get(Person::Nobody, &with(&path, &reading)).await.refuses(400, "No remaining uses");
    let insufficient = "Nonce does not have sufficient permissions level.";
    server.delete(Person::Nobody, &with(&path, &of_actor)).await.refuses(400, insufficient);
    server.get(Person::Nobody, &with("/actors", &of_actor)).await.refuses(400, "Not authorized.");
    server.get(Person::Nobody, &with("/actors/aliases/grinder", &of_alias)).await.refuses(400, "Not authorized.");
    server.get(Person::Nobody, &with("/actors/search/actors", &of_actor)).await.refuses(404, "does not resolve");
    // With a token the nonce is not looked at, and is no filter either.
    assert!(server.get(user, &with("/actors", "nonsense")).await.result().is_array());
    let all = nonce(&server, &path, json!({"level": "UPDATE"})).await;
    server.delete(Person::Nobody, &with(&path, &all)).await.result();
    server.get(Person::Nobody, &with(&path, &all)).await.refuses(400, "Nonce does not exist.");
    server.end().await;
}

/// The ids that somebody is shown of nonces.
async fn ids(server: &TestServer, person: Person, target: &str) -> Vec<String> {
    let listed = server.get(person, target).await.result();
    let id = |nonce: &Value| {
        let text = nonce["id"].as_str().expect("it is text").to_owned();
        assert_eq!(nonce["_links"]["self"].as_str().map(|link| link.ends_with(&text)), Some(true), "{nonce}");
        text
    };
    listed.as_array().expect("it is a list").iter().map(id).collect()
}

#[tokio::test]
async fn whoever_may_read_sees_no_nonce_that_opens_more() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let (owner, reader) = (Person::User, Person::Limited);
    let id = server.actor(owner, json!({})).await;
    server.post(owner, "/actors/aliases", json!({"alias": "grinder", "actorId": id})).await.result();
    for of in [format!("/actors/{id}"), "/actors/aliases/grinder".to_owned()] {
        let nonces = format!("{of}/nonces");
        let reading = nonce(&server, &of, json!({"level": "READ"})).await;
        let executing = nonce(&server, &of, json!({"level": "EXECUTE"})).await;
        let strong = server.post(Person::Admin, &nonces, json!({"level": "READ"})).await.result()["id"].clone();
        let strong = strong.as_str().unwrap().to_owned();
        let hidden = "DEV-DEVELOP_…".to_owned();
        for target in [format!("/actors/{id}"), "/actors/aliases/grinder".to_owned()] {
            let grant = json!({"user": "ABACO_WORLD", "level": "READ"});
            server.post(owner, &format!("{target}/permissions"), grant).await.result();
        }
        let all = [reading.clone(), executing.clone(), strong.clone()];
        assert_eq!(ids(&server, owner, &nonces).await, [reading.clone(), executing.clone(), hidden.clone()]);
        assert_eq!(ids(&server, Person::Admin, &nonces).await, all);
        // A limited user may read, and sees nothing that a user or an admin made.
        assert_eq!(ids(&server, reader, &nonces).await, [hidden.clone(), hidden.clone(), hidden.clone()]);
        // Privileged, and may read: the one for reading it could have made itself.
        let shown = ids(&server, Person::Privileged, &nonces).await;
        assert_eq!(shown, [reading.clone(), hidden.clone(), hidden.clone()]);
        // Also the path with the id tells nothing that was not known.
        let one = server.get(reader, &format!("{nonces}/{executing}")).await;
        assert_eq!(one.result()["id"], json!(hidden));
        // Whoever comes by a nonce sees none.
        if of.ends_with(&id) {
            let all = nonce(&server, &of, json!({"level": "UPDATE"})).await;
            for by in [&reading, &all] {
                let shown = ids(&server, Person::Nobody, &format!("{nonces}?x-nonce={by}")).await;
                assert!(shown.len() == 4 && shown.iter().all(|id| *id == hidden), "{shown:?}");
            }
        }
    }
    server.end().await;
}

#[tokio::test]
async fn nonces_can_be_switched_off() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({})).await;
    let nonce = nonce(&server, &format!("/actors/{id}"), json!({})).await;
    let store = server.end().await;
    let server = TestServer::on(store, AbacoCase::Camel, |config| {
        config.auth = crate::support::tenants();
        config.abaco.nonces = false;
    })
    .await;
    send(&server, &id, &nonce).await.refuses(400, "No JWT or nonce provided.");
    server.end().await;
}
