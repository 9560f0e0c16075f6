//! A new revision takes over without anybody noticing, or not at all.

use std::time::Duration;

use tidemill_core::RevisionNumber;
use tidemill_engine::DeployError;

use crate::{
    mill::{Mill, manifest, name},
    stage::replied,
};

const SECOND: Duration = Duration::from_secs(1);

/// Every call answers with the number of its revision.
fn tell_revision(mill: &Mill, takes: Duration) {
    mill.stage.script(move |launch, _| (takes, replied(200, &launch.revision.to_string())));
}

async fn serving(mill: &Mill) -> String {
    let called = mill.call("f", "").await.expect("it serves");
    String::from_utf8_lossy(&called.reply.body).into_owned()
}

#[tokio::test(start_paused = true)]
async fn the_former_revision_serves_until_the_new_worker_is_ready() {
    let mill = Mill::start().await;
    tell_revision(&mill, Duration::ZERO);
    assert_eq!(mill.deploy("f", "description: one").await, 1);
    mill.stage.launch(10 * SECOND, None);
    let two = manifest("f", "description: two");
    let deploying = mill.try_deploy(&two);
    let calling = async {
        mill.pass(5 * SECOND).await;
        serving(&mill).await
    };
    let (deployed, during) = tokio::join!(deploying, calling);
    assert_eq!(deployed.expect("it deploys").revision, RevisionNumber(2));
    assert_eq!((during.as_str(), serving(&mill).await.as_str()), ("1", "2"));
}

#[tokio::test(start_paused = true)]
async fn a_failing_launch_changes_nothing() {
    let mill = Mill::start().await;
    tell_revision(&mill, Duration::ZERO);
    mill.deploy("f", "description: one").await;
    mill.stage.launch(SECOND, Some("ImportError: no module named x"));
    let error = mill.try_deploy(&manifest("f", "description: two")).await.expect_err("it does not start");
    assert!(matches!(&error, DeployError::Launch { source, .. } if source.reason.contains("ImportError")), "{error}");
    assert_eq!(serving(&mill).await, "1");
    assert_eq!(mill.engine.store().revisions(&name("f")).await.expect("they are stored").len(), 1);
    // The number is not used up.
    mill.stage.launch(SECOND, None);
    assert_eq!(mill.deploy("f", "description: three").await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_failing_build_changes_nothing() {
    let mill = Mill::start().await;
    tell_revision(&mill, Duration::ZERO);
    mill.deploy("f", "description: one").await;
    let error = mill.try_deploy(&manifest("f", "build: {commands: ['false']}")).await.expect_err("it does not build");
    assert!(error.to_string().contains("as asked"), "the build's own message is shown: {error}");
    assert_eq!(serving(&mill).await, "1");
    assert_eq!(mill.engine.store().revisions(&name("f")).await.expect("they are stored").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_cannot_be_stored_does_not_serve() {
    let mill = Mill::start().await;
    tell_revision(&mill, Duration::ZERO);
    mill.deploy("f", "description: one").await;
    mill.tolls.refuse("put_revision", 1);
    mill.try_deploy(&manifest("f", "description: two")).await.expect_err("the store is full");
    assert_eq!(serving(&mill).await, "1");
    mill.pass(SECOND).await;
    assert_eq!(mill.stage.living().get(&2), None, "its worker is stopped");
}

#[tokio::test(start_paused = true)]
async fn the_same_again_is_unchanged() {
    let mill = Mill::start().await;
    tell_revision(&mill, Duration::ZERO);
    let one = manifest("f", "description: one");
    assert!(!mill.try_deploy(&one).await.expect("it deploys").unchanged);
    let launches = mill.stage.launches();
    let again = mill.try_deploy(&one).await.expect("it deploys");
    assert_eq!((again.unchanged, again.revision), (true, RevisionNumber(1)));
    assert_eq!(mill.stage.launches(), launches);
}

#[tokio::test(start_paused = true)]
async fn a_redeployment_under_load_fails_no_call() {
    let mill = Mill::start().await;
    tell_revision(&mill, SECOND);
    mill.deploy("f", "description: one, maxReplicas: 4").await;
    mill.stage.launch(2 * SECOND, None);
    let mut calls = Vec::new();
    for round in 0..40 {
        calls.push(mill.calling("f", ""));
        mill.pass(SECOND / 4).await;
        if round == 10 || round == 30 {
            let spec = format!("description: at {round}, maxReplicas: 4");
            let target = mill.engine.clone();
            let request = tidemill_engine::DeployRequest::package(
                crate::fake::package(&manifest("f", &spec)),
                tidemill_core::manifest::Overrides::default(),
            );
            tokio::spawn(async move { target.deploy(request, &crate::fake::Unwatched).await });
        }
    }
    let mut seen = Vec::new();
    for call in calls {
        let called = call.await.expect("it ends").expect("no call fails");
        assert_eq!(called.reply.status, 200);
        seen.push(String::from_utf8_lossy(&called.reply.body).into_owned());
    }
    assert_eq!((seen[0].as_str(), seen[39].as_str()), ("1", "3"));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_has_begun_ends_on_its_revision() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: one").await;
    let call = mill.calling("f", "");
    let begun = mill.stage.next().await;
    mill.deploy("f", "description: two").await;
    mill.pass(30 * SECOND).await;
    assert_eq!(mill.stage.living(), [(1, 1), (2, 1)].into());
    begun.ends(replied(201, "old"));
    assert_eq!(call.await.expect("it ends").expect("it is answered").reply.status, 201);
    mill.until("the old worker stops", || mill.stage.living() == [(2, 1)].into()).await;
}

#[tokio::test(start_paused = true)]
async fn an_address_belongs_to_one_function() {
    let mill = Mill::start().await;
    tell_revision(&mill, Duration::ZERO);
    let http = "triggers: {h: {kind: http, attributes: {paths: [/shop/*]}}}";
    mill.deploy("f", http).await;
    let error = mill.try_deploy(&manifest("g", http)).await.expect_err("it is taken");
    assert!(matches!(&error, DeployError::AddressTaken { path, owner } if path == "/shop/*" && *owner == name("f")));
    assert!(mill.engine.function(&name("g")).is_none());
    mill.deploy("f", &format!("description: mine, {http}")).await;
}

#[tokio::test(start_paused = true)]
async fn of_two_that_want_an_address_at_once_one_gets_it() {
    let mill = Mill::start().await;
    mill.stage.launch(SECOND, None);
    let http = "triggers: {h: {kind: http, attributes: {paths: [/shop]}}}";
    let (f, g) = (manifest("f", http), manifest("g", http));
    let (f, g) = tokio::join!(mill.try_deploy(&f), mill.try_deploy(&g));
    assert!(f.is_ok() != g.is_ok(), "{f:?} and {g:?}");
}

#[tokio::test(start_paused = true)]
async fn rolls_back_to_the_one_before_and_to_a_number() {
    let mill = Mill::start().await;
    tell_revision(&mill, Duration::ZERO);
    for text in ["one", "two", "three"] {
        mill.deploy("f", &format!("description: {text}")).await;
    }
    assert_eq!(mill.engine.rollback(&name("f"), None).await.expect("it rolls back").revision, RevisionNumber(2));
    assert_eq!(serving(&mill).await, "2");
    let three = mill.engine.rollback(&name("f"), Some(RevisionNumber(3))).await.expect("it rolls forward");
    assert_eq!((three.spec.description.as_str(), serving(&mill).await.as_str()), ("three", "3"));
    let same = mill.engine.rollback(&name("f"), Some(RevisionNumber(3))).await.expect("it is there");
    assert!(same.unchanged);
    // A new one follows the newest, not the active one.
    mill.engine.rollback(&name("f"), Some(RevisionNumber(1))).await.expect("it rolls back");
    assert_eq!(mill.deploy("f", "description: four").await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_cannot_be_is_refused() {
    let mill = Mill::start().await;
    tell_revision(&mill, Duration::ZERO);
    mill.deploy("f", "description: one").await;
    let f = name("f");
    let to = |number| mill.engine.rollback(&f, number);
    assert!(matches!(to(None).await, Err(DeployError::NothingEarlier(_))));
    assert!(matches!(to(Some(RevisionNumber(7))).await, Err(DeployError::NoRevision { .. })));
    assert!(matches!(mill.engine.rollback(&name("g"), None).await, Err(DeployError::NoFunction(_))));
    mill.deploy("f", "description: two").await;
    mill.stage.launch(SECOND, Some("it no longer starts"));
    assert!(matches!(to(None).await, Err(DeployError::Launch { .. })));
    assert_eq!(serving(&mill).await, "2");
}

#[tokio::test(start_paused = true)]
async fn why_a_worker_does_not_start_is_said_once() {
    let mill = Mill::start().await;
    mill.stage.launch(SECOND, Some("ImportError: x\nTraceback:\n  line 1\nImportError: x"));
    let error = mill.try_deploy(&manifest("f", "description: one")).await.expect_err("it does not start");
    let text = error.to_string();
    assert_eq!(text, "the new revision of f did not become ready: Traceback:\n  line 1\nImportError: x");
}
