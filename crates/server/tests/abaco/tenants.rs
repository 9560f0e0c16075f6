//! Tenants: each in a project of its own, as the token's header says.

use serde_json::json;
use tidemill_server::AbacoCase;

use crate::support::{Body, Person, TestServer};

#[tokio::test]
async fn a_tenant_sees_nothing_of_another() {
    let server = TestServer::start(AbacoCase::Camel).await;
    let user = Person::User;
    let id = server.actor(user, json!({})).await;
    server.post(user, "/actors/aliases", json!({"alias": "grinder", "actorId": id})).await.result();
    let config = json!({"name": "grain", "value": "rye", "isSecret": false, "actors": id});
    server.post(user, "/actors/configs", config).await.result();
    server.run(user, &id, "hi").await;
    let other = Person::Elsewhere;
    for path in ["/actors", "/actors/aliases", "/actors/configs"] {
        assert_eq!(server.get(other, path).await.result(), json!([]), "{path}");
    }
    for kind in ["actors", "executions", "workers", "logs"] {
        assert_eq!(server.get(other, &format!("/actors/search/{kind}")).await.result()["search"], json!([]), "{kind}");
    }
    server.get(other, &format!("/actors/{id}")).await.refuses(404, "No actor found with identifier");
    server.get(other, "/actors/grinder").await.refuses(404, "not found");
    server.get(other, "/actors/aliases/grinder").await.refuses(404, "No alias found: grinder.");
    server.get(other, "/actors/configs/grain").await.refuses(404, "No config found: grain.");
    let alias = json!({"alias": "grinder", "actorId": id});
    server.post(other, "/actors/aliases", alias).await.refuses(404, "No actor found with id");
    // The same names are free there.
    let own = server.actor(other, json!({})).await;
    server.post(other, "/actors/aliases", json!({"alias": "grinder", "actorId": own})).await.result();
    assert_eq!(server.get(user, "/actors/grinder").await.result()["id"], id.as_str());
    server.end().await;
}

#[tokio::test]
async fn whoever_has_no_token_or_role_is_refused() {
    let server = TestServer::start(AbacoCase::Camel).await;
    server.get(Person::Nobody, "/actors").await.refuses(400, "No JWT or nonce provided.");
    server.get(Person::Stranger, "/actors").await.refuses(400, "Not authorized -- missing required role.");
    for (name, value) in [
        ("X-Jwt-Assertion-DEV-DEVELOP", "nonsense".to_owned()),
        ("X-Jwt-Assertion-OTHER", Person::Admin.header().unwrap().1),
        ("Authorization", "Bearer nonsense".to_owned()),
    ] {
        let answer = server.raw("GET", "/actors", &[(name.to_owned(), value)], bytes::Bytes::new()).await;
        answer.refuses(400, "No JWT or nonce provided.");
    }
    server.end().await;
}

#[tokio::test]
async fn without_tokens_a_header_names_the_tenant() {
    let server = TestServer::open(AbacoCase::Camel).await;
    let form = [("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    let of = |tenant: &str| {
        let mut headers = form.to_vec();
        headers.push(("tenant".to_owned(), tenant.to_owned()));
        headers
    };
    server.raw("POST", "/actors", &of("DEV"), "image=x".into()).await.result();
    let count = async |headers: &[(String, String)]| {
        server.raw("GET", "/actors", headers, bytes::Bytes::new()).await.result().as_array().unwrap().len()
    };
    assert_eq!((count(&of("DEV")).await, count(&of("OTHER")).await, count(&[]).await), (1, 0, 0));
    let owner = server.raw("GET", "/actors", &of("DEV"), bytes::Bytes::new()).await.result()[0]["owner"].clone();
    assert_eq!(owner, "anonymous");
    server.send(Person::Nobody, "POST", "/actors", Body::Form("image=x")).await.result();
    assert_eq!(count(&[]).await, 1);
    server.end().await;
}
