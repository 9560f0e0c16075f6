//! Tokens, grants, nonces and roles at work: what one sees and may do depends on who one is.

use tidemill_api::{ErrorCode, NewNonce};
use tidemill_client::{Call, Client, Error, InvocationQuery, Kind};
use tidemill_core::{access::Role, manifest::Overrides, ports::Package};

use crate::support::{
    TestServer, problem,
    tokens::{BANK, SHOP, token},
};

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorCode {
    result.expect_err("the server refuses").problem().expect("it says why").code
}

fn overrides(name: &str) -> Overrides {
    Overrides { name: Some(name.to_owned()), ..Overrides::default() }
}

async fn deploy_image(client: &Client, name: &str, manifest: &str) -> Result<(), Error> {
    let content = if manifest.is_empty() { "spec: {runtime: image, container: {image: busybox}}" } else { manifest };
    let package = Package { file_name: format!("{name}.py"), content: content.to_owned().into() };
    client.deploy(&package, &overrides(name), |_| {}).await.map(|_| ())
}

#[tokio::test]
async fn lists_show_what_one_may_read() {
    let server = TestServer::start_guarded().await;
    server.deploy("hidden", "").await;
    server.client.grant(Kind::Function, "echo", "ann", "READ").await.unwrap();
    for name in ["echo", "hidden", "echo"] {
        server.client.submit(name, Call::default()).await.unwrap();
    }
    let names = async |client: &Client| {
        client.functions().await.unwrap().functions.into_iter().map(|one| one.name).collect::<Vec<_>>()
    };
    let ann = server.client_of(&token(SHOP, "ann", Role::User));
    let bank = server.client_of(&token(BANK, "root", Role::Admin));
    assert_eq!(names(&server.client).await, ["echo", "hidden"]);
    assert_eq!(names(&ann).await, ["echo"]);
    assert_eq!(names(&bank).await, [""; 0]);
    assert_eq!(ann.queues().await.unwrap().queues.len(), 1);
    let query = InvocationQuery { limit: Some(1), ..InvocationQuery::default() };
    let page = ann.invocations(&query).await.unwrap();
    assert_eq!((page.invocations.len(), page.invocations[0].function.as_str()), (1, "echo"));
    let query = InvocationQuery { before: page.next.map(tidemill_core::InvocationId), ..query };
    let page = ann.invocations(&query).await.unwrap();
    assert_eq!((page.invocations.len(), page.invocations[0].function.as_str()), (1, "echo"));
    assert_eq!(bank.invocations(&InvocationQuery::default()).await.unwrap().invocations, []);
    let of = |function: &str| InvocationQuery { function: Some(function.to_owned()), ..InvocationQuery::default() };
    assert_eq!(code(ann.invocations(&of("hidden")).await), ErrorCode::Forbidden);
    assert_eq!(ann.status().await.unwrap().functions, 2);
    assert_eq!(bank.status().await.unwrap().functions, 0);
    server.end().await;
}

#[tokio::test]
async fn whoever_deploys_owns_and_others_do_not_deploy_over_it() {
    let server = TestServer::start_guarded().await;
    let ann = server.client_of(&token(SHOP, "ann", Role::User));
    let bob = server.client_of(&token(SHOP, "bob", Role::User));
    deploy_image(&ann, "hers", "").await.unwrap();
    let grants = ann.grants(Kind::Function, "hers").await.unwrap().grants;
    assert_eq!(grants.into_iter().collect::<Vec<_>>(), [("ann".to_owned(), "UPDATE".to_owned())]);
    assert_eq!(code(deploy_image(&bob, "hers", "").await), ErrorCode::Forbidden);
    ann.grant(Kind::Function, "hers", "bob", "update").await.unwrap();
    deploy_image(&bob, "hers", "spec: {runtime: image, container: {image: alpine}}").await.unwrap();
    ann.delete("hers").await.unwrap();
    deploy_image(&bob, "hers", "").await.unwrap();
    assert_eq!(code(ann.function("hers").await), ErrorCode::Forbidden, "it is another one now");

    let mut elsewhere = overrides("theirs");
    elsewhere.project = Some(BANK.to_owned());
    let package =
        Package { file_name: "x.py".to_owned(), content: "spec: {runtime: image, container: {image: a}}".into() };
    assert_eq!(code(ann.deploy(&package, &elsewhere, |_| {}).await), ErrorCode::Forbidden);
    server.end().await;
}

#[tokio::test]
async fn only_trusted_roles_ask_for_more_than_a_container() {
    let server = TestServer::start_with(|config| {
        config.auth = crate::support::tokens::auth();
        config.containers.privileged = true;
        config.containers.mounts = vec!["/data".to_owned()];
    })
    .await;
    let container = |rest: &str| format!("spec: {{runtime: image, container: {{image: busybox, {rest}}}}}");
    let of = |role| server.client_of(&token(SHOP, "ann", role));
    for (index, (manifest, by_user, by_privileged)) in [
        (container("pull: never"), true, true),
        (container("user: '1000'"), true, true),
        (container("user: root"), true, true),
        (container("privileged: true"), false, true),
        (container("networks: [host]"), false, true),
        (container("mounts: [{source: /data/in, target: /in}]"), false, true),
        (container("mounts: [{source: /etc, target: /in}]"), false, false),
        ("spec: {runtime: python}".to_owned(), false, true),
        ("spec: {runtime: python, container: {image: python}}".to_owned(), false, true),
    ]
    .into_iter()
    .enumerate()
    {
        for (role, may) in [(Role::Limited, by_user), (Role::User, by_user), (Role::Privileged, by_privileged)] {
            let name = format!("f{index}-{}", role.as_str());
            let deployed = deploy_image(&of(role), &name, &manifest).await;
            let refused = deployed.as_ref().err().and_then(Error::problem).map(|problem| problem.code);
            // What else is wrong with it does not matter here.
            let is_forbidden = refused == Some(ErrorCode::Forbidden);
            assert_eq!(is_forbidden, !may, "{manifest} by {role:?}: {deployed:?}");
        }
    }
    server.end().await;
}

#[tokio::test]
async fn a_user_neither_listens_to_nor_wakes_what_it_may_not() {
    let server = TestServer::start_guarded().await;
    server.deploy("listener", "spec: {triggers: {t: {kind: message, attributes: {topic: news}}}}").await;
    let ann = server.client_of(&token(SHOP, "ann", Role::User));
    let listening = "spec: {runtime: image, container: {image: a}, triggers: {t: {kind: message, attributes: {subscribeTo: echo}}}}";
    let telling = "spec: {runtime: image, container: {image: a}, notify: [echo]}";
    for (name, manifest, level) in [("ears", listening, "READ"), ("mouth", telling, "EXECUTE")] {
        let first = deploy_image(&ann, name, manifest).await;
        assert_eq!(code(first), ErrorCode::Forbidden, "{name}");
        server.client.grant(Kind::Function, "echo", "ann", level).await.unwrap();
        deploy_image(&ann, name, manifest).await.unwrap();
    }
    assert_eq!(code(ann.publish("news", "text/plain", &[], "x").await), ErrorCode::Forbidden);
    assert_eq!(ann.topics().await.unwrap().topics, []);
    server.client.grant(Kind::Function, "listener", "ann", "EXECUTE").await.unwrap();
    assert_eq!(ann.publish("news", "text/plain", &[], "x").await.unwrap().invocations.len(), 1);
    assert_eq!(ann.topics().await.unwrap().topics.len(), 1);
    server.end().await;
}

#[tokio::test]
async fn a_function_is_called_by_those_who_may_and_learns_who_they_are_but_no_secret() {
    let server = TestServer::start_guarded().await;
    let ann = token(SHOP, "ann", Role::User);
    let bare = server.bare();
    let call = async |target: &str, headers: &[(&str, &str)]| {
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        bare.request("POST", target, &headers, "hi").await.unwrap()
    };
    let bearer = format!("Bearer {ann}");
    let token = ("authorization", bearer.as_str());
    let refused = call("/f/shop:echo", &[]).await;
    assert_eq!((refused.status, problem(&refused).code), (401, ErrorCode::Unauthenticated));
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    assert_eq!(call("/f/shop:echo", &[("authorization", "Bearer nonsense")]).await.status, 401);
    assert_eq!(call("/f/shop:echo", &[token]).await.status, 403);
    server.client.grant(Kind::Function, "echo", "ann", "EXECUTE").await.unwrap();
    for headers in [[token, ("x-mine", "1")], [("x-jwt-assertion-shop", ann.as_str()), ("x-mine", "1")]] {
        let reply = call("/f/shop:echo/envelope", &headers).await;
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert_eq!(reply.status, 200, "{text}");
        let event: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["caller"], "ann");
        assert!(text.contains("x-mine") && !text.contains(&ann), "{text}");
    }
    assert_eq!(call("/f/shop:echo", &[("x-jwt-assertion-bank", &ann)]).await.status, 401);
    let banker = format!("Bearer {}", crate::support::tokens::token(BANK, "root", Role::Admin));
    assert_eq!(call("/f/shop:echo", &[("authorization", &banker)]).await.status, 403);

    let invoked = server.client_of(&ann).invoke("echo", Call { path: "/envelope".into(), ..Call::default() }).await;
    let event: serde_json::Value = serde_json::from_slice(&invoked.unwrap().body).unwrap();
    assert_eq!(event["caller"], "ann");
    assert!(!event.to_string().contains(&ann));
    let id = server.client_of(&ann).submit("echo", Call::default()).await.unwrap().id;
    let shown = server.client.invocation(tidemill_core::InvocationId(id)).await.unwrap();
    assert_eq!(shown.invocation.event.caller, "ann");
    server.end().await;
}

#[tokio::test]
async fn a_nonce_stands_in_for_a_token_on_one_function() {
    let server = TestServer::start_guarded().await;
    server.deploy("other", "").await;
    server.client.create_alias("front", "echo").await.unwrap();
    let once = NewNonce { uses_max: Some(2), ..NewNonce::default() };
    let nonce = server.client.create_nonce(Kind::Function, "echo", &once).await.unwrap();
    assert_eq!((nonce.level.as_str(), nonce.owner.as_str()), ("EXECUTE", "root"));
    let bare = server.bare();
    let ask = async |method: &str, target: String| bare.request(method, &target, &[], "hi").await.unwrap().status;
    let id = &nonce.id;
    assert_eq!(ask("POST", format!("/f/shop:other?x-nonce={id}")).await, 401);
    assert_eq!(
        ask("POST", format!("/f/shop:front?x-nonce={id}")).await,
        401,
        "it is of the function, not of its alias"
    );
    assert_eq!(ask("DELETE", format!("/v1/functions/echo?x-nonce={id}")).await, 403);
    assert_eq!(ask("GET", format!("/v1/functions?x-nonce={id}")).await, 401);
    assert_eq!(ask("POST", format!("/f/shop:echo?x-nonce={id}")).await, 200);
    assert_eq!(ask("POST", format!("/v1/functions/echo/invocations?x-nonce={id}")).await, 200);
    assert_eq!(ask("POST", format!("/f/shop:echo?x-nonce={id}")).await, 401, "it is used up");
    let of_alias = server.client.create_nonce(Kind::Alias, "front", &NewNonce::default()).await.unwrap().id;
    assert_eq!(ask("POST", format!("/f/shop:front?x-nonce={of_alias}")).await, 200);
    assert_eq!(ask("POST", format!("/v1/functions/front/invocations?x-nonce={of_alias}")).await, 200);
    assert_eq!(ask("POST", format!("/f/shop:echo?x-nonce={of_alias}")).await, 401);
    let seen = bare.request("POST", &format!("/f/shop:front/envelope?a=1&x-nonce={of_alias}"), &[], "").await.unwrap();
    let event: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!((&event["query"], &event["caller"]), (&"a=1".into(), &"root".into()));
    assert!(!event.to_string().contains(&of_alias));
    server.client.delete_nonce(Kind::Alias, "front", &of_alias).await.unwrap();
    assert_eq!(ask("POST", format!("/f/shop:front?x-nonce={of_alias}")).await, 401);

    // Whoever made it must still have the right.
    let ann = server.client_of(&token(SHOP, "ann", Role::User));
    server.client.grant(Kind::Function, "echo", "ann", "UPDATE").await.unwrap();
    let hers = ann.create_nonce(Kind::Function, "echo", &NewNonce::default()).await.unwrap().id;
    assert_eq!(ask("POST", format!("/f/shop:echo?x-nonce={hers}")).await, 200);
    // It is looked at when the token does not hold, and not otherwise.
    for (authorization, status) in
        [("Bearer nonsense".to_owned(), 200), (format!("Bearer {}", token(SHOP, "bob", Role::User)), 403)]
    {
        let headers = [("authorization".to_owned(), authorization)];
        for target in ["/f/shop:echo", "/v1/functions/echo/invocations"] {
            let reply = bare.request("POST", &format!("{target}?x-nonce={hers}"), &headers, "hi").await.unwrap();
            assert_eq!(reply.status, status, "{target}");
        }
    }
    // The one that an administrator made is there, and is not for her.
    let shown: Vec<_> =
        ann.nonces(Kind::Function, "echo").await.unwrap().nonces.into_iter().map(|nonce| nonce.id).collect();
    assert_eq!(shown, ["shop_…".to_owned(), hers.clone()]);
    server.client.grant(Kind::Function, "echo", "ann", "READ").await.unwrap();
    assert_eq!(ask("POST", format!("/f/shop:echo?x-nonce={hers}")).await, 403);
    assert_eq!(code(ann.nonces(Kind::Function, "echo").await), ErrorCode::Forbidden);
    server.end().await;
}

#[tokio::test]
async fn workers_beyond_the_maximum_are_for_trusted_roles() {
    let server = TestServer::start_guarded().await;
    server.client.grant(Kind::Function, "echo", "ann", "UPDATE").await.unwrap();
    let ann = server.client_of(&token(SHOP, "ann", Role::User));
    let max = ann.function("echo").await.unwrap().workers.max;
    ann.ensure_workers("echo", max).await.unwrap();
    assert_eq!(code(ann.ensure_workers("echo", max + 1).await), ErrorCode::Forbidden);
    assert_eq!(server.client.ensure_workers("echo", max + 1).await.unwrap().started, 1);
    assert_eq!(code(server.client.ensure_workers("echo", 100_000).await), ErrorCode::BadParameter);
    server.end().await;
}
