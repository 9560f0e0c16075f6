//! The document, the list of routes and the router say the same.

use std::{collections::BTreeSet, path::Path};

use tidemill_api::route;

use crate::support::TestServer;

fn document() -> serde_json::Value {
    serde_json::to_value(tidemill_server::openapi()).expect("the document has text keys only")
}

#[test]
fn document_and_routes_agree() {
    let document = document();
    let mut documented = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|key| key.as_str() != "parameters") {
            documented.insert((method.to_uppercase(), path.clone()));
        }
    }
    let listed: BTreeSet<_> = route::ALL.iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
    assert_eq!(documented, listed);
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a serde_json::Value, found: &mut BTreeSet<&'a str>) {
        match value {
            serde_json::Value::Object(members) => {
                found.extend(members.get("$ref").and_then(|reference| reference.as_str()));
                members.values().for_each(|value| references(value, found));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("references are local");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn the_router_knows_every_route() {
    let server = TestServer::start().await;
    for route::Route { method, path, .. } in route::ALL {
        let mut path = path.replace("{id}", "0193a000-0000-7000-8000-000000000000");
        for member in ["name", "function", "topic", "key", "worker", "alias", "config", "nonce"] {
            path = path.replace(&format!("{{{member}}}"), "nobody");
        }
        let reply = server.request(method, &path, &[], "").await;
        let problem: Option<tidemill_api::Problem> = serde_json::from_slice(&reply.body).ok();
        let code = problem.map(|problem| problem.code);
        assert!(
            !matches!(code, Some(tidemill_api::ErrorCode::NotFound | tidemill_api::ErrorCode::MethodNotAllowed)),
            "{method} {path}"
        );
    }
    assert_eq!(server.client.openapi().await.unwrap(), document());
    server.end().await;
}

#[test]
fn the_committed_document_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let text = serde_json::to_string_pretty(&document()).expect("the document has text keys only") + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, text).expect("the document can be written");
        return;
    }
    let committed = std::fs::read_to_string(&file).expect("docs/openapi.json is there");
    assert!(committed == text, "docs/openapi.json is stale; UPDATE=1 cargo test -p tidemill-server writes it");
}

/// The rights of all routes, as the documentation shows them.
fn rights() -> String {
    use route::Right;
    let mut text = String::from("| Route | Needs |\n|---|---|\n");
    for route in route::ALL {
        let needs = match route.right {
            Right::Public => "nothing".to_owned(),
            Right::Member => "member".to_owned(),
            Right::Function(level) => format!("{level} on the function"),
            Right::Invocation(level) => format!("{level} on the invocation's function"),
            Right::Alias(level) => format!("{level} on the alias"),
            Right::Config(level) => format!("{level} on the config"),
            Right::Admin => "admin".to_owned(),
        };
        text += &format!("| `{} {}` | {needs} |\n", route.method, route.path);
    }
    text
}

#[test]
fn the_rights_in_the_documentation_are_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security.md");
    let text = std::fs::read_to_string(&file).expect("docs/security.md is there");
    let begin = text.find("writes it -->\n").expect("the table has a beginning") + "writes it -->\n".len();
    let end = text.find("<!-- end -->").expect("the table has an end");
    let current = format!("{}{}{}", &text[..begin], rights(), &text[end..]);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, current).expect("the page can be written");
        return;
    }
    assert!(text == current, "docs/security.md is stale; UPDATE=1 cargo test -p tidemill-server writes it");
}
