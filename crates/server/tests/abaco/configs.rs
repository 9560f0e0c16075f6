//! `/actors/configs`.

use serde_json::json;
use tidemill_server::AbacoCase;

use crate::{
    CASES,
    support::{Person, TestServer},
};

#[tokio::test]
async fn configs_reach_the_executions_of_their_actors() {
    for case in CASES {
        let server = TestServer::start(case).await;
        let (k, user) = (|snake: &str| server.k(snake), Person::User);
        let id = server.actor(user, json!({})).await;
        server.post(user, "/actors/aliases", json!({"alias": "grinder", (k("actor_id")): id})).await.result();
        let plain =
            json!({"name": "grain", "value": "rye", (k("is_secret")): false, "actors": format!(" {id} , grinder")});
        let created = server.post(user, "/actors/configs", plain.clone()).await;
        assert_eq!(created.message(), "Actor config created successfully.");
        assert_eq!(created.result(), plain);
        let secret = json!({"name": "key", "value": "sesame", (k("is_secret")): true, "actors": "grinder"});
        let sealed = server.post(user, "/actors/configs", secret).await.result();
        assert_ne!(sealed["value"], "sesame");
        assert_eq!(server.get(user, "/actors/configs/key").await.result(), sealed);
        let (_, logs) = server.run(user, &id, "hi").await;
        assert!(logs.contains("config grain=rye\nconfig key=sesame\n"), "{logs}");

        let listed = server.get(user, "/actors/configs").await;
        assert_eq!(listed.message(), "Actor Configs retrieved successfully.");
        assert_eq!(listed.result().as_array().unwrap().len(), 2);
        let next = json!({"name": "grain", "value": {"a": true}, (k("is_secret")): false, "actors": id});
        let updated = server.put(user, "/actors/configs/grain", next).await;
        assert_eq!(updated.message(), "Actor config updated successfully.");
        assert_eq!(updated.result()["value"], "{'a': True}");
        assert_eq!(server.get(user, "/actors/configs/grain").await.message(), "Config retrieved successfully.");
        let deleted = server.delete(user, "/actors/configs/grain").await;
        assert_eq!(deleted.message(), "Actor config grain deleted successfully.");
        server.get(user, "/actors/configs/grain").await.refuses(404, "No config found: grain.");
        server.delete(user, "/actors/configs/grain").await.refuses(404, "No config found with name: grain.");
        let (_, logs) = server.run(user, &id, "hi").await;
        assert!(!logs.contains("config grain"), "{logs}");
        server.end().await;
    }
}

#[tokio::test]
async fn a_bad_config_is_told() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({})).await;
    let config = |change: serde_json::Value| {
        let mut config = json!({"name": "grain", "value": "rye", "isSecret": false, "actors": id});
        for (name, value) in change.as_object().unwrap() {
            config[name] = value.clone();
        }
        config
    };
    server.post(Person::User, "/actors/configs", config(json!({}))).await.result();
    for (status, change, says) in [
        (400, json!({"name": null}), "Invalid config description. Missing required field: {'name'"),
        (400, json!({"name": "a", "value": null}), "'value'"),
        (400, json!({"name": "a", "isSecret": null}), "isSecret"),
        (400, json!({"name": "a", "isSecret": "maybe"}), "isSecret"),
        (400, json!({"name": "a", "actors": null}), "'actors'"),
        (404, json!({"name": "a", "actors": format!("{id},nobody")}), "No actor or alias found with id: nobody."),
        (400, json!({"name": "utilization"}), "utilization is a reserved word."),
        (400, json!({"name": "a b"}), "' ' is a forbidden character."),
        (400, json!({}), "Config grain already exists; please choose another name for your config"),
    ] {
        server.post(Person::User, "/actors/configs", config(change)).await.refuses(status, says);
    }
    let renamed = config(json!({"name": "other"}));
    server.put(Person::User, "/actors/configs/grain", renamed).await.refuses(400, "cannot be changed");
    server.end().await;
}

#[tokio::test]
async fn a_config_on_an_actor_of_others_is_made_and_not_applied() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({})).await;
    let config = json!({"name": "trojan", "value": "horse", "isSecret": false, "actors": id});
    server.post(Person::Limited, "/actors/configs", config.clone()).await.result();
    let (_, logs) = server.run(Person::User, &id, "hi").await;
    assert!(!logs.contains("trojan"), "{logs}");
    // And it is its creator's alone.
    assert_eq!(server.get(Person::User, "/actors/configs").await.result(), json!([]));
    let denied = "You do not have sufficient access to this actor config.";
    server.get(Person::User, "/actors/configs/trojan").await.refuses(400, denied);
    server.put(Person::User, "/actors/configs/trojan", config).await.refuses(400, denied);
    let grant = json!({"user": "jdoe", "level": "READ"});
    server.post(Person::Limited, "/actors/configs/trojan/permissions", grant).await.result();
    server.get(Person::User, "/actors/configs/trojan").await.result();
    server.delete(Person::User, "/actors/configs/trojan").await.refuses(400, denied);
    let grant = json!({"user": "testotheruser", "level": "UPDATE"});
    server.post(Person::User, &format!("/actors/{id}/permissions"), grant).await.result();
    let (_, logs) = server.run(Person::User, &id, "hi").await;
    assert!(logs.contains("config trojan=horse\n"), "{logs}");
    server.end().await;
}
