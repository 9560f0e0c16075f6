//! Schedules.

use tidemill_core::{
    Timestamp,
    ports::{Accepted, Fire, NewInvocation, ScheduleRecord, StoreError, Submitted},
};

use super::make::*;

fn schedule(name: &str, trigger: &str, fingerprint: &str, next_at: Timestamp) -> ScheduleRecord {
    ScheduleRecord {
        function: function(name),
        trigger: trigger.parse().works(),
        fingerprint: fingerprint.into(),
        next_at,
        last_at: None,
    }
}

fn fire(expected: Timestamp, next_at: Timestamp, invocations: Vec<NewInvocation>) -> Fire {
    Fire { function: function("f"), trigger: "tick".parse().works(), expected, next_at, invocations }
}

/// What is put is what there is, for that function.
pub async fn exactly_these(subject: &Subject) {
    deploy(subject, "f").await;
    deploy(subject, "g").await;
    let put = async |name, schedules| subject.store.put_schedules(&function(name), schedules).await;
    put("g", vec![schedule("g", "tick", "x", at(9))]).await.works();
    put("f", vec![schedule("f", "a", "x", at(1)), schedule("f", "b", "x", at(2))]).await.works();
    put("f", vec![schedule("f", "b", "y", at(5)), schedule("f", "c", "x", at(4))]).await.works();
    let all = subject.store.schedules().await.works();
    assert_eq!(
        all,
        [schedule("f", "c", "x", at(4)), schedule("f", "b", "y", at(5)), schedule("g", "tick", "x", at(9))]
    );
    put("f", vec![]).await.works();
    assert_eq!(subject.store.schedules().await.works().len(), 1);
    let refused = put("nobody", vec![]).await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
}

/// An unchanged one keeps its next and its last run.
pub async fn unchanged_keep_their_run(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.put_schedules(&function("f"), vec![schedule("f", "tick", "x", at(1))]).await.works();
    subject.store.fire(fire(at(1), at(2), vec![])).await.works().works();
    let moved = ScheduleRecord { last_at: Some(at(1)), ..schedule("f", "tick", "x", at(2)) };
    subject.store.put_schedules(&function("f"), vec![schedule("f", "tick", "x", at(100))]).await.works();
    assert_eq!(subject.store.schedules().await.works(), [moved]);
    subject.store.put_schedules(&function("f"), vec![schedule("f", "tick", "y", at(100))]).await.works();
    assert_eq!(subject.store.schedules().await.works(), [schedule("f", "tick", "y", at(100))]);
}

/// A run takes place once, whoever asks how often.
pub async fn fired_once(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.put_schedules(&function("f"), vec![schedule("f", "tick", "x", at(1))]).await.works();
    let fired = subject.store.fire(fire(at(1), at(2), vec![new("f", 1)])).await.works();
    assert_eq!(fired, Some(vec![Submitted::Accepted(Accepted { id: id(1), leased: false })]));
    assert_eq!(subject.store.fire(fire(at(1), at(2), vec![new("f", 2)])).await.works(), None);
    assert_eq!(subject.store.fire(fire(at(7), at(8), vec![new("f", 2)])).await.works(), None);
    assert_eq!(ids(&claim_all(subject, "f").await), [id(1)]);
    assert_eq!(subject.store.schedules().await.works()[0].last_at, Some(at(1)));
    subject.store.delete_function(&function("f")).await.works();
    assert_eq!(subject.store.fire(fire(at(2), at(3), vec![])).await.works(), None);
}

/// A run whose events are refused has not taken place.
pub async fn fire_refuses_all(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.put_schedules(&function("f"), vec![schedule("f", "tick", "x", at(1))]).await.works();
    let refused = subject.store.fire(fire(at(1), at(2), vec![new("f", 1), new("nobody", 2)])).await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    assert_eq!(subject.store.schedules().await.works(), [schedule("f", "tick", "x", at(1))]);
    assert!(claim_all(subject, "f").await.is_empty());
}

/// The next run first.
pub async fn next_first(subject: &Subject) {
    deploy(subject, "f").await;
    let schedules =
        vec![schedule("f", "b", "x", at(1)), schedule("f", "a", "x", at(1)), schedule("f", "c", "x", at(0))];
    subject.store.put_schedules(&function("f"), schedules).await.works();
    let order: Vec<String> =
        subject.store.schedules().await.works().into_iter().map(|schedule| schedule.trigger.to_string()).collect();
    assert_eq!(order, ["c", "a", "b"]);
}
