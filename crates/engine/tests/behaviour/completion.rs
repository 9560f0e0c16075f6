//! Functions whose executions are complete because they ran.

use std::time::Duration;

use tidemill_core::{
    invocation::{AttemptOutcome, Status},
    ports::{CallOutcome, LogFilter, Store},
    spec::{Completion, FunctionSpec, Runtime, StateScope},
};
use tidemill_engine::Readiness;

use crate::{
    mill::{Mill, outcomes},
    stage::{broken, printed},
};

const SECOND: Duration = Duration::from_secs(1);

async fn mill() -> Mill {
    let mill = Mill::start().await;
    let mut spec = FunctionSpec::new(Runtime::Image);
    spec.completion = Completion::Run;
    spec.state = StateScope::Function;
    spec.event_timeout = Some(60 * SECOND);
    mill.deploy_spec("actor", spec, Readiness::Checked).await.expect("it is deployed");
    mill
}

#[tokio::test(start_paused = true)]
async fn however_it_ends_it_is_complete() {
    let mill = mill().await;
    let raised = CallOutcome::Raised { message: "exit code 3".into(), status: 500 };
    for outcome in [raised, broken(AttemptOutcome::TimedOut), broken(AttemptOutcome::OutOfMemory)] {
        let id = mill.submit("actor", "").await;
        mill.stage.next().await.ends(outcome);
        let detail = mill.ended(id).await;
        assert_eq!((detail.invocation.status, detail.attempts.len()), (Status::Succeeded, 1));
        assert_ne!(outcomes(&detail), [AttemptOutcome::Succeeded], "how it ended is not hidden");
    }
    assert_eq!(mill.state("actor", "").await, None);
}

#[tokio::test(start_paused = true)]
async fn one_ended_by_force_keeps_what_it_printed() {
    let mill = mill().await;
    let id = mill.submit("actor", "").await;
    let _begun = mill.stage.next().await;
    mill.stage.so_far.lock().insert(id, vec![printed("half way")]);
    mill.engine.cancel(id).await.expect("it is cancelled");
    let detail = mill.ended(id).await;
    assert_eq!((detail.invocation.status, outcomes(&detail)), (Status::Succeeded, vec![AttemptOutcome::Cancelled]));
    let logs = mill.store.logs(LogFilter { invocation: Some(id), limit: 10, ..LogFilter::default() }).await;
    let logs = logs.expect("a list");
    assert_eq!(logs.iter().map(|line| line.line.message.as_str()).collect::<Vec<_>>(), ["half way"]);
    // The next one has a worker again.
    let next = mill.submit("actor", "").await;
    mill.stage.next().await.succeeds();
    assert_eq!(mill.ended(next).await.invocation.status, Status::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn one_that_never_began_is_cancelled() {
    let mill = mill().await;
    let running = mill.submit("actor", "").await;
    let begun = mill.stage.next().await;
    let waiting = mill.submit("actor", "").await;
    mill.engine.cancel(waiting).await.expect("it is cancelled");
    assert_eq!(mill.ended(waiting).await.invocation.status, Status::Cancelled);
    begun.succeeds();
    assert_eq!(mill.ended(running).await.invocation.status, Status::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn what_is_our_fault_is_made_up_for() {
    let mill = mill().await;
    let id = mill.submit("actor", "").await;
    mill.stage.next().await.ends(broken(AttemptOutcome::Crashed));
    let _begun = mill.stage.next().await;
    mill.stage.kill();
    mill.stage.next().await.succeeds();
    let expected = [AttemptOutcome::Crashed, AttemptOutcome::Interrupted, AttemptOutcome::Succeeded];
    assert_eq!(outcomes(&mill.ended(id).await), expected);
}
