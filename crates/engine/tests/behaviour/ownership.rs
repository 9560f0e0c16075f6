//! Whose functions are, while they are deployed, deleted, and neither succeeds.

use std::time::Duration;

use tidemill_core::{
    FunctionName, ProjectName,
    access::{Level, Object, ObjectKind, Principal, Role, Roles},
    manifest::Overrides,
    ports::{EntryKind, Registry, StoreError},
    spec::{FunctionSpec, Runtime},
};
use tidemill_engine::{
    DeployError, DeployRequest, Readiness,
    directory::{NewConfig, NewNonce},
};
use tidemill_store::Fault;

use crate::{
    fake::{Unwatched, package},
    mill::{Mill, manifest, name},
};

fn project() -> ProjectName {
    ProjectName::default()
}

fn object() -> Object {
    Object::function(&name("f"))
}

async fn deploy(mill: &Mill, user: &str, spec: &str) -> Result<(), DeployError> {
    let owner = Principal { project: project(), user: user.to_owned(), roles: Roles::from([Role::User]) };
    let request = DeployRequest::package(package(&manifest("f", spec)), Overrides::default());
    let request = DeployRequest { owner: Some(owner), ..request };
    mill.engine.deploy(request, &Unwatched).await.map(|_| ())
}

/// Who may do everything with it.
async fn owners(mill: &Mill) -> Vec<String> {
    let grants = mill.engine.directory().grants(&object()).await.expect("they are read");
    grants.0.into_iter().filter(|(_, level)| *level == Level::Update).map(|(user, _)| user).collect()
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_fails_owns_nothing() {
    let mill = Mill::start().await;
    mill.stage.launch(Duration::ZERO, Some("it is broken"));
    deploy(&mill, "mallory", "description: squatter").await.expect_err("no worker starts");
    assert_eq!(owners(&mill).await, [""; 0]);
    mill.stage.launch(Duration::ZERO, None);
    mill.tolls.refuse("put_revision", 1);
    deploy(&mill, "mallory", "description: squatter").await.expect_err("it is not stored");
    assert_eq!(owners(&mill).await, [""; 0]);
    assert!(mill.store.entries(EntryKind::Grants, None).await.expect("a list").is_empty());
    deploy(&mill, "ann", "description: one").await.expect("it is deployed");
    assert_eq!(owners(&mill).await, ["ann"]);
    let refused = deploy(&mill, "mallory", "description: other").await;
    assert!(matches!(refused, Err(DeployError::IsOthers(_))));
    deploy(&mill, "ann", "description: two").await.expect("it is hers");
}

#[tokio::test(start_paused = true)]
async fn a_new_function_belongs_to_nobody_of_before() {
    let mill = Mill::start().await;
    // Left by somebody who was interrupted.
    mill.engine.directory().grant(&object(), "mallory", Level::Update).await.expect("it is granted");
    deploy(&mill, "ann", "description: one").await.expect("it is deployed");
    assert_eq!(owners(&mill).await, ["ann"]);
}

#[tokio::test(start_paused = true)]
async fn a_function_and_an_alias_have_different_names() {
    let mill = Mill::start().await;
    mill.deploy("g", "description: another").await;
    let (directory, g) = (mill.engine.directory(), "g".parse::<FunctionName>().expect("a name"));
    directory.create_alias(&project(), "f", g.clone(), "mallory").await.expect("it is made");
    for user in ["ann", "mallory"] {
        let refused = deploy(&mill, user, "description: one").await;
        assert!(matches!(refused, Err(DeployError::IsAlias(_))));
    }
    // Made while the first worker starts.
    directory.delete_alias(&project(), "f").await.expect("it is deleted");
    mill.stage.launch(Duration::from_secs(5), None);
    let (refused, ()) = tokio::join!(deploy(&mill, "ann", "description: one"), async {
        mill.pass(Duration::from_secs(1)).await;
        directory.create_alias(&project(), "f", g.clone(), "mallory").await.expect("it is made");
    });
    assert!(matches!(refused, Err(DeployError::IsAlias(_))));
    assert_eq!(mill.stage.living().values().sum::<usize>(), 1, "the worker of g");
    directory.delete_alias(&project(), "f").await.expect("it is deleted");
    deploy(&mill, "ann", "description: one").await.expect("it is deployed");
    assert!(directory.create_alias(&project(), "f", g, "mallory").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_deletion_leaves_nothing_or_can_be_tried_again() {
    let mill = Mill::start().await;
    deploy(&mill, "ann", "description: one").await.expect("it is deployed");
    let directory = mill.engine.directory();
    let config = NewConfig {
        name: "key".into(),
        value: "sesame".into(),
        is_secret: true,
        targets: "f".into(),
        creator: "root".into(),
        creator_is_admin: true,
    };
    directory.create_config(&project(), config).await.expect("it is made");
    let roles = Roles::from([Role::User]);
    let nonce = NewNonce {
        object: object(),
        owner: "ann".into(),
        roles,
        level: Level::Update,
        uses_max: None,
        description: String::new(),
    };
    directory.create_nonce(nonce).await.expect("it is made");

    mill.store.set_faults(|intent| (intent == "change").then_some(Fault::Before(StoreError::Full)));
    mill.engine.delete(&name("f")).await.expect_err("what belongs to it cannot be forgotten");
    mill.store.clear_faults();
    assert!(mill.engine.function(&name("f")).is_some());
    assert_eq!(directory.configs_for(&name("f")).await.expect("they are read").len(), 1);
    mill.tolls.refuse("delete_function", 1);
    mill.engine.delete(&name("f")).await.expect_err("it cannot be deleted");
    assert_eq!(owners(&mill).await, ["ann"], "who may try again");
    mill.engine.delete(&name("f")).await.expect("it is deleted");

    deploy(&mill, "mallory", "description: one").await.expect("it is deployed");
    assert_eq!(owners(&mill).await, ["mallory"]);
    assert!(directory.configs_for(&name("f")).await.expect("they are read").is_empty());
    assert!(directory.nonces(&object()).await.expect("a list").is_empty());
    let all = directory.all_grants(&project(), ObjectKind::Function).await.expect("they are read");
    assert_eq!(all.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_was_not_stored_waits_for_no_worker() {
    let mill = Mill::start().await;
    let waiting = async || {
        let entries = mill.store.entries(EntryKind::Readiness, None).await.expect("a list");
        entries.into_iter().map(|entry| entry.value["revision"].clone()).collect::<Vec<_>>()
    };
    let spec = |text: &str| {
        let mut spec = FunctionSpec::new(Runtime::Image);
        spec.description = text.to_owned();
        spec
    };
    mill.tolls.refuse("put_revision", 1);
    mill.deploy_spec("later", spec("one"), Readiness::Later).await.expect_err("it is not stored");
    assert!(waiting().await.is_empty());
    mill.stage.launch(Duration::ZERO, Some("it is broken"));
    mill.deploy_spec("later", spec("one"), Readiness::Later).await.expect("it is stored");
    assert_eq!(waiting().await, [1]);
    mill.tolls.refuse("put_revision", 1);
    mill.deploy_spec("later", spec("two"), Readiness::Later).await.expect_err("it is not stored");
    assert_eq!(waiting().await, [1], "the first one goes on waiting");
}
