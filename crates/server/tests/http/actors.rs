//! State, workers, aliases and configs over the API, on a server where everybody may do everything.

use tidemill_api::{ConfigValue, ErrorCode, NewConfig};
use tidemill_client::{Call, Error, Kind};

use crate::support::{TestServer, until};

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorCode {
    result.expect_err("the server refuses").problem().expect("it says why").code
}

#[tokio::test]
async fn state_is_read_and_changed_by_version() {
    let server = TestServer::start().await;
    server.deploy("counter", "spec: {state: function}").await;
    server.deploy("cart", "spec: {state: key}").await;
    let client = &server.client;
    assert_eq!(code(client.state("counter", "").await), ErrorCode::NoState);
    assert_eq!(code(client.state("echo", "").await), ErrorCode::NoState);
    assert_eq!(client.put_state("counter", "", "{\"count\": 1}", Some(0)).await.unwrap(), 1);
    let state = client.state("counter", "").await.unwrap();
    assert_eq!((state.version, &state.value["count"]), (1, &1.into()));
    assert_eq!(code(client.put_state("counter", "", "2", Some(0)).await), ErrorCode::VersionMismatch);
    assert_eq!(code(client.put_state("counter", "", "2", Some(7)).await), ErrorCode::VersionMismatch);
    assert_eq!(client.put_state("counter", "", "2", Some(1)).await.unwrap(), 2);
    assert_eq!(client.put_state("counter", "", "[]", None).await.unwrap(), 3);
    assert_eq!(code(client.delete_state("counter", "", Some(1)).await), ErrorCode::VersionMismatch);
    client.delete_state("counter", "", None).await.unwrap();
    assert_eq!(code(client.state("counter", "").await), ErrorCode::NoState);

    assert_eq!(code(client.put_state("counter", "", "{", None).await), ErrorCode::BadRequest);
    assert_eq!(code(client.put_state("counter", "ann", "1", None).await), ErrorCode::BadParameter);
    assert_eq!(code(client.put_state("cart", "", "1", None).await), ErrorCode::BadParameter);
    for key in ["ann", "a/b ä", "zoe"] {
        client.put_state("cart", key, "1", None).await.unwrap();
    }
    assert_eq!(client.state("cart", "a/b ä").await.unwrap().key, "a/b ä");
    let page = client.states("cart", None, 2).await.unwrap();
    assert_eq!(page.states.iter().map(|state| state.key.as_str()).collect::<Vec<_>>(), ["a/b ä", "ann"]);
    let page = client.states("cart", page.next.as_deref(), 2).await.unwrap();
    assert_eq!((page.states.len(), page.next), (1, None));
    let large = format!("\"{}\"", "x".repeat(tidemill_core::limits::STATE_BYTES_MAX));
    assert_eq!(code(client.put_state("counter", "", large, None).await), ErrorCode::BodyTooLarge);
    server.end().await;
}

#[tokio::test]
async fn workers_are_shown_started_and_stopped() {
    let server = TestServer::start().await;
    let client = &server.client;
    let before = client.workers("echo").await.unwrap().workers.len();
    let ensured = client.ensure_workers("echo", 3).await.unwrap();
    assert_eq!((ensured.before as usize, ensured.started as usize), (before, 3 - before));
    until("three workers", async || {
        let workers = client.workers("echo").await.unwrap().workers;
        workers.len() == 3 && workers.iter().all(|worker| worker.status == "ready")
    })
    .await;
    let first = client.workers("echo").await.unwrap().workers[0].clone();
    assert_eq!(first.revision, 1);
    client.stop_worker("echo", &first.id).await.unwrap();
    until("its end", async || client.workers("echo").await.unwrap().workers.iter().all(|one| one.id != first.id)).await;
    assert_eq!(code(client.stop_worker("echo", &first.id).await), ErrorCode::UnknownWorker);
    assert_eq!(code(client.workers("nobody").await), ErrorCode::NoFunction);
    let refused = client.build_image("echo", "python", "echo:1").await;
    assert_eq!(code(refused), ErrorCode::BuildFailed, "the driver of this test builds none");
    server.end().await;
}

#[tokio::test]
async fn an_alias_stands_wherever_a_name_does() {
    let server = TestServer::start().await;
    server.deploy("second", "").await;
    let client = &server.client;
    let alias = client.create_alias("front", "echo").await.unwrap();
    assert_eq!((alias.function.as_str(), alias.owner.as_str()), ("echo", "anonymous"));
    assert_eq!(client.function("front").await.unwrap().name, "echo");
    assert_eq!(client.invoke("front", Call { body: "hi".into(), ..Call::default() }).await.unwrap().body, "hi");
    assert_eq!(server.request("POST", "/f/front/teapot", &[], "").await.status, 418);
    assert_eq!(server.request("POST", "/f/default:front", &[], "x").await.body, "x");
    assert_eq!(client.queue("front").await.unwrap().function, "echo");
    client.point_alias("front", "second").await.unwrap();
    assert_eq!(client.function("front").await.unwrap().name, "second");
    assert_eq!(client.aliases().await.unwrap().aliases.len(), 1);
    for (name, function, expected) in [
        ("front", "echo", ErrorCode::Exists),
        ("second", "echo", ErrorCode::Exists),
        ("new", "nobody", ErrorCode::NoFunction),
        ("a b", "echo", ErrorCode::BadName),
        ("", "echo", ErrorCode::BadName),
    ] {
        assert_eq!(code(client.create_alias(name, function).await), expected, "{name} {function}");
    }
    assert_eq!(code(client.point_alias("back", "echo").await), ErrorCode::NoAlias);
    let package = tidemill_core::ports::Package { file_name: "x.py".to_owned(), content: "".into() };
    let named = tidemill_core::manifest::Overrides { name: Some("front".to_owned()), ..Default::default() };
    assert_eq!(code(client.deploy(&package, &named, |_| {}).await), ErrorCode::Exists);
    // Its function may go before it does.
    client.delete("second").await.unwrap();
    assert_eq!(code(client.function("front").await), ErrorCode::NoFunction);
    assert_eq!(server.request("POST", "/f/front", &[], "").await.status, 404);
    client.delete_alias("front").await.unwrap();
    assert_eq!(code(client.alias("front").await), ErrorCode::NoAlias);
    server.end().await;
}

#[tokio::test]
async fn secrets_are_kept_and_never_shown() {
    let server = TestServer::start().await;
    let client = &server.client;
    let secret = |secret| NewConfig {
        name: "password".to_owned(),
        value: "swordfish".to_owned(),
        secret,
        functions: vec!["echo".to_owned()],
    };
    let made = client.create_config(&secret(true)).await.unwrap();
    assert_eq!((made.value, made.secret, made.owner.as_str()), (None, true, "anonymous"));
    assert_eq!(code(client.create_config(&secret(false)).await), ErrorCode::Exists);
    let listed = server.request("GET", "/v1/configs", &[], "").await;
    let shown = server.request("GET", "/v1/configs/password", &[], "").await;
    assert!(!String::from_utf8_lossy(&[listed.body, shown.body].concat()).contains("swordfish"));
    let function = "echo".parse().unwrap();
    assert_eq!(server.engine.directory().configs_for(&function).await.unwrap()["password"], "swordfish");
    let plain = ConfigValue { value: "eu".to_owned(), secret: false, functions: vec!["echo".to_owned()] };
    let put = client.put_config("password", &plain).await.unwrap();
    assert_eq!((put.value.as_deref(), put.functions.as_slice()), (Some("eu"), &["echo".to_owned()][..]));
    let nobody = ConfigValue { functions: vec!["nobody".to_owned()], ..plain.clone() };
    assert_eq!(code(client.put_config("password", &nobody).await), ErrorCode::NoFunction);
    assert_eq!(code(client.put_config("none", &plain).await), ErrorCode::NoConfig);
    let odd = NewConfig { name: "a b".to_owned(), ..secret(false) };
    assert_eq!(code(client.create_config(&odd).await), ErrorCode::BadName);
    client.delete_config("password").await.unwrap();
    assert_eq!(code(client.config("password").await), ErrorCode::NoConfig);
    assert_eq!(code(client.grants(Kind::Config, "password").await), ErrorCode::NoConfig);
    server.end().await;
}

#[tokio::test]
async fn an_image_needs_no_files() {
    let server = TestServer::start().await;
    let package = tidemill_core::ports::Package::empty("test");
    let overrides = tidemill_core::manifest::Overrides {
        name: Some("test".to_owned()),
        image: Some("abacosamples/test".to_owned()),
        ..Default::default()
    };
    let deployed = server.client.deploy(&package, &overrides, |_| {}).await.unwrap();
    assert_eq!(deployed.spec.runtime, "image");
    assert_eq!(deployed.spec.container.unwrap().image, "abacosamples/test");
    let nothing = tidemill_core::manifest::Overrides { name: Some("test".to_owned()), ..Default::default() };
    assert_eq!(code(server.client.deploy(&package, &nothing, |_| {}).await), ErrorCode::BadRequest);
    for manifest in ["mounts: [{source: /etc, target: /in}]", "privileged: true"] {
        let content = format!("spec: {{runtime: image, container: {{image: a, {manifest}}}}}");
        let package = tidemill_core::ports::Package { file_name: "x.py".to_owned(), content: content.into() };
        let refused = server.client.deploy(&package, &Default::default(), |_| {}).await;
        assert_eq!(code(refused), ErrorCode::Forbidden, "the settings allow neither: {manifest}");
    }
    server.end().await;
}
