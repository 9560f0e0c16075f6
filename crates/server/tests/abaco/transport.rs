//! What holds for every path: slashes, verbs, origins, heads.

use bytes::Bytes;
use serde_json::json;
use tidemill_server::AbacoCase;

use crate::support::{Body, Person, TestServer};

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn slashes_and_the_hosted_prefix_make_no_difference() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let id = server.actor(Person::User, json!({})).await;
    for path in ["/actors", "//actors", "/actors/", "/actors/v2", "/actors//v2//"] {
        assert_eq!(server.get(Person::User, path).await.result().as_array().unwrap().len(), 1, "{path}");
    }
    for path in [format!("//actors//{id}"), format!("/actors/v2/{id}/"), format!("/actors/{id}?")] {
        assert_eq!(server.get(Person::User, &path).await.result()["id"], id.as_str(), "{path}");
    }
    let sent = server.send(Person::User, "POST", &format!("//actors/{id}/messages/"), Body::Form("message=hi")).await;
    sent.result();
    server.end().await;
}

#[tokio::test]
async fn what_is_not_there_is_told_to_anybody() {
    let server = TestServer::start(AbacoCase::Camel).await;
    for person in [Person::Nobody, Person::Admin] {
        for path in ["/actors/a/nothing", "/actors/a/executions/b/c", "/actors/aliases/a/b", "/actors/admin/nothing/x"]
        {
            server.get(person, path).await.refuses(404, "the API endpoint does not exist");
        }
        for (method, path, allow) in [
            ("PUT", "/actors", "GET, HEAD, OPTIONS, POST"),
            ("PATCH", "/actors/a", "DELETE, GET, HEAD, OPTIONS, PUT"),
            ("POST", "/actors/a", "DELETE, GET, HEAD, OPTIONS, PUT"),
            ("DELETE", "/actors/utilization", "GET, HEAD, OPTIONS"),
            ("DELETE", "/actors/a/executions", "GET, HEAD, OPTIONS, POST"),
        ] {
            let answer = server.send(person, method, path, Body::None).await;
            assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
            answer.refuses(405, "the provided HTTP method is not allowed.");
        }
    }
    // Elsewhere the face is not asked.
    let other = server.get(Person::Nobody, "/actor").await;
    assert_eq!((other.status, other.content_type.as_str()), (404, "application/problem+json"));
    server.end().await;
}

#[tokio::test]
async fn heads_are_those_of_gets() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let get = server.get(Person::User, "/actors").await;
    let head = server.send(Person::User, "HEAD", "/actors", Body::None).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some(get.body.len().to_string().as_str()));
    server.end().await;
}

#[tokio::test]
async fn scripts_of_other_origins_may_come_with_a_token() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let origin = header("origin", "https://portal.example");
    let options = server.raw("OPTIONS", "/actors/a/messages", &[], Bytes::new()).await;
    assert_eq!((options.status, options.body.len()), (200, 0));
    assert_eq!(options.header("allow"), Some("DELETE, GET, HEAD, OPTIONS, POST"));
    let asked = [
        origin.clone(),
        header("access-control-request-method", "POST"),
        header("access-control-request-headers", "x-jwt-assertion-dev-develop"),
    ];
    let preflight = server.raw("OPTIONS", "/actors", &asked, Bytes::new()).await;
    for (name, value) in [
        ("access-control-allow-origin", "https://portal.example"),
        ("access-control-allow-methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("access-control-allow-headers", "x-jwt-assertion-dev-develop"),
        ("vary", "Origin"),
    ] {
        assert_eq!(preflight.header(name), Some(value), "{name}");
    }
    let from_there: Vec<_> = Person::User.header().into_iter().chain([origin]).collect();
    for (path, status) in [("/actors", 200), ("/actors/nobody", 404)] {
        let answer = server.raw("GET", path, &from_there, Bytes::new()).await;
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (status, Some("https://portal.example"))
        );
    }
    let answer = server.get(Person::User, "/actors").await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    server.end().await;
}

#[tokio::test]
async fn without_tokens_pages_of_others_are_kept_off() {
    let server = TestServer::open(AbacoCase::Camel).await;
    let form = header("content-type", "application/x-www-form-urlencoded");
    for (headers, says) in [
        (vec![form.clone(), header("origin", "https://evil.example")], "may not use the API of this server"),
        (vec![form.clone(), header("host", "evil.example")], "is not a name of this server"),
    ] {
        let answer = server.raw("POST", "/actors", &headers, "image=x&privileged=true".into()).await;
        answer.refuses(403, says);
    }
    let own = header("origin", &format!("http://{}", server.address));
    server.raw("POST", "/actors", &[form, own], "image=x".into()).await.result();
    server.end().await;
}

#[tokio::test]
async fn the_face_can_be_switched_off() {
    let server = TestServer::start_with(AbacoCase::Camel, |config| config.abaco.enabled = false).await;
    let answer = server.get(Person::Nobody, "/actors").await;
    assert_eq!((answer.status, answer.content_type.as_str()), (404, "application/problem+json"));
    server.end().await;
}

#[tokio::test]
async fn the_version_and_the_server_s_address_are_settings() {
    let server = TestServer::start_with(AbacoCase::Camel, |config| {
        config.abaco.tag = "1.9.1".to_owned();
        config.abaco.api_server = Some("https://api.example.org/".to_owned());
    })
    .await;
    let answer = server.send(Person::Nobody, "POST", "/actors", Body::Form("image=x")).await;
    assert_eq!(answer.envelope()["version"], "1.9.1");
    let actor = answer.result();
    let id = actor["id"].as_str().unwrap();
    assert_eq!(actor["_links"]["self"], format!("https://api.example.org/actors/v2/{id}"));
    assert_eq!(actor["_links"]["owner"], "https://api.example.org/profiles/v2/anonymous");
    server.end().await;
}
