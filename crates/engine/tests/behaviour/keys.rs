//! Order by key.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tidemill_core::invocation::Status;

use crate::{
    mill::Mill,
    stage::{bodies, replied},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_key_runs_in_order_while_others_go_on() {
    let mill = Mill::start().await;
    mill.deploy("f", "maxReplicas: 4, minReplicas: 0").await;
    let slow = mill.submit_keyed("f", "a", "a1").await;
    let begun = mill.stage.next().await;
    let behind = mill.submit_keyed("f", "a", "a2").await;
    let other = mill.submit_keyed("f", "b", "b1").await;
    let next = mill.stage.next().await;
    assert_eq!(next.body(), "b1");
    next.succeeds();
    mill.ended(other).await;
    mill.pass(10 * SECOND).await;
    assert_eq!(mill.status(behind).await, Status::Queued);
    begun.succeeds();
    mill.ended(slow).await;
    let next = mill.stage.next().await;
    assert_eq!(next.body(), "a2");
    next.succeeds();
    mill.ended(behind).await;
}

#[tokio::test(start_paused = true)]
async fn many_of_many_keys_keep_their_order() {
    let mill = Mill::start().await;
    let seen: Arc<Mutex<BTreeMap<String, Vec<u32>>>> = Arc::default();
    let log = seen.clone();
    mill.stage.script(move |_, call| {
        let body = bodies(call).concat();
        let (key, number) = body.split_once(' ').expect("a key and a number");
        log.lock().entry(key.to_owned()).or_default().push(number.parse().expect("a number"));
        (Duration::from_millis(u64::from(number.len() as u32 * 7 % 5)), replied(200, ""))
    });
    mill.deploy("f", "maxReplicas: 4, minReplicas: 0").await;
    let mut ids = Vec::new();
    for number in 0..60 {
        for key in ["a", "b", "c"] {
            ids.push(mill.submit_keyed("f", key, &format!("{key} {number}")).await);
        }
    }
    for id in ids {
        assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    }
    for (key, numbers) in seen.lock().iter() {
        assert_eq!(*numbers, (0..60).collect::<Vec<u32>>(), "key {key}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_key_blocks_nobody_else() {
    let mill = Mill::start().await;
    mill.stage.script(|_, call| (SECOND / 10, replied(if bodies(call)[0] == "poison" { 500 } else { 200 }, "")));
    mill.deploy("f", "maxReplicas: 1, minReplicas: 0, retry: {maxAttempts: 3, initial: 1h, max: 1h}").await;
    let poison = mill.submit_keyed("f", "a", "poison").await;
    let behind = mill.submit_keyed("f", "a", "behind").await;
    let began = mill.now();
    for number in 0..50 {
        let id = mill.submit_keyed("f", &format!("k{}", number % 5), "well").await;
        assert_eq!(mill.ended(id).await.invocation.status, Status::Succeeded);
    }
    assert!(mill.now().since(began) < 60 * SECOND, "nobody waits for the poisoned key");
    assert_eq!((mill.status(poison).await, mill.status(behind).await), (Status::Queued, Status::Queued));
    mill.pass(3 * 3600 * SECOND).await;
    assert_eq!((mill.status(poison).await, mill.status(behind).await), (Status::DeadLettered, Status::Succeeded));
}

#[tokio::test(start_paused = true)]
async fn the_key_is_found_in_the_event() {
    let mill = Mill::start().await;
    mill.deploy("f", "disable: true, ordering: {key: {header: X-Order}}").await;
    let target = mill.target("f");
    for (headers, subject, key) in [
        (vec![("x-order", "7"), ("ce-partitionkey", "p")], "s", "7"),
        (vec![("ce-partitionkey", "p")], "s", "p"),
        (vec![], "s", "s"),
        (vec![], "", ""),
    ] {
        let mut event = crate::mill::event("");
        event.headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        event.subject = subject.to_owned();
        let receipt = mill.engine.submit(&target, event, Default::default()).await.expect("it is accepted");
        assert_eq!(mill.detail(receipt.id).await.invocation.key.as_deref(), Some(key));
    }
}
