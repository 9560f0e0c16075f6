//! What must hold once everything has ended.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tidemill_core::{
    FunctionRef,
    invocation::{AttemptOutcome, Invocation, Status},
    ports::{InvocationFilter, Store},
};

use crate::{
    scenario::{Clients, Expected},
    world::{MAILBOX, World},
};

pub async fn all(world: &World, store: &Arc<dyn Store>, clients: &Clients) {
    everything_ends(store).await;
    acknowledged(store, clients).await;
    for (key, effects) in world.effects() {
        // An effect may be repeated (its settlement was lost), never overtaken. Calls have no number.
        let numbered: Vec<_> = effects.into_iter().filter(|effect| *effect > 0).collect();
        assert!(numbered.is_sorted(), "key {key}: {numbered:?}");
    }
    responses(store).await;
    runs(store).await;
    for actor in ["counter", "device"] {
        states(store, actor).await;
    }
    messages(store).await;
}

async fn of(store: &Arc<dyn Store>, function: &str) -> Vec<Invocation> {
    let function = Some(function.parse().expect("a name"));
    let filter = InvocationFilter { function, limit: 1000, ..InvocationFilter::default() };
    store.invocations(filter).await.expect("a page").items
}

async fn succeeded(store: &Arc<dyn Store>, function: &str) -> Vec<Invocation> {
    let mut all = of(store, function).await;
    all.retain(|invocation| invocation.status == Status::Succeeded);
    all
}

async fn everything_ends(store: &Arc<dyn Store>) {
    let filter = |status| InvocationFilter { status: Some(status), limit: 1000, ..InvocationFilter::default() };
    let mut rounds = 0;
    loop {
        // The schedule goes on for ever; it is enough that no more than its newest run is open.
        let mut open = store.invocations(filter(Status::Queued)).await.expect("a page").items;
        open.extend(store.invocations(filter(Status::Running)).await.expect("a page").items);
        open.retain(|invocation| invocation.function.name.as_str() != "ticks");
        if open.is_empty() {
            break;
        }
        rounds += 1;
        assert!(rounds < 2000, "these never end: {open:#?}");
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// All that was acknowledged ended as it should.
async fn acknowledged(store: &Arc<dyn Store>, clients: &Clients) {
    for (id, expected) in &clients.acknowledged {
        let detail = store.invocation(*id).await.unwrap_or_else(|error| panic!("{id} was acknowledged: {error}"));
        let status = if *expected == Expected::Gives { Status::DeadLettered } else { Status::Succeeded };
        assert_eq!(detail.invocation.status, status, "{id}: {detail:#?}");
        let successes = detail.attempts.iter().filter(|attempt| attempt.outcome == AttemptOutcome::Succeeded).count();
        assert_eq!(successes, usize::from(status == Status::Succeeded), "{id} settled {successes} times");
        let numbers: Vec<u32> = detail.attempts.iter().map(|attempt| attempt.number).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{id}: attempts {numbers:?}");
    }
}

/// Each response made its event once.
async fn responses(store: &Arc<dyn Store>) {
    let after = of(store, "after").await;
    for invocation in succeeded(store, "plain").await {
        let emitted = after.iter().filter(|one| one.parent == Some(invocation.id)).count();
        assert_eq!(emitted, 1, "the response of {} made {emitted} events", invocation.id);
    }
}

/// Each due time had one run.
async fn runs(store: &Arc<dyn Store>) {
    let mut times: Vec<_> = of(store, "ticks").await.iter().map(|tick| tick.event.time).collect();
    times.sort();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "a run took place twice: {times:?}");
    assert!(!times.is_empty(), "no run took place");
}

/// Each state counts the executions that succeeded, and each of them found another count.
async fn states(store: &Arc<dyn Store>, actor: &str) {
    let function: FunctionRef = actor.parse().expect("a name");
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for invocation in succeeded(store, actor).await {
        let reply = store.reply(invocation.id).await.expect("it is stored").expect("it has a response");
        let count = std::str::from_utf8(&reply.body).expect("a text").parse().unwrap_or(0);
        found.entry(invocation.key.expect("it stands in a line")).or_default().push(count);
    }
    assert!(!found.is_empty(), "no execution of {actor} succeeded");
    for (key, mut counts) in found {
        let executions = counts.len() as u64;
        counts.sort();
        assert_eq!(counts, (0..executions).collect::<Vec<_>>(), "the states that {actor} {key:?} found");
        let state = store.state(&function, &key).await.expect("it is stored").expect("it has a state");
        assert_eq!((state.value.as_ref(), state.version), (executions.to_string().as_bytes(), executions));
    }
}

/// There is one message of each execution that succeeded, and none of another.
async fn messages(store: &Arc<dyn Store>) {
    let mut expected = Vec::new();
    for actor in ["counter", "device"] {
        expected.extend(succeeded(store, actor).await.into_iter().map(|invocation| invocation.id));
    }
    let mut parents = Vec::new();
    for message in of(store, MAILBOX).await {
        let body = store.event_body(message.id).await.expect("it is stored");
        let parent = message.parent.expect("somebody sent it");
        assert_eq!(body, parent.to_string(), "{} has another body", message.id);
        parents.push(parent);
    }
    expected.sort();
    parents.sort();
    assert_eq!(parents, expected);
}
