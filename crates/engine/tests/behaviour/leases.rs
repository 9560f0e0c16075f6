//! Leases: kept alive, lost, run out.

use std::time::Duration;

use tidemill_core::{
    invocation::{AttemptOutcome, Status},
    limits::LEASE,
    ports::{Claim, LeaseGrant, NewInvocation, Store},
};

use crate::{
    mill::{Mill, event, name, outcomes},
    stage::replied,
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn is_renewed_while_a_long_call_runs() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: one").await;
    let id = mill.submit("f", "long").await;
    let begun = mill.stage.next().await;
    mill.pass(10 * LEASE).await;
    begun.ends(replied(200, "at last"));
    let detail = mill.ended(id).await;
    assert_eq!((detail.invocation.status, detail.invocation.generation.0), (Status::Succeeded, 1));
}

#[tokio::test(start_paused = true)]
async fn survives_renewals_that_the_store_refuses() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: one").await;
    let id = mill.submit("f", "long").await;
    let begun = mill.stage.next().await;
    // The lease runs out, but nobody else is there to take it, and who holds it does not give it away.
    mill.tolls.refuse("renew", 5);
    mill.pass(3 * LEASE).await;
    begun.succeeds();
    let detail = mill.ended(id).await;
    assert_eq!(outcomes(&detail), [AttemptOutcome::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_one_ends_its_call() {
    let mill = Mill::start().await;
    mill.deploy("f", "description: one").await;
    let id = mill.submit("f", "body").await;
    let _begun = mill.stage.next().await;
    // Somebody else takes the lease over, as after a long pause of this whole node.
    let later = mill.now() + 2 * LEASE;
    mill.store.expire(later, None, 100).await.expect("it is put back");
    let claim =
        Claim { function: name("f"), limit: 1, owner: "another".into(), now: later, lease_until: later + 100 * LEASE };
    let taken = mill.store.claim(claim).await.expect("it is there");
    assert_eq!(taken[0].invocation.id, id);
    mill.until("the call is ended", || mill.stage.cancelled() == [id]).await;
    mill.pass(SECOND).await;
    let detail = mill.detail(id).await;
    assert_eq!((detail.invocation.status, detail.invocation.generation.0), (Status::Running, 2), "it is the other's");
    let view = mill.engine.function(&name("f")).expect("it is there");
    assert_eq!((view.running, view.workers.busy_slots), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_node_held_is_worked_off_in_one_go() {
    let mill = Mill::start().await;
    mill.stage.succeed(SECOND / 100);
    mill.deploy("f", "maxReplicas: 1, minReplicas: 0").await;
    // A node holds them all and is never seen again. This one does not count them as queued.
    let now = mill.now();
    let held = |number: u32| NewInvocation {
        id: mill.engine.new_id(),
        function: name("f"),
        event: event(&number.to_string()),
        key: None,
        idempotency_key: None,
        parent: None,
        received_at: now,
        available_at: now,
        received_us: 0,
        lease: Some(LeaseGrant { owner: "lost".into(), until: now + LEASE }),
    };
    let held: Vec<NewInvocation> = (0..500).map(held).collect();
    let ids: Vec<_> = held.iter().map(|held| held.id).collect();
    mill.store.submit(held).await.expect("they are stored");
    mill.until("the leases run out", || mill.now() >= now + LEASE + 10 * SECOND).await;
    mill.pass(20 * SECOND).await;
    for id in ids {
        assert_eq!(mill.status(id).await, Status::Succeeded, "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_submission_whose_answer_was_lost_runs_once_its_lease_has_run_out() {
    use tidemill_core::ports::StoreError;
    use tidemill_store::Fault;

    let mill = Mill::start().await;
    mill.stage.succeed(Duration::ZERO);
    mill.deploy("f", "description: one").await;
    mill.store.set_faults(|intent| (intent == "submit").then(|| Fault::After(StoreError::Failed("lost".into()))));
    mill.try_submit("f", "body", Default::default()).await.expect_err("the answer is lost");
    mill.store.clear_faults();
    mill.pass(2 * LEASE).await;
    let all = mill.invocations("f").await;
    assert_eq!(all.iter().map(|one| one.status).collect::<Vec<_>>(), [Status::Succeeded]);
}

#[tokio::test(start_paused = true)]
async fn the_others_are_renewed_while_a_lost_call_takes_its_time_to_end() {
    let mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 1").await;
    mill.deploy("g", "maxReplicas: 1").await;
    *mill.stage.cancelling.lock() = 20 * LEASE;
    let lost = mill.submit("f", "").await;
    let _begun = mill.stage.next().await;
    let later = mill.now() + 2 * LEASE;
    mill.store.expire(later, None, 100).await.expect("it is put back");
    let claim =
        Claim { function: name("f"), limit: 1, owner: "another".into(), now: later, lease_until: later + 100 * LEASE };
    mill.store.claim(claim).await.expect("it is there");
    let kept = mill.submit("g", "").await;
    let begun = mill.stage.next().await;
    mill.until("the call is being ended", || mill.stage.cancelled() == [lost]).await;
    let renewals = mill.tolls.count("renew");
    mill.pass(5 * LEASE).await;
    assert!(mill.tolls.count("renew") >= renewals + 10);
    begun.succeeds();
    assert_eq!(mill.ended(kept).await.invocation.generation.0, 1);
}
