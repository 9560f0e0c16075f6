//! `/actors` and `/actors/{actor}`.

use serde_json::{Value, json};
use tidemill_server::AbacoCase;

use crate::{
    CASES,
    support::{Body, Person, TestServer},
};

#[tokio::test]
async fn an_actor_is_registered_shown_and_deleted() {
    for case in CASES {
        let server = TestServer::start(case).await;
        let description = json!({
            "image": "abacosamples/test", "name": "mill", "description": "it grinds", "hints": ["sync", "corn"],
            (server.k("default_environment")): {"GRAIN": "rye", "STONES": 2, "GONE": null}, "type": "json",
            (server.k("log_ex")): 3600, "stateless": false,
        });
        let created = server.post(Person::User, "/actors", description).await;
        assert_eq!(created.message(), "Actor created successfully.");
        let actor = created.result();
        let id = actor["id"].as_str().unwrap();
        server.reaches(Person::User, id, "READY").await;
        let shown = server.get(Person::User, &format!("/actors/{id}")).await;
        assert_eq!(shown.message(), "Actor retrieved successfully.");
        let shown = shown.result();
        for (member, value) in [
            ("name", json!("mill")),
            ("description", json!("it grinds")),
            ("hints", json!(["sync", "corn"])),
            ("default_environment", json!({"GRAIN": "rye", "STONES": 2, "GONE": null})),
            ("type", json!("json")),
            ("log_ex", json!(3600)),
            ("stateless", json!(false)),
            ("state", json!({})),
            ("owner", json!("jdoe")),
            ("revision", json!(1)),
            ("status", json!("READY")),
            ("status_message", json!(" ")),
            ("token", json!("false")),
            ("queue", json!("default")),
            ("link", json!("")),
            ("webhook", json!("")),
            ("privileged", json!(false)),
            ("use_container_uid", json!(false)),
            ("cron_on", json!(false)),
            ("mounts", json!([])),
        ] {
            assert_eq!(shown[server.k(member)], value, "{member}");
        }
        for time in ["create_time", "last_update_time"] {
            let text = shown[server.k(time)].as_str().unwrap();
            assert!(text.len() == 24 && text.ends_with('Z'), "{text}");
        }
        for absent in ["tenant", "db_id", "api_server", "executions"] {
            assert!(shown.get(server.k(absent)).is_none(), "{absent}");
        }
        // What has no value is left out in camel case, and null in snake case.
        assert_eq!(shown.as_object().unwrap().contains_key(&server.k("max_workers")), case == AbacoCase::Snake);

        let (_, logs) = server.run(Person::User, id, "hello").await;
        assert!(logs.contains("GRAIN=rye\nSTONES=2\n") && !logs.contains("GONE"), "{logs}");
        assert_eq!(
            server.delete(Person::User, &format!("/actors/{id}")).await.message(),
            "Actor deleted successfully."
        );
        server.get(Person::Admin, &format!("/actors/{id}")).await.refuses(404, "No actor found with identifier");
        server.get(Person::User, &format!("/actors/{id}")).await.refuses(400, "does not exist");
        server.delete(Person::Admin, &format!("/actors/{id}")).await.refuses(404, "No actor found");
        server.get(Person::Admin, "/actors/nobody").await.refuses(404, "Actor with identifier 'nobody' not found");
        assert!(server.engine.functions(None).is_empty());
        server.end().await;
    }
}

#[tokio::test]
async fn a_description_comes_in_any_form() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nx\r\n\
        --b\r\nContent-Disposition: form-data; name=\"hints\"\r\n\r\na\r\n\
        --b\r\nContent-Disposition: form-data; name=\"hints\"\r\n\r\nb\r\n--b--\r\n";
    for (target, body) in [
        ("/actors", Body::Form("image=x&hints=a&hints=b")),
        ("/actors", Body::Json(json!({"image": "x", "hints": ["a", "b"], "unknown": {}}))),
        ("/actors?hints=a&hints=b", Body::Form("image=x&hints=c")),
        ("/actors?hints=c", Body::Json(json!({"image": "x", "hints": ["a", "b"]}))),
        ("/actors?image=x&hints=a&hints=b", Body::None),
        ("/actors", Body::Raw("multipart/form-data; boundary=b", multipart.into())),
    ] {
        let actor = server.send(Person::User, "POST", target, body).await.result();
        assert_eq!((&actor["image"], &actor["hints"]), (&"x".into(), &json!(["a", "b"])), "{target}");
    }
    server.end().await;
}

#[tokio::test]
async fn a_bad_description_is_told() {
    for case in CASES {
        let server = TestServer::start(case).await;
        let k = |snake: &str| server.k(snake);
        for (description, says) in [
            (json!({}), "Invalid actor description: {'image': ".to_owned()),
            (json!({"image": "x", "stateless": "yes"}), "'stateless'".to_owned()),
            (json!({"image": "x", (k("default_environment")): "a"}), format!("'{}'", k("default_environment"))),
            (json!({"image": "x", (k("cron_schedule")): "often"}), "The cron is not in the correct format".to_owned()),
            (json!({"image": "x", "link": "nobody"}), "Invalid link parameter; unable to retrieve".to_owned()),
            (json!({"image": "x", "webhook": "nowhere"}), "'webhook'".to_owned()),
            (json!({"image": "x", "stateless": false, (k("max_workers")): 2}), "stateful actors can only".to_owned()),
            (json!({"image": "x", "queue": "none"}), "Invalid queue name.".to_owned()),
            (json!({"image": "x", (k("mem_limit")): "much"}), format!("'{}'", k("mem_limit"))),
        ] {
            server.post(Person::Privileged, "/actors", description.clone()).await.refuses(400, &says);
        }
        let broken = Body::Raw("application/json", "{".into());
        server.send(Person::User, "POST", "/actors", broken).await.refuses(400, "not JSON");
        let list = Body::Raw("application/json", "[1]".into());
        server.send(Person::User, "POST", "/actors", list).await.refuses(400, "JSON object");
        server.send(Person::User, "POST", "/actors", Body::None).await.refuses(400, "image");
        assert_eq!(server.get(Person::Admin, "/actors").await.result(), json!([]));
        assert!(server.engine.functions(None).is_empty());
        server.end().await;
    }
}

#[tokio::test]
async fn some_settings_are_for_privileged_users() {
    let server = TestServer::start(AbacoCase::Camel).await;
    for (name, value, says) in [
        ("privileged", json!(true), "make privileged actors."),
        ("maxWorkers", json!(3), "set max workers."),
        ("maxCpus", json!(1_000_000_000), "set max CPUs."),
        ("memLimit", json!("1g"), "set mem limit."),
        ("queue", json!("special"), "set queue."),
        ("useContainerUid", json!(true), "use container uid."),
    ] {
        let description = json!({"image": "x", (name): value.clone()});
        for person in [Person::User, Person::Limited] {
            server.post(person, "/actors", description.clone()).await.refuses(400, says);
        }
        for person in [Person::Admin, Person::Privileged] {
            let actor = server.post(person, "/actors", description.clone()).await.result();
            assert_eq!(actor[name], value, "{name}");
        }
        let own = server.actor(Person::User, json!({})).await;
        server.put(Person::User, &format!("/actors/{own}"), description).await.refuses(400, says);
    }
    let actor =
        server.post(Person::User, "/actors", json!({"image": "x", "uid": "0", "status": "READY"})).await.result();
    assert!(actor.get("uid").is_none(), "{actor}");
    server.end().await;
}

#[tokio::test]
async fn privileged_actors_are_a_setting() {
    let server = TestServer::start_with(AbacoCase::Camel, |config| config.abaco.privileged = false).await;
    let description = json!({"image": "x", "privileged": true});
    server.post(Person::Nobody, "/actors", description).await.refuses(400, "switched off on this server");
    server.end().await;
}

#[tokio::test]
async fn an_update_replaces_what_is_said_and_keeps_what_happened() {
    for case in CASES {
        let server = TestServer::start(case).await;
        let (k, user) = (|snake: &str| server.k(snake), Person::User);
        let id =
            server.actor(user, json!({"name": "mill", "description": "old", "stateless": false, "hints": ["a"]})).await;
        let path = format!("/actors/{id}");
        server.reaches(user, &id, "READY").await;
        server.post(user, &format!("{path}/state"), json!({"sacks": 3})).await.result();

        // The same image: nothing but the words changes.
        let same = json!({"image": "abacosamples/test", "name": "other", "stateless": false});
        let updated = server.put(user, &path, same).await;
        assert_eq!(updated.message(), "Actor updated successfully.");
        let updated = updated.result();
        assert_eq!(
            (&updated["id"], &updated["name"], &updated["revision"]),
            (&id.as_str().into(), &"mill".into(), &1.into())
        );
        assert_eq!(
            (&updated["description"], &updated["hints"], &updated["status"]),
            (&"".into(), &json!([]), &"READY".into())
        );
        assert_eq!(updated["state"], json!({"sacks": 3}));

        // Another image, or force: a new revision, which gets ready.
        let other = json!({"image": "abacosamples/other", "stateless": false});
        let updated = server.put(user, &path, other.clone()).await.result();
        assert_eq!((&updated["revision"], &updated["image"]), (&2.into(), &"abacosamples/other".into()));
        server.reaches(user, &id, "READY").await;
        let mut forced = other;
        forced["force"] = "1".into();
        assert_eq!(server.put(user, &path, forced).await.result()["revision"], 3);
        server.reaches(user, &id, "READY").await;
        let shown = server.get(user, &path).await.result();
        assert_eq!((&shown["state"], &shown["owner"]), (&json!({"sacks": 3}), &"jdoe".into()));

        for (description, says) in [
            (json!({"stateless": false}), "'image'"),
            (json!({"image": "x"}), "cannot be updated to be stateless"),
            (json!({"image": "x", "stateless": false, "link": id}), "An actor cannot link to itself."),
            (json!({"image": "x", "stateless": "maybe"}), "'stateless'"),
        ] {
            server.put(user, &path, description).await.refuses(400, says);
        }
        let limits = json!({"image": "x", "stateless": false, (k("max_workers")): 2});
        server.put(Person::Admin, &path, limits).await.refuses(400, "stateful actors can only have 1 worker.");
        let by_admin = json!({"image": "abacosamples/other", "stateless": false});
        assert_eq!(server.put(Person::Admin, &path, by_admin).await.result()["owner"], "jdoe");
        let stateless = server.actor(user, json!({})).await;
        let stateful = json!({"image": "abacosamples/test", "stateless": false});
        assert_eq!(server.put(user, &format!("/actors/{stateless}"), stateful).await.result()["stateless"], false);
        server.end().await;
    }
}

#[tokio::test]
async fn an_image_that_cannot_be_had_is_an_error_until_it_is_replaced() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({"image": "broken"})).await;
    server.reaches(Person::User, &id, "ERROR").await;
    let shown = server.get(Person::User, &format!("/actors/{id}")).await.result();
    assert!(shown["statusMessage"].as_str().unwrap().contains("the image broken cannot be pulled"), "{shown}");
    let waiting = server.message(Person::User, &id, "later").await;
    let good = json!({"image": "abacosamples/test"});
    server.put(Person::User, &format!("/actors/{id}"), good).await.result();
    server.reaches(Person::User, &id, "READY").await;
    server.execution(Person::User, &id, &waiting, "COMPLETE").await;
    server.end().await;
}

#[tokio::test]
async fn lists_show_what_one_may_read() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let own = server.actor(Person::User, json!({})).await;
    let shared = server.actor(Person::Privileged, json!({})).await;
    server.actor(Person::Privileged, json!({})).await;
    let grant = json!({"user": "jdoe", "level": "READ"});
    server.post(Person::Privileged, &format!("/actors/{shared}/permissions"), grant).await.result();
    let count = async |person| server.get(person, "/actors").await.result().as_array().unwrap().len();
    assert_eq!(count(Person::User).await, 2);
    assert_eq!(count(Person::Limited).await, 0);
    assert_eq!(count(Person::Admin).await, 3);
    let listed = server.get(Person::User, "/actors").await;
    assert_eq!(listed.message(), "Actors retrieved successfully.");
    let ids: Vec<Value> = listed.result().as_array().unwrap().iter().map(|actor| actor["id"].clone()).collect();
    assert_eq!(ids, [Value::from(own), Value::from(shared)]);
    server.end().await;
}
