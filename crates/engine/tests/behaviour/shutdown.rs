//! Stopping loses nothing and blames nobody.

use std::time::Duration;

use tidemill_core::invocation::{AttemptOutcome, Status};
use tidemill_engine::{CallError, DeployError, SubmitError, SubmitOptions};

use crate::{
    mill::{GRACE, Mill, manifest, outcomes},
    stage::replied,
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn what_runs_may_finish_within_the_grace() {
    let mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 2, minReplicas: 0").await;
    let (call, id) = (mill.calling("f", "sync"), mill.submit("f", "async").await);
    let (one, other) = (mill.stage.next().await, mill.stage.next().await);
    let ending = async {
        mill.pass(GRACE / 2).await;
        one.ends(replied(200, ""));
        other.ends(replied(200, ""));
    };
    tokio::join!(mill.engine.shutdown(), ending);
    assert!(call.await.expect("it ends").expect("it is answered").succeeded);
    assert_eq!(outcomes(&mill.detail(id).await), [AttemptOutcome::Succeeded]);
    assert_eq!(mill.stage.living(), [].into());
    assert_eq!(mill.invocations("f").await.len(), 2, "the history is written");
}

#[tokio::test(start_paused = true)]
async fn after_the_grace_it_is_given_back_and_a_new_engine_runs_it() {
    let mut mill = Mill::start().await;
    mill.deploy("f", "retry: {maxAttempts: 1}").await;
    let id = mill.submit("f", "body").await;
    let _begun = mill.stage.next().await;
    let began = mill.now();
    mill.engine.shutdown().await;
    assert!(mill.now().since(began) >= GRACE);
    let detail = mill.detail(id).await;
    assert_eq!((detail.invocation.status, detail.invocation.failures), (Status::Queued, 0));
    assert_eq!(outcomes(&detail), [AttemptOutcome::Interrupted]);
    mill.begin_anew().await;
    mill.stage.next().await.succeeds();
    assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn what_runs_on_a_former_revision_is_given_back_too() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: one").await;
    let id = mill.submit("f", "body").await;
    let _begun = mill.stage.next().await;
    mill.deploy("f", "description: two").await;
    let began = mill.now();
    mill.engine.shutdown().await;
    assert!(mill.now().since(began) < GRACE + 5 * SECOND, "the grace is the same for all");
    let detail = mill.detail(id).await;
    assert_eq!((detail.invocation.status, outcomes(&detail)), (Status::Queued, vec![AttemptOutcome::Interrupted]));
    assert_eq!(mill.stage.living(), [].into());
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_worker_is_given_back_at_once() {
    let mut mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 1, minReplicas: 0").await;
    let running = mill.submit("f", "running").await;
    let begun = mill.stage.next().await;
    let held = mill.submit("f", "held").await;
    mill.pass(SECOND).await;
    assert_eq!(mill.status(held).await, Status::Running);
    let looking = async {
        mill.pass(SECOND).await;
        let detail = mill.detail(held).await;
        begun.succeeds();
        detail
    };
    let ((), detail) = tokio::join!(mill.engine.shutdown(), looking);
    let invocation = detail.invocation;
    assert_eq!((invocation.status, invocation.failures, invocation.interruptions), (Status::Queued, 0, 0));
    assert_eq!(mill.status(running).await, Status::Succeeded);
    mill.begin_anew().await;
    mill.stage.next().await.succeeds();
    assert_eq!(mill.ended(held).await.invocation.status, Status::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn nothing_more_is_accepted() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: one").await;
    let _running = mill.submit("f", "running").await;
    let begun = mill.stage.next().await;
    let looking = async {
        mill.pass(SECOND).await;
        assert!(!mill.engine.is_ready());
        assert!(matches!(mill.call("f", "").await, Err(CallError::Stopping)));
        assert!(mill.stage.peek().is_none());
        let refused = mill.try_submit("f", "", SubmitOptions::default()).await;
        assert!(matches!(refused, Err(SubmitError::Stopping)));
        let refused = mill.try_deploy(&manifest("g", "description: late")).await;
        assert!(matches!(refused, Err(DeployError::Stopping)));
        begun.succeeds();
    };
    tokio::join!(mill.engine.shutdown(), looking);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_lost_leaves_its_work_to_the_next() {
    let mut mill = Mill::start().await;
    mill.deploy("f", "retry: {maxAttempts: 1}").await;
    let id = mill.submit("f", "body").await;
    let _begun = mill.stage.next().await;
    // No shutdown: the former engine goes on in the background, as a node that nobody can reach.
    mill.begin_anew().await;
    let again = mill.stage.next().await;
    assert_eq!(again.call.attempt, 2);
    again.succeeds();
    let detail = mill.ended(id).await;
    assert_eq!(detail.invocation.status, Status::Succeeded);
    assert_eq!(outcomes(&detail), [AttemptOutcome::Interrupted, AttemptOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cut_off_is_in_the_history() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: one").await;
    let call = mill.calling("f", "body");
    let begun = mill.stage.next().await;
    mill.engine.shutdown().await;
    assert!(matches!(call.await.expect("it ends"), Err(CallError::Stopping)));
    let kept = mill.invocations("f").await;
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].id, kept[0].status), (begun.call.invocation, Status::Failed));
    let detail = mill.detail(kept[0].id).await;
    assert_eq!(outcomes(&detail), [AttemptOutcome::Interrupted]);
    assert_eq!(detail.attempts[0].worker, begun.worker);
    assert!(detail.attempts[0].revision.is_some());
}
