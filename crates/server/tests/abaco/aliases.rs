//! `/actors/aliases`.

use serde_json::json;
use tidemill_server::AbacoCase;

use crate::{
    CASES,
    support::{Person, TestServer},
};

#[tokio::test]
async fn an_alias_is_a_name_wherever_an_id_is() {
    for case in CASES {
        let server = TestServer::start(case).await;
        let (k, user) = (|snake: &str| server.k(snake), Person::User);
        let (id, other) = (server.actor(user, json!({})).await, server.actor(user, json!({})).await);
        let created = server.post(user, "/actors/aliases", json!({"alias": "my.grinder", (k("actor_id")): id})).await;
        assert_eq!(created.message(), "Actor alias created successfully.");
        let created = created.result();
        assert_eq!(created["_links"]["self"], format!("http://{}/actors/v2/aliases/my.grinder", server.address));
        let mut members: Vec<_> = created.as_object().unwrap().keys().cloned().collect();
        members.sort();
        let mut expected = vec!["_links".to_owned(), k("actor_id"), "alias".to_owned(), "owner".to_owned()];
        expected.sort();
        assert_eq!(members, expected);
        let path = "/actors/aliases/my.grinder";
        assert_eq!(server.get(user, path).await.result(), created);
        assert_eq!(server.get(user, "/actors/aliases").await.result(), json!([created]));

        assert_eq!(server.get(user, "/actors/my.grinder").await.result()["id"], id.as_str());
        let (execution, _) = server.run(user, "my.grinder", "hi").await;
        assert_eq!(server.execution(user, &id, &execution, "COMPLETE").await[k("actor_id")], id.as_str());
        for part in ["state", "messages", "executions", "nonces", "permissions", "workers"] {
            server.get(user, &format!("/actors/my.grinder/{part}")).await.result();
        }

        let pointed = server.put(user, path, json!({(k("actor_id")): other})).await;
        assert_eq!(pointed.message(), "Actor alias updated successfully.");
        assert_eq!(server.get(user, "/actors/my.grinder").await.result()["id"], other.as_str());
        let says = "The alias itself cannot be updated in a PUT request.";
        server.put(user, path, json!({"alias": "x", (k("actor_id")): id})).await.refuses(400, says);
        server.put(user, path, json!({})).await.refuses(400, &k("actor_id"));
        server
            .put(user, path, json!({(k("actor_id")): "nobody"}))
            .await
            .refuses(404, "No actor found with id: nobody.");

        let deleted = server.delete(user, path).await.message();
        assert!(deleted.starts_with("Alias") && deleted.ends_with("deleted successfully."), "{deleted}");
        server.get(Person::Admin, path).await.refuses(404, "No alias found: my.grinder.");
        server.get(user, path).await.refuses(404, "Actor with identifier 'my.grinder' not found");
        server.get(user, "/actors/my.grinder").await.refuses(404, "not found");
        server.end().await;
    }
}

#[tokio::test]
async fn a_bad_alias_is_told() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({})).await;
    let theirs = server.actor(Person::Privileged, json!({})).await;
    server.post(Person::User, "/actors/aliases", json!({"alias": "taken", "actorId": id})).await.result();
    for (status, description, says) in [
        (400, json!({"actorId": id}), "Invalid alias description. Missing required field: {'alias': "),
        (400, json!({"alias": "a"}), "Invalid alias description. Missing required field: {'actorId': "),
        (400, json!({"alias": id, "actorId": id}), "Alias cannot be an Abaco hash id."),
        (400, json!({"alias": "executions", "actorId": id}), "executions is a reserved word."),
        (400, json!({"alias": "search", "actorId": id}), "search is a reserved word."),
        (400, json!({"alias": "a b", "actorId": id}), "' ' is a forbidden character."),
        (400, json!({"alias": "a/b", "actorId": id}), "'/' is a forbidden character."),
        (400, json!({"alias": "taken", "actorId": id}), "Alias taken already exists."),
        (404, json!({"alias": "a", "actorId": "taken"}), "No actor found with id: taken."),
        (400, json!({"alias": "a", "actorId": theirs}), "Not authorized -- you do not have access to"),
    ] {
        server.post(Person::User, "/actors/aliases", description).await.refuses(status, says);
    }
    server.end().await;
}

#[tokio::test]
async fn a_right_on_an_alias_is_none_on_its_actor() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let user = Person::User;
    let id = server.actor(user, json!({})).await;
    let theirs = server.actor(Person::Limited, json!({})).await;
    server.post(user, "/actors/aliases", json!({"alias": "grinder", "actorId": id})).await.result();
    assert_eq!(server.get(Person::Limited, "/actors/aliases").await.result(), json!([]));
    server.get(Person::Limited, "/actors/aliases/grinder").await.refuses(400, "you do not have access to this alias.");
    let grant = json!({"user": "testotheruser", "level": "UPDATE"});
    let granted = server.post(user, "/actors/aliases/grinder/permissions", grant).await;
    assert_eq!(granted.message(), "Permission added successfully.");
    assert_eq!(granted.result(), json!({"jdoe": "UPDATE", "testotheruser": "UPDATE"}));
    server.get(Person::Limited, "/actors/aliases/grinder").await.result();
    let denied = "you do not have access to this actor.";
    server.get(Person::Limited, "/actors/grinder").await.refuses(400, denied);
    let both = "you do not have access to this alias and actor.";
    server.get(Person::Limited, "/actors/aliases/grinder/nonces").await.refuses(400, both);
    let says = "you do not have UPDATE access to the actor you want to associate with this alias.";
    server.put(Person::Limited, "/actors/aliases/grinder", json!({"actorId": id})).await.refuses(400, says);
    server.put(Person::Limited, "/actors/aliases/grinder", json!({"actorId": theirs})).await.result();
    server.delete(Person::Limited, "/actors/aliases/grinder").await.result();
    server.end().await;
}

#[tokio::test]
async fn an_alias_outlives_its_actor() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let user = Person::User;
    let id = server.actor(user, json!({})).await;
    server.post(user, "/actors/aliases", json!({"alias": "grinder", "actorId": id})).await.result();
    server.delete(user, &format!("/actors/{id}")).await.result();
    server.get(user, "/actors/aliases/grinder").await.result();
    server.get(user, "/actors/grinder").await.refuses(404, "Actor with identifier 'grinder' not found");
    let next = server.actor(user, json!({})).await;
    server.put(user, "/actors/aliases/grinder", json!({"actorId": next})).await.result();
    server.get(user, "/actors/grinder").await.result();
    server.end().await;
}
