//! Permissions: levels, the world, and how they add up.

use serde_json::json;
use tidemill_server::AbacoCase;

use crate::support::{Body, Person, TestServer};

#[tokio::test]
async fn levels_are_set_and_include_the_lower_ones() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({})).await;
    let path = format!("/actors/{id}");
    let permissions = format!("{path}/permissions");
    let listed = server.get(Person::User, &permissions).await;
    assert_eq!(
        (listed.message().as_str(), listed.result()),
        ("Permissions retrieved successfully.", json!({"jdoe": "UPDATE"}))
    );
    let description = json!({"image": "abacosamples/test"});
    for (level, may) in [
        ("NONE", [false, false, false]),
        ("READ", [true, false, false]),
        ("EXECUTE", [true, true, false]),
        ("UPDATE", [true, true, true]),
        ("NONE", [false, false, false]),
    ] {
        for user in ["testotheruser", "ABACO_WORLD"] {
            let grant = json!({"user": user, "level": level});
            let set = server.post(Person::User, &permissions, grant).await;
            assert_eq!(
                (set.message().as_str(), &set.result()[user]),
                ("Permission added successfully.", &json!(level))
            );
            let read = server.get(Person::Limited, &path).await;
            let executed = server.post(Person::Limited, &format!("{path}/messages"), json!({"message": "hi"})).await;
            let updated = server.put(Person::Limited, &path, description.clone()).await;
            for (answer, may) in [read, executed, updated].into_iter().zip(may) {
                match may {
                    true => drop(answer.result()),
                    false => answer.refuses(400, "Not authorized -- you do not have access to this actor."),
                }
            }
            let nothing = json!({"user": user, "level": "NONE"});
            server.post(Person::User, &permissions, nothing).await.result();
        }
    }
    server.end().await;
}

#[tokio::test]
async fn bad_permissions_are_told() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({})).await;
    let path = format!("/actors/{id}/permissions");
    for (form, says) in [
        ("level=READ", "'user'"),
        ("user=a", "'level'"),
        ("user=a&level=ALL", "Invalid permission level: ALL."),
        ("user=a%0ab&level=READ", "'it is not the name of a user'"),
        ("user=a,b&level=READ", "'it is not the name of a user'"),
    ] {
        server.send(Person::User, "POST", &path, Body::Form(form)).await.refuses(400, says);
    }
    server.end().await;
}
