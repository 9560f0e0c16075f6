//! Schedules.

use std::time::Duration;

use tidemill_core::invocation::Invocation;

use crate::{
    fake::EPOCH,
    mill::{Mill, name},
};

const SECOND: Duration = Duration::from_secs(1);

fn every(schedule: &str, missed: &str) -> String {
    format!("triggers: {{t: {{kind: cron, attributes: {{schedule: '{schedule}', missed: {missed}}}}}}}")
}

/// The times of the runs, in seconds from the start.
fn times(runs: &[Invocation]) -> Vec<u64> {
    runs.iter().map(|run| run.event.time.since(EPOCH).as_secs()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_due_time_has_one_run_across_restarts() {
    let mut mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.deploy("f", &every("@every 10s", "once")).await;
    for _ in 0..5 {
        mill.pass(12 * SECOND).await;
        mill.engine.shutdown().await;
        mill.begin_anew().await;
    }
    mill.pass(5 * SECOND).await;
    let runs = mill.invocations("f").await;
    assert_eq!(times(&runs), [10, 20, 30, 40, 50, 60]);
    assert!(runs.iter().all(|run| run.status.is_final() && run.event.trigger.kind == "cron"));
}

#[tokio::test(start_paused = true)]
async fn missed_runs_follow_the_policy() {
    for (missed, expected) in [("skip", vec![60]), ("once", vec![50, 60]), ("all", vec![10, 20, 30, 40, 50, 60])] {
        let mut mill = Mill::start().await;
        mill.stage.succeed(Duration::ZERO);
        mill.deploy("f", &every("@every 10s", missed)).await;
        mill.engine.shutdown().await;
        mill.pass(55 * SECOND).await;
        mill.begin_anew().await;
        mill.pass(10 * SECOND).await;
        assert_eq!(times(&mill.invocations("f").await), expected, "{missed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_schedule_starts_anew_and_an_unchanged_one_goes_on() {
    let mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.deploy("f", &every("@every 10s", "once")).await;
    mill.pass(15 * SECOND).await;
    mill.deploy("f", &format!("description: other, {}", every("@every 10s", "once"))).await;
    mill.pass(10 * SECOND).await;
    assert_eq!(times(&mill.invocations("f").await), [10, 20]);
    mill.deploy("f", &every("@every 7s", "once")).await;
    mill.pass(15 * SECOND).await;
    assert_eq!(times(&mill.invocations("f").await), [10, 20, 32, 39]);
    mill.deploy("f", "description: no schedule").await;
    mill.pass(60 * SECOND).await;
    assert_eq!(mill.invocations("f").await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_could_not_be_stored_is_stored_by_the_next_try() {
    let mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    let manifest = crate::mill::manifest("f", &every("@every 10s", "once"));
    mill.tolls.refuse("put_schedules", 1);
    mill.try_deploy(&manifest).await.expect_err("the store is full");
    assert!(mill.try_deploy(&manifest).await.expect("it deploys").unchanged);
    mill.pass(11 * SECOND).await;
    assert_eq!(times(&mill.invocations("f").await), [10]);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_could_not_be_stored_is_stored_at_the_next_start() {
    let mut mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.tolls.refuse("put_schedules", 1);
    let manifest = crate::mill::manifest("f", &every("@every 10s", "once"));
    mill.try_deploy(&manifest).await.expect_err("the store is full");
    mill.engine.shutdown().await;
    mill.begin_anew().await;
    mill.pass(11 * SECOND).await;
    assert_eq!(times(&mill.invocations("f").await), [10]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_cannot_be_stored_is_stored_later() {
    let mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.deploy("f", &every("@every 10s", "all")).await;
    mill.tolls.refuse("fire", 3);
    mill.pass(25 * SECOND).await;
    assert_eq!(times(&mill.invocations("f").await), [10, 20]);
    mill.engine.delete(&name("f")).await.expect("it is deleted");
}

#[tokio::test(start_paused = true)]
async fn a_schedule_may_count_from_an_hour() {
    const HOUR: u64 = 3600;
    let mut mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.pass(20 * 60 * SECOND).await;
    // The hour in which it begins is not over yet.
    mill.deploy("f", &every("@from 2025-11-22T00 every 2 hours", "once")).await;
    mill.pass(5 * 3600 * SECOND).await;
    assert_eq!(times(&mill.invocations("f").await), [0, 2 * HOUR, 4 * HOUR]);
    mill.engine.shutdown().await;
    mill.pass(9 * 3600 * SECOND).await;
    mill.begin_anew().await;
    mill.pass(2 * 3600 * SECOND).await;
    let runs = mill.invocations("f").await;
    assert_eq!(times(&runs), [0, 2 * HOUR, 4 * HOUR, 14 * HOUR, 16 * HOUR], "one run for all that were missed");
    assert!(runs.iter().all(|run| run.event.caller == "cron"));
}
