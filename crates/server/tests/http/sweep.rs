//! Every endpoint, asked by everybody: who gets in and who does not. The table here is written by hand, so that a change of the
//! server's own table shows.

use std::collections::{BTreeMap, BTreeSet};

use tidemill_client::{Call, Client, Kind, Reply};
use tidemill_core::access::Role;

use crate::support::{
    TestServer,
    tokens::{BANK, SHOP, expired, token},
};

/// What an endpoint needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Nothing,
    AnyRole,
    Read,
    Execute,
    Update,
    UpdateAndPrivileged,
    Admin,
}
use Need::{Admin, AnyRole, Execute, Nothing, Read, Update, UpdateAndPrivileged};

/// Those who ask, the ones with fewer rights first: what they change, the later ones find changed.
const ASKING: &[(&str, &[Need])] = &[
    ("nobody", &[Nothing]),
    ("a bad token", &[Nothing]),
    ("an expired token", &[Nothing]),
    ("limited", &[Nothing, AnyRole]),
    ("privileged", &[Nothing, AnyRole]),
    ("reader", &[Nothing, AnyRole, Read]),
    ("executor", &[Nothing, AnyRole, Read, Execute]),
    ("updater", &[Nothing, AnyRole, Read, Execute, Update]),
    ("admin", &[Nothing, AnyRole, Read, Execute, Update, UpdateAndPrivileged, Admin]),
];

const TABLE: &[(&str, &str, Need)] = &[
    ("GET", "/livez", Nothing),
    ("GET", "/readyz", Nothing),
    ("GET", "/metrics", Admin),
    ("GET", "/v1/openapi.json", Nothing),
    ("GET", "/v1/status", AnyRole),
    ("GET", "/v1/functions", AnyRole),
    ("POST", "/v1/functions", AnyRole),
    ("GET", "/v1/functions/{name}", Read),
    ("DELETE", "/v1/functions/{name}", Update),
    ("POST", "/v1/functions/{name}/pause", Update),
    ("POST", "/v1/functions/{name}/resume", Update),
    ("POST", "/v1/functions/{name}/rollback", Update),
    ("GET", "/v1/functions/{name}/revisions", Read),
    ("GET", "/v1/functions/{name}/logs", Read),
    ("POST", "/v1/functions/{name}/invocations", Execute),
    ("POST", "/v1/functions/{name}/invocations/batch", Execute),
    ("GET", "/v1/functions/{name}/workers", Read),
    ("POST", "/v1/functions/{name}/workers", Update),
    ("DELETE", "/v1/functions/{name}/workers/{worker}", Update),
    ("GET", "/v1/functions/{name}/state", Read),
    ("PUT", "/v1/functions/{name}/state", Update),
    ("DELETE", "/v1/functions/{name}/state", Update),
    ("GET", "/v1/functions/{name}/state/{key}", Read),
    ("PUT", "/v1/functions/{name}/state/{key}", Update),
    ("DELETE", "/v1/functions/{name}/state/{key}", Update),
    ("GET", "/v1/functions/{name}/states", Read),
    ("POST", "/v1/functions/{name}/image", UpdateAndPrivileged),
    ("GET", "/v1/functions/{name}/grants", Read),
    ("POST", "/v1/functions/{name}/grants", Update),
    ("GET", "/v1/functions/{name}/nonces", Update),
    ("POST", "/v1/functions/{name}/nonces", Update),
    ("DELETE", "/v1/functions/{name}/nonces/{nonce}", Update),
    ("GET", "/v1/invocations", AnyRole),
    ("GET", "/v1/invocations/{id}", Read),
    ("GET", "/v1/invocations/{id}/result", Read),
    ("GET", "/v1/invocations/{id}/event", Read),
    ("GET", "/v1/invocations/{id}/logs", Read),
    ("POST", "/v1/invocations/{id}/results/next", Execute),
    ("POST", "/v1/invocations/{id}/cancel", Update),
    ("POST", "/v1/invocations/{id}/retry", Update),
    ("GET", "/v1/queues", AnyRole),
    ("GET", "/v1/queues/{function}", Read),
    ("POST", "/v1/queues/{function}/redrive", Update),
    ("POST", "/v1/queues/{function}/purge", Update),
    ("GET", "/v1/topics", AnyRole),
    ("POST", "/v1/topics/{topic}/events", Execute),
    ("GET", "/v1/schedules", AnyRole),
    ("GET", "/v1/aliases", AnyRole),
    ("POST", "/v1/aliases", AnyRole),
    ("GET", "/v1/aliases/{alias}", Read),
    ("PUT", "/v1/aliases/{alias}", Update),
    ("DELETE", "/v1/aliases/{alias}", Update),
    ("GET", "/v1/aliases/{alias}/grants", Read),
    ("POST", "/v1/aliases/{alias}/grants", Update),
    ("GET", "/v1/aliases/{alias}/nonces", Update),
    ("POST", "/v1/aliases/{alias}/nonces", Update),
    ("DELETE", "/v1/aliases/{alias}/nonces/{nonce}", Update),
    ("GET", "/v1/configs", AnyRole),
    ("POST", "/v1/configs", AnyRole),
    ("GET", "/v1/configs/{config}", Read),
    ("PUT", "/v1/configs/{config}", Update),
    ("DELETE", "/v1/configs/{config}", Update),
    ("GET", "/v1/configs/{config}/grants", Read),
    ("POST", "/v1/configs/{config}/grants", Update),
];

/// A server with a function, an alias and a config that some have grants on, and an invocation of the function.
async fn furnished() -> (TestServer, String) {
    let server = TestServer::start_guarded().await;
    server
        .deploy(
            "actor",
            "spec: {state: function, triggers: {t: {kind: message, attributes: {topic: news}}, h: {kind: http}}}",
        )
        .await;
    let admin = &server.client;
    admin.create_alias("front", "actor").await.expect("the alias is made");
    let config = tidemill_api::NewConfig {
        name: "region".to_owned(),
        value: "eu".to_owned(),
        secret: false,
        functions: vec!["actor".to_owned()],
    };
    admin.create_config(&config).await.expect("the config is made");
    for (kind, name) in [(Kind::Function, "actor"), (Kind::Alias, "front"), (Kind::Config, "region")] {
        for (user, level) in [("reader", "READ"), ("executor", "EXECUTE"), ("updater", "UPDATE")] {
            admin.grant(kind, name, user, level).await.expect("it is granted");
        }
    }
    let id = admin.submit("actor", Call::default()).await.expect("it is submitted").id.to_string();
    (server, id)
}

fn token_of(who: &str) -> Option<String> {
    match who {
        "nobody" => None,
        "a bad token" => Some(format!("{}x", token(SHOP, "root", Role::Admin))),
        "an expired token" => Some(expired(SHOP, "root", Role::Admin)),
        "limited" => Some(token(SHOP, "stranger", Role::Limited)),
        "privileged" => Some(token(SHOP, "stranger", Role::Privileged)),
        "admin" => Some(token(SHOP, "somebody", Role::Admin)),
        user => Some(token(SHOP, user, Role::User)),
    }
}

fn filled(path: &str, id: &str) -> String {
    let members = [
        ("{name}", "actor"),
        ("{function}", "actor"),
        ("{alias}", "front"),
        ("{config}", "region"),
        ("{topic}", "news"),
        ("{id}", id),
    ];
    let path = members.iter().fold(path.to_owned(), |path, (member, value)| path.replace(member, value));
    ["{worker}", "{key}", "{nonce}"].iter().fold(path, |path, member| path.replace(member, "x"))
}

async fn ask(client: &Client, token: Option<&str>, method: &str, path: &str) -> Reply {
    let headers: Vec<_> = token.iter().map(|token| ("authorization".to_owned(), format!("Bearer {token}"))).collect();
    client.request(method, path, &headers, "").await.expect("an answer comes")
}

#[test]
fn the_table_has_every_endpoint() {
    let document = serde_json::to_value(tidemill_server::openapi()).unwrap();
    let mut documented = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|key| key.as_str() != "parameters") {
            documented.insert((method.to_uppercase(), path.clone()));
        }
    }
    let listed: BTreeSet<_> =
        TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(documented, listed, "each endpoint has a row that says who may use it");
}

#[tokio::test]
async fn everybody_gets_in_where_they_may_and_nowhere_else() {
    let mut wrong = BTreeMap::new();
    for (method, path, need) in TABLE {
        let (server, id) = furnished().await;
        let (client, path) = (server.bare(), filled(path, &id));
        let mut check = |who: &str, expected: &str, reply: &Reply| {
            let found = match reply.status {
                401 => "unknown",
                403 => "refused",
                _ => "in",
            };
            if found != expected {
                wrong.insert(format!("{method} {path} by {who}"), format!("{expected}, but {}", reply.status));
            }
        };
        for (who, may) in ASKING {
            let expected = match (may.contains(need), may.contains(&AnyRole)) {
                (true, _) => "in",
                (false, true) => "refused",
                (false, false) => "unknown",
            };
            let token = token_of(who);
            check(who, expected, &ask(&client, token.as_deref(), method, &path).await);
        }
        // An administrator of another tenant finds nothing of this one, by whatever name.
        let foreign = token(BANK, "root", Role::Admin);
        let reply = ask(&client, Some(&foreign), method, &path).await;
        let names_something = path.contains("actor") || path.contains("front") || path.contains("region");
        let names_something = names_something || path.contains(&id);
        if names_something && reply.status != 404 && reply.status != 400 {
            wrong.insert(format!("{method} {path} by another tenant's admin"), reply.status.to_string());
        }
        if *need != Nothing {
            let reply = ask(&client, Some(&foreign), method, &format!("{path}?project={SHOP}")).await;
            if reply.status != 403 {
                wrong.insert(format!("{method} {path}?project= by another tenant's admin"), reply.status.to_string());
            }
        }
        server.end().await;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
