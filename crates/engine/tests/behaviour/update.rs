//! A new revision while executions run: none is interrupted, none is repeated.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tidemill_core::{
    InvocationId,
    invocation::{AttemptOutcome, Status},
    spec::{FunctionSpec, Runtime, StateScope},
};
use tidemill_engine::{DeployRequest, Readiness, Source};

use crate::{
    fake::Unwatched,
    mill::{Mill, name, outcomes},
    stage::{changed, state},
};

const SECOND: Duration = Duration::from_secs(1);

fn actor() -> FunctionSpec {
    let mut spec = FunctionSpec::new(Runtime::Image);
    spec.state = StateScope::Function;
    spec
}

async fn update(mill: &Mill, spec: FunctionSpec, readiness: Readiness) -> u32 {
    let source = Source::Spec { function: name("actor"), spec: Box::new(spec) };
    let request = DeployRequest { source, readiness, again: true, owner: None };
    mill.engine.deploy(request, &Unwatched).await.expect("it is deployed").revision.0
}

#[tokio::test(start_paused = true)]
async fn no_execution_is_interrupted_or_repeated_under_load() {
    for readiness in [Readiness::Checked, Readiness::Later] {
        let mill = Mill::start().await;
        let runs: Arc<Mutex<BTreeMap<InvocationId, Vec<u32>>>> = Arc::default();
        let seen = runs.clone();
        mill.stage.script_ends(move |launch, call| {
            seen.lock().entry(call.invocation).or_default().push(launch.revision.0);
            let count: u32 = state(call).unwrap_or_default().parse().unwrap_or(0);
            (SECOND, changed("", Some(&(count + 1).to_string()), Vec::new()))
        });
        mill.stage.launch(SECOND / 2, None);
        update(&mill, actor(), readiness).await;
        let mut ids = Vec::new();
        for round in 0..60 {
            ids.push(mill.submit("actor", "").await);
            mill.pass(SECOND / 3).await;
            if [10, 20, 21, 40].contains(&round) {
                update(&mill, actor(), readiness).await;
            }
        }
        let mut revisions = Vec::new();
        for id in ids {
            let detail = mill.ended(id).await;
            assert_eq!(outcomes(&detail), [AttemptOutcome::Succeeded], "{detail:#?}");
            let runs = runs.lock()[&id].clone();
            assert_eq!(runs.len(), 1, "{id} ran {} times", runs.len());
            revisions.extend(runs);
        }
        assert!(revisions.is_sorted(), "an old revision after a new one: {revisions:?}");
        assert_eq!(revisions.last(), Some(&5));
        assert_eq!(mill.state("actor", "").await, Some(("60".into(), 60)));
        mill.until("the old ones have left", || mill.stage.living().keys().all(|revision| *revision == 5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_takes_hours_finishes_on_its_revision() {
    let mill = Mill::start().await;
    update(&mill, actor(), Readiness::Checked).await;
    let long = mill.submit("actor", "long").await;
    let begun = mill.stage.next().await;
    update(&mill, actor(), Readiness::Checked).await;
    let next = mill.submit("actor", "next").await;
    mill.pass(5 * 3600 * SECOND).await;
    let views = mill.engine.workers(&name("actor"));
    assert_eq!(views.first().map(|view| (view.revision.0, view.status.as_str())), Some((1, "stopping")));
    assert_eq!(mill.status(long).await, Status::Running);
    assert!(mill.stage.peek().is_none(), "two at once");
    begun.succeeds();
    assert_eq!(outcomes(&mill.ended(long).await), [AttemptOutcome::Succeeded]);
    mill.stage.next().await.succeeds();
    assert_eq!(mill.ended(next).await.attempts[0].revision.map(|revision| revision.0), Some(2));
}

#[tokio::test(start_paused = true)]
async fn deleting_ends_what_still_runs_on_an_old_revision() {
    let mill = Mill::start().await;
    update(&mill, actor(), Readiness::Checked).await;
    mill.submit("actor", "long").await;
    let _begun = mill.stage.next().await;
    update(&mill, actor(), Readiness::Checked).await;
    mill.pass(SECOND).await;
    assert_eq!(mill.stage.living().len(), 2);
    mill.engine.delete(&name("actor")).await.expect("it is deleted");
    mill.until("all workers are gone", || mill.stage.living().is_empty()).await;
    assert!(mill.engine.workers(&name("actor")).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_same_again_is_a_new_revision_when_asked_for() {
    let mill = Mill::start().await;
    assert_eq!(mill.deploy_spec("actor", actor(), Readiness::Checked).await.expect("it is deployed"), 1);
    assert_eq!(mill.deploy_spec("actor", actor(), Readiness::Checked).await.expect("nothing changed"), 1);
    assert_eq!(update(&mill, actor(), Readiness::Checked).await, 2);
}
