//! How many workers there are.

use std::time::Duration;

use crate::mill::{Mill, name};

const SECOND: Duration = Duration::from_secs(1);

fn living(mill: &Mill) -> usize {
    mill.stage.living().values().sum()
}

#[tokio::test(start_paused = true)]
async fn grow_under_load_to_the_maximum() {
    let mill = Mill::start().await;
    mill.stage.succeed(5 * SECOND);
    mill.deploy("f", "minReplicas: 0, maxReplicas: 3").await;
    for _ in 0..4 {
        mill.call("f", "one after the other").await.expect("it is answered");
    }
    assert_eq!(mill.stage.launches(), 1, "without load it does not grow");
    let calls: Vec<_> = (0..6).map(|_| mill.calling("f", "at once")).collect();
    mill.pass(SECOND).await;
    assert_eq!(living(&mill), 3);
    let view = mill.engine.function(&name("f")).expect("it is there").workers;
    assert_eq!((view.ready, view.busy_slots, view.waiting, view.max), (3, 3, 3, 3));
    for call in calls {
        call.await.expect("it ends").expect("it is answered");
    }
    assert_eq!(mill.stage.launches(), 3);
}

#[tokio::test(start_paused = true)]
async fn idle_ones_stop_down_to_the_minimum() {
    let mill = Mill::start().await;
    mill.stage.succeed(5 * SECOND);
    mill.deploy("f", "minReplicas: 1, maxReplicas: 3, idleTimeout: 30s").await;
    let calls: Vec<_> = (0..3).map(|_| mill.calling("f", "")).collect();
    for call in calls {
        call.await.expect("it ends").expect("it is answered");
    }
    mill.pass(25 * SECOND).await;
    assert_eq!(living(&mill), 3);
    mill.pass(10 * SECOND).await;
    assert_eq!(living(&mill), 1);
    mill.pass(1000 * SECOND).await;
    assert_eq!(living(&mill), 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_used_does_not_stop() {
    let mill = Mill::start().await;
    mill.stage.succeed(SECOND);
    mill.deploy("f", "minReplicas: 0, maxReplicas: 3, idleTimeout: 30s").await;
    for _ in 0..10 {
        mill.pass(20 * SECOND).await;
        mill.call("f", "").await.expect("it is answered");
    }
    assert_eq!(mill.stage.launches(), 1);
    mill.pass(40 * SECOND).await;
    assert_eq!(living(&mill), 0);
}

#[tokio::test(start_paused = true)]
async fn the_minimum_is_kept_running() {
    let mut mill = Mill::start().await;
    mill.deploy("f", "minReplicas: 2, maxReplicas: 4").await;
    mill.pass(5 * SECOND).await;
    assert_eq!(living(&mill), 2);
    mill.stage.kill();
    mill.pass(5 * SECOND).await;
    assert_eq!(living(&mill), 2);
    mill.engine.shutdown().await;
    assert_eq!(living(&mill), 0);
    mill.begin_anew().await;
    mill.pass(5 * SECOND).await;
    assert_eq!(living(&mill), 2);
}

#[tokio::test(start_paused = true)]
async fn a_paused_function_keeps_none() {
    let mill = Mill::start().await;
    mill.deploy("f", "minReplicas: 2, maxReplicas: 2, idleTimeout: 30s").await;
    mill.pass(5 * SECOND).await;
    mill.engine.pause(&name("f")).await.expect("it pauses");
    mill.pass(60 * SECOND).await;
    assert_eq!(living(&mill), 0);
    mill.engine.resume(&name("f")).await.expect("it resumes");
    mill.pass(5 * SECOND).await;
    assert_eq!(living(&mill), 2);
}

#[tokio::test(start_paused = true)]
async fn a_worker_takes_as_many_calls_as_it_has_slots() {
    let mill = Mill::start().await;
    mill.stage.slots.store(4, std::sync::atomic::Ordering::Relaxed);
    mill.stage.succeed(5 * SECOND);
    mill.deploy("f", "minReplicas: 0, maxReplicas: 2").await;
    let calls: Vec<_> = (0..4).map(|_| mill.calling("f", "")).collect();
    mill.pass(SECOND).await;
    assert_eq!(living(&mill), 1);
    let more: Vec<_> = (0..4).map(|_| mill.calling("f", "")).collect();
    mill.pass(SECOND).await;
    assert_eq!(living(&mill), 2);
    for call in calls.into_iter().chain(more) {
        call.await.expect("it ends").expect("it is answered");
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_does_not_hold_up_what_is_retired() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: one, minReplicas: 0, maxReplicas: 2").await;
    let busy = mill.calling("f", "busy");
    let begun = mill.stage.next().await;
    mill.stage.launch(30 * SECOND, Some("no second worker"));
    let waiting = mill.calling("f", "waits, so that a second worker starts");
    mill.pass(SECOND).await;
    mill.stage.launch(Duration::ZERO, None);
    mill.deploy("f", "description: two").await;
    begun.succeeds();
    mill.stage.next().await.succeeds();
    for call in [busy, waiting] {
        assert!(call.await.expect("it ends").expect("it is answered").succeeded);
    }
    mill.pass(35 * SECOND).await;
    assert_eq!(mill.stage.living().get(&1), None);
}

#[tokio::test(start_paused = true)]
async fn fast_calls_are_handed_to_a_busy_worker_ahead_and_slow_ones_are_not() {
    for (takes, open) in [(Duration::from_micros(100), 9), (Duration::from_millis(5), 1)] {
        let mill = Mill::start().await;
        mill.deploy("f", "maxReplicas: 1").await;
        mill.stage.succeed(takes);
        for _ in 0..70 {
            mill.call("f", "").await.expect("it is answered");
        }
        mill.stage.succeed(10 * SECOND);
        let calls: Vec<_> = (0..20).map(|_| mill.calling("f", "at once")).collect();
        mill.pass(SECOND).await;
        let view = mill.engine.function(&name("f")).expect("it is there").workers;
        assert_eq!((view.busy_slots, view.waiting), (1, 20 - open), "calls of {takes:?}");
        drop(calls);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_handed_ahead_while_the_pool_can_grow() {
    let mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 2").await;
    mill.stage.succeed(Duration::from_micros(100));
    for _ in 0..70 {
        mill.call("f", "").await.expect("it is answered");
    }
    mill.stage.succeed(10 * SECOND);
    let _calls: Vec<_> = (0..2).map(|_| mill.calling("f", "at once")).collect();
    mill.pass(SECOND).await;
    let view = mill.engine.function(&name("f")).expect("it is there").workers;
    assert_eq!((view.ready, view.busy_slots, view.waiting), (2, 2, 0));
}
