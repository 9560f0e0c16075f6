//! Single workers: seen, asked for, sent away, listened to; and containers by the age of the queue.

use std::{collections::BTreeSet, time::Duration};

use tidemill_core::{
    invocation::Status,
    spec::{FunctionSpec, Runtime, StateScope},
};
use tidemill_engine::{DeployError, Ensured, Readiness, WorkerStatus};

use crate::{
    mill::{Mill, name},
    stage::printed,
};

const SECOND: Duration = Duration::from_secs(1);

fn statuses(mill: &Mill, function: &str) -> Vec<&'static str> {
    mill.engine.workers(&name(function)).iter().map(|worker| worker.status.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn they_are_seen_from_start_to_end() {
    let mut mill = Mill::start().await;
    assert!(mill.engine.workers(&name("f")).is_empty());
    mill.stage.launch(10 * SECOND, None);
    mill.deploy("f", "minReplicas: 0, maxReplicas: 1, idleTimeout: 30s").await;
    assert_eq!(statuses(&mill, "f"), ["ready"]);
    let started_at = mill.engine.workers(&name("f"))[0].started_at;
    let id = mill.submit("f", "").await;
    let begun = mill.stage.next().await;
    let worker = mill.engine.workers(&name("f")).remove(0);
    assert_eq!((worker.status, worker.started_at, worker.revision.0), (WorkerStatus::Busy, started_at, 1));
    assert_eq!(worker.last_call_at, Some(mill.now()));
    assert_eq!((worker.id.as_str(), worker.place.instance.as_str()), ("life-1-w-1", "at life-1-w-1"));
    begun.succeeds();
    mill.ended(id).await;
    mill.pass(60 * SECOND).await;
    assert!(statuses(&mill, "f").is_empty());
    mill.submit("f", "").await;
    mill.pass(SECOND).await;
    assert_eq!(statuses(&mill, "f"), ["starting"]);
    let mut ids: BTreeSet<String> = [worker.id].into();
    assert!(ids.insert(mill.engine.workers(&name("f")).remove(0).id));
    mill.engine.shutdown().await;
    mill.begin_anew().await;
    mill.submit("f", "").await;
    mill.stage.next().await;
    assert!(ids.insert(mill.engine.workers(&name("f")).remove(0).id), "no id is given twice");
}

#[tokio::test(start_paused = true)]
async fn more_can_be_asked_for_than_there_would_be() {
    let mill = Mill::start().await;
    mill.deploy("f", "minReplicas: 0, maxReplicas: 1, idleTimeout: 30s").await;
    mill.stage.launch(SECOND, None);
    let ensure = async |count| mill.engine.ensure_workers(&name("f"), count).await;
    assert_eq!(ensure(3).await.expect("they start"), Ensured { before: 1, started: 2 });
    assert_eq!(ensure(3).await.expect("they are starting"), Ensured { before: 3, started: 0 });
    assert_eq!(statuses(&mill, "f"), ["ready", "starting", "starting"]);
    mill.pass(2 * SECOND).await;
    assert_eq!(statuses(&mill, "f"), ["ready"; 3]);
    for _ in 0..3 {
        mill.submit("f", "").await;
    }
    for _ in 0..3 {
        mill.stage.next().await;
    }
    assert_eq!(statuses(&mill, "f"), ["busy"; 3], "they all work");
    assert!(matches!(mill.engine.ensure_workers(&name("nobody"), 1).await, Err(DeployError::NoFunction(_))));
}

#[tokio::test(start_paused = true)]
async fn those_asked_for_leave_when_idle() {
    let mill = Mill::start().await;
    mill.deploy("f", "minReplicas: 1, maxReplicas: 1, idleTimeout: 30s").await;
    mill.engine.ensure_workers(&name("f"), 4).await.expect("they start");
    mill.pass(20 * SECOND).await;
    assert_eq!(statuses(&mill, "f").len(), 4);
    mill.pass(15 * SECOND).await;
    assert_eq!(statuses(&mill, "f").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_sent_away_finishes_its_call_first() {
    let mill = Mill::start().await;
    mill.deploy("f", "minReplicas: 0, maxReplicas: 1").await;
    let id = mill.submit("f", "").await;
    let begun = mill.stage.next().await;
    let worker = begun.worker.clone();
    let stop = async |worker: &str| mill.engine.stop_worker(&name("f"), worker).await.expect("the function is there");
    assert!(!stop("w-of-another").await);
    assert!(stop(&worker).await);
    assert_eq!(statuses(&mill, "f"), ["stopping"]);
    let next = mill.submit("f", "").await;
    let other = mill.stage.next().await;
    assert_ne!(other.worker, worker, "it takes no more");
    begun.succeeds();
    assert_eq!(mill.ended(id).await.attempts.len(), 1);
    other.succeeds();
    mill.ended(next).await;
    mill.until("it is gone", || !mill.engine.workers(&name("f")).iter().any(|view| view.id == worker)).await;
    assert!(!stop(&worker).await);
    // An idle one goes at once.
    let worker = mill.engine.workers(&name("f")).remove(0).id;
    assert!(stop(&worker).await);
    assert!(statuses(&mill, "f").is_empty());
    assert!(matches!(mill.engine.stop_worker(&name("nobody"), "w").await, Err(DeployError::NoFunction(_))));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_being_started_can_be_sent_away() {
    let mill = Mill::start().await;
    mill.deploy("f", "minReplicas: 0, maxReplicas: 1").await;
    mill.stage.kill();
    mill.stage.launch(10 * SECOND, None);
    let id = mill.submit("f", "").await;
    mill.pass(SECOND).await;
    let worker = mill.engine.workers(&name("f")).remove(0).id;
    assert!(mill.engine.stop_worker(&name("f"), &worker).await.expect("the function is there"));
    assert_eq!(statuses(&mill, "f"), ["stopping"]);
    let begun = mill.stage.next().await;
    assert_ne!(begun.worker, worker);
    begun.succeeds();
    mill.ended(id).await;
    assert_eq!(mill.stage.living().values().sum::<usize>(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_one_prints_can_be_read_while_it_runs() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: it").await;
    let id = mill.submit("f", "").await;
    let begun = mill.stage.next().await;
    assert_eq!(mill.engine.live_logs(id).await, None);
    mill.stage.so_far.lock().insert(id, vec![printed("half way")]);
    assert_eq!(mill.engine.live_logs(id).await, Some(vec![printed("half way")]));
    begun.succeeds();
    assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    mill.until("it has ended here too", || mill.view("f").running == 0).await;
    assert_eq!(mill.engine.live_logs(id).await, None);
}

#[tokio::test(start_paused = true)]
async fn containers_start_by_the_age_of_the_queue() {
    let mill = Mill::start().await;
    let mut spec = FunctionSpec::new(Runtime::Image);
    spec.max_replicas = Some(10);
    mill.deploy_spec("f", spec, Readiness::Checked).await.expect("it is deployed");
    mill.stage.launch(5 * SECOND, None);
    for _ in 0..10 {
        mill.submit("f", "").await;
    }
    mill.pass(SECOND / 100).await;
    let mut grown = Vec::new();
    for _ in 0..5 {
        grown.push(mill.engine.workers(&name("f")).len());
        mill.pass(SECOND / 4).await;
    }
    assert_eq!(grown, [1, 2, 4, 8, 10]);
}

#[tokio::test(start_paused = true)]
async fn a_short_burst_needs_no_second_container() {
    let mill = Mill::start().await;
    mill.stage.succeed(Duration::from_millis(20));
    let mut spec = FunctionSpec::new(Runtime::Image);
    spec.max_replicas = Some(10);
    mill.deploy_spec("f", spec, Readiness::Checked).await.expect("it is deployed");
    for _ in 0..10 {
        mill.submit("f", "").await;
    }
    mill.pass(10 * SECOND).await;
    assert_eq!(mill.stage.launches(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_state_has_one_worker_unless_more_are_asked_for() {
    let mill = Mill::start().await;
    let mut spec = FunctionSpec::new(Runtime::Image);
    spec.state = StateScope::Function;
    spec.max_replicas = Some(10);
    mill.deploy_spec("f", spec, Readiness::Checked).await.expect("it is deployed");
    for _ in 0..10 {
        mill.submit("f", "").await;
    }
    mill.pass(60 * SECOND).await;
    assert_eq!(statuses(&mill, "f"), ["busy"]);
    mill.engine.ensure_workers(&name("f"), 3).await.expect("they start");
    mill.pass(SECOND).await;
    assert_eq!(mill.view("f").workers.busy_slots, 1, "one execution at a time");
}
