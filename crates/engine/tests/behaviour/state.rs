//! Durable state: it changes with the execution that changed it, or not at all.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use tidemill_core::{
    invocation::{AttemptOutcome, Status},
    limits::STATE_BYTES_MAX,
    ports::{Call, CallEnd, CallOutcome, Store, StoreError},
};
use tidemill_engine::SubmitOptions;

use crate::{
    mill::{Mill, name, outcomes},
    stage::{bodies, broken, changed, replied, state},
};

const SECOND: Duration = Duration::from_secs(1);
const ACTOR: &str = "state: function, retry: {maxAttempts: 100, initial: 1s, max: 1s}";

/// Counts in the state.
fn counted(call: &Call) -> CallEnd {
    let count: u64 = state(call).expect("it has state").parse().unwrap_or(0);
    changed(&count.to_string(), Some(&(count + 1).to_string()), Vec::new())
}

#[tokio::test(start_paused = true)]
async fn an_execution_begins_with_the_state_that_the_former_one_left() {
    let mill = Mill::start().await;
    mill.deploy("counter", ACTOR).await;
    assert_eq!(mill.state("counter", "").await, None);
    for (before, after) in [("", Some("1")), ("1", Some("{\"a\":2}")), ("{\"a\":2}", None), ("{\"a\":2}", Some("3"))] {
        let id = mill.submit("counter", "").await;
        let begun = mill.stage.next().await;
        assert_eq!((begun.call.key.as_deref(), state(&begun.call)), (Some(""), Some(before)));
        begun.ends_as(changed("", after, Vec::new()));
        assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    }
    assert_eq!(mill.state("counter", "").await, Some(("3".into(), 3)));
}

#[tokio::test(start_paused = true)]
async fn it_counts_every_message_once_while_workers_are_killed() {
    let mut mill = Mill::start().await;
    let mut calls = 0;
    mill.stage.script_ends(move |_, call| {
        calls += 1;
        let mut end = counted(call);
        // Whatever a failed call says of its state does not count.
        match calls % 7 {
            2 => end.outcome = broken(AttemptOutcome::Crashed),
            3 => end.outcome = CallOutcome::Raised { message: "no".into(), status: 500 },
            5 => end.outcome = replied(503, ""),
            _ => {}
        }
        (Duration::from_millis(5), end)
    });
    mill.deploy("counter", ACTOR).await;
    let mut ids = Vec::new();
    for number in 0..300 {
        ids.push(mill.submit("counter", "").await);
        if number % 20 == 0 {
            mill.stage.kill();
        }
        if number == 150 {
            mill.engine.shutdown().await;
            mill.begin_anew().await;
        }
        mill.pass(Duration::from_millis(7)).await;
    }
    let mut counts = Vec::new();
    for id in ids {
        let detail = mill.ended(id).await;
        assert_eq!(detail.invocation.status, Status::Succeeded);
        let reply = mill.store.reply(id).await.expect("it is there").expect("it has one");
        counts.push(String::from_utf8_lossy(&reply.body).parse::<u32>().expect("a count"));
    }
    assert_eq!(counts, (0..300).collect::<Vec<_>>(), "one after the other, in the order they came");
    assert_eq!(mill.state("counter", "").await, Some(("300".into(), 300)));
}

#[tokio::test(start_paused = true)]
async fn a_refused_settlement_changes_nothing_until_it_is_taken() {
    let mill = Mill::start().await;
    mill.stage.script_ends(|_, call| (Duration::ZERO, counted(call)));
    mill.deploy("counter", ACTOR).await;
    mill.tolls.refuse("settle", 5);
    let id = mill.submit("counter", "").await;
    mill.until("it is tried", || mill.tolls.count("settle") > 0).await;
    assert_eq!(mill.state("counter", "").await, None);
    assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    assert_eq!(mill.state("counter", "").await, Some(("1".into(), 1)));
    // A state that cannot be read is no fault of the function.
    mill.tolls.refuse("state", 2);
    let detail = mill.submit("counter", "").await;
    let detail = mill.ended(detail).await;
    let interrupted = AttemptOutcome::Interrupted;
    assert_eq!(outcomes(&detail), [interrupted, interrupted, AttemptOutcome::Succeeded]);
    assert_eq!(detail.invocation.failures, 0);
}

#[tokio::test(start_paused = true)]
async fn keys_have_states_of_their_own_and_run_side_by_side() {
    let mill = Mill::start().await;
    mill.stage.script_ends(|_, call| {
        let sum = format!("{}{}", state(call).expect("it has state"), bodies(call).concat());
        (SECOND, changed("", Some(&sum), Vec::new()))
    });
    mill.deploy("device", "state: key, ordering: {key: {header: x-device}}, minReplicas: 0, maxReplicas: 3").await;
    let mut ids = Vec::new();
    for number in 0..4 {
        for key in ["a", "b", "c"] {
            let mut event = crate::mill::event(&number.to_string());
            event.headers.push(("x-device".into(), key.into()));
            let target = mill.target("device");
            ids.push(mill.engine.submit(&target, event, SubmitOptions::default()).await.expect("it is accepted").id);
        }
    }
    let began = mill.now();
    for id in ids {
        assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    }
    assert!(mill.now().since(began) < 6 * SECOND, "three at a time");
    for key in ["a", "b", "c"] {
        assert_eq!(mill.state("device", key).await, Some(("0123".into(), 4)));
    }
}

#[tokio::test(start_paused = true)]
async fn one_state_has_one_line_whatever_key_is_given() {
    let mill = Mill::start().await;
    mill.deploy("counter", &format!("{ACTOR}, maxReplicas: 4, minReplicas: 3")).await;
    let (first, second) = (mill.submit_keyed("counter", "a", "1").await, mill.submit_keyed("counter", "b", "2").await);
    let begun = mill.stage.next().await;
    mill.pass(10 * SECOND).await;
    assert!(mill.stage.peek().is_none());
    assert_eq!(mill.view("counter").workers.max, 1);
    begun.succeeds();
    mill.stage.next().await.succeeds();
    for id in [first, second] {
        assert_eq!(mill.ended(id).await.invocation.key.as_deref(), Some(""));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_queued_before_there_was_state_takes_its_turn() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: none yet, maxReplicas: 3, disable: true").await;
    let ids = [mill.submit("f", "a").await, mill.submit("f", "b").await, mill.submit("f", "c").await];
    mill.deploy("f", "state: function, maxReplicas: 3").await;
    mill.engine.ensure_workers(&name("f"), 3).await.expect("they start");
    for before in ["", "x", "xx"] {
        let begun = mill.stage.next().await;
        assert_eq!(state(&begun.call), Some(before));
        mill.pass(SECOND).await;
        assert!(mill.stage.peek().is_none(), "two work on one state");
        begun.ends_as(changed("", Some(&format!("{before}x")), Vec::new()));
    }
    for id in ids {
        assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_can_be_read_and_replaced_from_outside() {
    let mill = Mill::start().await;
    mill.deploy("counter", ACTOR).await;
    let engine = &mill.engine;
    let put = async |value: Option<&str>, expected| {
        let value = value.map(|value| Bytes::copy_from_slice(value.as_bytes()));
        engine.put_state(&name("counter"), "", value, expected).await
    };
    assert_eq!(put(Some("41"), Some(0)).await.expect("there was none"), 1);
    assert!(matches!(put(Some("7"), Some(0)).await, Err(StoreError::Conflict(_))));
    let id = mill.submit("counter", "").await;
    let begun = mill.stage.next().await;
    assert_eq!(state(&begun.call), Some("41"));
    begun.ends_as(changed("", Some("42"), Vec::new()));
    mill.ended(id).await;
    assert_eq!(mill.state("counter", "").await, Some(("42".into(), 2)));
    assert_eq!(put(None, None).await.expect("it is deleted"), 0);
    assert_eq!(mill.state("counter", "").await, None);
    assert!(matches!(engine.state(&name("nobody"), "").await, Err(StoreError::NotFound)));
}

#[tokio::test(start_paused = true)]
async fn too_large_a_state_and_that_of_a_function_without_one_are_not_kept() {
    let mill = Mill::start().await;
    let large = "7".repeat(STATE_BYTES_MAX + 1);
    mill.stage.script_ends(move |_, _| (Duration::ZERO, changed("", Some(&large), Vec::new())));
    mill.deploy("counter", "state: function, retry: {maxAttempts: 1}").await;
    let id = mill.submit("counter", "").await;
    let detail = mill.ended(id).await;
    assert_eq!(outcomes(&detail), [AttemptOutcome::BadResponse]);
    assert_eq!(detail.invocation.reason, "the state is larger than 4 MiB");
    mill.stage.script_ends(|_, _| (Duration::ZERO, changed("", Some("1"), Vec::new())));
    mill.deploy("plain", "description: no state").await;
    let id = mill.submit("plain", "").await;
    assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    assert_eq!((mill.state("counter", "").await, mill.state("plain", "").await), (None, None));
}

#[tokio::test(start_paused = true)]
async fn results_and_reports_are_kept() {
    let mill = Mill::start().await;
    mill.stage.script_ends(|_, call| {
        let mut end = changed("", None, Vec::new());
        if call.attempt == 1 {
            end.outcome = CallOutcome::Raised { message: "no".into(), status: 500 };
        }
        end.results = vec![Bytes::from(format!("{} a", call.attempt)), Bytes::from(format!("{} b", call.attempt))];
        let exit_code = Some(i64::from(call.attempt));
        end.report = Some(tidemill_core::invocation::RunReport { exit_code, cpu_ns: 5, ..Default::default() });
        (Duration::ZERO, end)
    });
    mill.deploy("f", "description: it").await;
    let id = mill.submit("f", "").await;
    let detail = mill.ended(id).await;
    let exits: Vec<_> =
        detail.attempts.iter().map(|attempt| attempt.report.as_ref().and_then(|one| one.exit_code)).collect();
    assert_eq!(exits, [Some(1), Some(2)]);
    let mut results = Vec::new();
    while let Some(result) = mill.store.take_result(id).await.expect("it is there") {
        results.push(String::from_utf8_lossy(&result).into_owned());
    }
    assert_eq!(results, ["2 a", "2 b"], "of the attempt that ended it");
    let usage = mill.store.usage(&name("f")).await.expect("it is there");
    assert_eq!((usage.executions, usage.cpu_ns), (1, 10));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_function_leaves_no_state_behind() {
    let mill = Mill::start().await;
    mill.stage.script_ends(|_, call| (Duration::ZERO, counted(call)));
    let mut states = BTreeMap::new();
    for round in 0..2 {
        mill.deploy("counter", ACTOR).await;
        let id = mill.submit("counter", "").await;
        mill.ended(id).await;
        states.insert(round, mill.state("counter", "").await);
        mill.engine.delete(&name("counter")).await.expect("it is deleted");
    }
    assert_eq!(states[&0], Some(("1".into(), 1)));
    assert_eq!(states[&1], Some(("1".into(), 2)), "who expects the former one's version is refused");
}
