//! Several events in one call.

use std::time::Duration;

use tidemill_core::{
    invocation::{AttemptOutcome, Reply, Status},
    ports::{CallOutcome, Store},
};

use crate::{
    mill::{Mill, outcomes},
    stage::{broken, replied},
};

const SECOND: Duration = Duration::from_secs(1);
const BATCH: &str = "maxReplicas: 1, minReplicas: 0, retry: {maxAttempts: 2, initial: 1h, max: 1h}, \
                     triggers: {h: {kind: http, batch: {mode: enable, batchSize: 3, timeout: 5s}}}";

async fn submit(mill: &Mill, bodies: &[&str]) -> Vec<tidemill_core::InvocationId> {
    let mut ids = Vec::new();
    for body in bodies {
        ids.push(mill.submit("f", body).await);
    }
    ids
}

#[tokio::test(start_paused = true)]
async fn is_handed_over_when_it_is_full() {
    let mill = Mill::start().await;
    mill.deploy("f", BATCH).await;
    let began = mill.now();
    let ids = submit(&mill, &["a", "b", "c"]).await;
    let begun = mill.stage.next().await;
    assert_eq!((begun.body().as_str(), begun.call.is_batch), ("a b c", true));
    assert!(mill.now().since(began) < SECOND);
    let replies = ["1", "2", "3"].map(|body| Reply { status: 200, body: body.into(), ..Reply::default() });
    begun.ends(CallOutcome::Replied(replies.to_vec()));
    for (id, body) in ids.into_iter().zip(["1", "2", "3"]) {
        assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
        assert_eq!(mill.store.reply(id).await.expect("it is stored").expect("there is one").body, body);
    }
}

#[tokio::test(start_paused = true)]
async fn is_handed_over_when_the_first_has_waited_long_enough() {
    let mill = Mill::start().await;
    mill.deploy("f", BATCH).await;
    mill.pass(7 * SECOND).await;
    let began = mill.now();
    let ids = submit(&mill, &["a", "b"]).await;
    let begun = mill.stage.next().await;
    assert_eq!(begun.body(), "a b");
    let waited = mill.now().since(began);
    assert!(waited >= 4 * SECOND && waited <= 6 * SECOND, "{waited:?}");
    begun.succeeds();
    for id in ids {
        assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    }
}

#[tokio::test(start_paused = true)]
async fn each_is_settled_by_its_own_response() {
    let mill = Mill::start().await;
    mill.deploy("f", BATCH).await;
    let ids = submit(&mill, &["a", "b", "c"]).await;
    let reply = |status| Reply { status, ..Reply::default() };
    mill.stage.next().await.ends(CallOutcome::Replied(vec![reply(200), reply(500), reply(404)]));
    assert_eq!(mill.ended(ids[0]).await.invocation.status, Status::Succeeded);
    assert_eq!(mill.ended(ids[2]).await.invocation.status, Status::Succeeded);
    let failed = mill.detail(ids[1]).await;
    assert_eq!((failed.invocation.status, outcomes(&failed)), (Status::Queued, vec![AttemptOutcome::Raised]));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_as_a_whole_fails_each() {
    let mill = Mill::start().await;
    mill.deploy("f", BATCH).await;
    for outcome in [broken(AttemptOutcome::Crashed), replied(200, "one response for three events")] {
        let ids = submit(&mill, &["a", "b", "c"]).await;
        mill.stage.next().await.ends(outcome);
        mill.pass(SECOND).await;
        for id in ids {
            let detail = mill.detail(id).await;
            assert_eq!((detail.invocation.status, detail.invocation.failures), (Status::Queued, 1));
            mill.engine.cancel(id).await.expect("it waits");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn cancelling_one_does_not_cancel_the_others() {
    let mill = Mill::start().await;
    mill.deploy("f", BATCH).await;
    let ids = submit(&mill, &["a", "b", "c"]).await;
    let begun = mill.stage.next().await;
    mill.engine.cancel(ids[1]).await.expect("it runs");
    assert_eq!(mill.ended(ids[1]).await.invocation.status, Status::Cancelled);
    assert_eq!(mill.stage.cancelled(), [begun.call.invocation], "the worker knows the call by its first invocation");
    let again = mill.stage.next().await;
    assert_eq!(again.body(), "a c");
    again.succeeds();
    for id in [ids[0], ids[2]] {
        let detail = mill.ended(id).await;
        assert_eq!(outcomes(&detail), [AttemptOutcome::Interrupted, AttemptOutcome::Succeeded]);
    }
}

#[tokio::test(start_paused = true)]
async fn its_events_are_settled_together() {
    let mill = Mill::start().await;
    mill.tolls.delay("settle", SECOND);
    mill.deploy("f", BATCH).await;
    let ids = submit(&mill, &["a", "b", "c"]).await;
    mill.stage.next().await.succeeds();
    let mut ends = Vec::new();
    for id in ids {
        ends.push(mill.ended(id).await.invocation.finished_at);
    }
    assert!(ends.iter().all(|end| end.is_some() && *end == ends[0]), "{ends:?}");
}
