//! Functions and revisions.

use tidemill_core::{
    function::FunctionState,
    id::RevisionNumber,
    invocation::Status,
    ports::{LogFilter, ScheduleRecord, Settlement, StoreError},
};

use super::make::*;

/// Each revision is one more than the newest, and becomes the active one.
pub async fn revisions_count_up(subject: &Subject) {
    let refused = subject.store.put_revision(revision("f", 2, START), FunctionState::Active).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert!(subject.store.functions().await.works().is_empty());
    let first = deploy(subject, "f").await;
    assert_eq!((first.active, first.desired), (RevisionNumber(1), FunctionState::Active));
    assert_eq!((first.created_at, first.updated_at), (START, START));
    let second = subject.store.put_revision(revision("f", 2, at(5)), FunctionState::Paused).await.works();
    assert_eq!((second.active, second.desired), (RevisionNumber(2), FunctionState::Paused));
    assert_eq!((second.created_at, second.updated_at), (START, at(5)));
    for number in [1, 2, 4] {
        let refused = subject.store.put_revision(revision("f", number, START), FunctionState::Active).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    assert_eq!(subject.store.functions().await.works(), [second]);
    let revisions = subject.store.revisions(&function("f")).await.works();
    assert_eq!(revisions, [revision("f", 2, at(5)), revision("f", 1, START)]);
    assert!(matches!(subject.store.revisions(&function("nobody")).await, Err(StoreError::NotFound)));
}

/// Rolling back is activating an older one; the count goes on from the newest.
pub async fn activating_moves(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.put_revision(revision("f", 2, START), FunctionState::Active).await.works();
    let back = subject.store.activate(&function("f"), RevisionNumber(1), at(7)).await.works();
    assert_eq!((back.active, back.updated_at, back.created_at), (RevisionNumber(1), at(7), START));
    for (name, number) in [("f", 3), ("nobody", 1)] {
        let refused = subject.store.activate(&function(name), RevisionNumber(number), at(8)).await;
        assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    }
    assert_eq!(subject.store.functions().await.works(), [back]);
    subject.store.put_revision(revision("f", 3, at(9)), FunctionState::Active).await.works();
}

/// The desired state changes.
pub async fn desired_changes(subject: &Subject) {
    deploy(subject, "f").await;
    let paused = subject.store.set_desired(&function("f"), FunctionState::Paused, at(3)).await.works();
    assert_eq!((paused.desired, paused.updated_at), (FunctionState::Paused, at(3)));
    assert_eq!(subject.store.functions().await.works(), [paused]);
    let refused = subject.store.set_desired(&function("nobody"), FunctionState::Paused, at(3)).await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
}

/// By project and name.
pub async fn listed_by_name(subject: &Subject) {
    for name in ["shop:a", "b", "B", "a"] {
        deploy(subject, name).await;
    }
    let names: Vec<String> =
        subject.store.functions().await.works().into_iter().map(|record| record.function.to_string()).collect();
    assert_eq!(names, ["B", "a", "b", "shop:a"]);
}

/// Nothing of a deleted function stays, and nothing of another one goes.
pub async fn deleting_takes_all(subject: &Subject) {
    deploy(subject, "f").await;
    deploy(subject, "g").await;
    subject.store.submit(vec![new("f", 1), new("f", 2), new("g", 3)]).await.works();
    let running = claim_one(subject, "f").await;
    let settled = Settlement { logs: vec![line("a")], ..settlement(&running, Status::Succeeded, START) };
    subject.store.settle(settled).await.works();
    let schedule = ScheduleRecord {
        function: function("f"),
        trigger: "tick".parse().works(),
        fingerprint: "@hourly".into(),
        next_at: at(1),
        last_at: None,
    };
    subject.store.put_schedules(&function("f"), vec![schedule]).await.works();

    subject.store.delete_function(&function("f")).await.works();
    assert_eq!(subject.store.functions().await.works().len(), 1);
    assert!(subject.store.schedules().await.works().is_empty());
    assert!(subject.store.logs(LogFilter { limit: 9, ..LogFilter::default() }).await.works().is_empty());
    for number in [1, 2] {
        assert!(matches!(subject.store.invocation(id(number)).await, Err(StoreError::NotFound)));
    }
    assert!(subject.store.invocation(id(3)).await.is_ok());
    assert!(matches!(subject.store.submit(vec![new("f", 4)]).await, Err(StoreError::NotFound)));
    assert!(matches!(subject.store.delete_function(&function("f")).await, Err(StoreError::NotFound)));
    assert_eq!(subject.store.due(START).await.works().0, [function("g")]);
}

/// A function of the same name is a new one.
pub async fn deleted_can_come_back(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let running = claim_one(subject, "f").await;
    subject.store.delete_function(&function("f")).await.works();
    let refused = subject.store.settle(settlement(&running, Status::Succeeded, START)).await;
    assert!(matches!(refused, Err(StoreError::Stale)), "{refused:?}");
    deploy(subject, "f").await;
    assert_eq!(subject.store.revisions(&function("f")).await.works().len(), 1);
    subject.store.submit(vec![new("f", 1)]).await.works();
    assert_eq!(claim_one(subject, "f").await.id, id(1));
}

/// Settings come back as they were.
pub async fn specs_come_back(subject: &Subject) {
    let mut first = revision("f", 1, START);
    first.spec.description = "söme \"text\"".into();
    first.spec.min_replicas = Some(2);
    first.spec.runtime_attributes.insert("arguments".into(), serde_json::json!(["-v", 1.5, null]));
    subject.store.put_revision(first.clone(), FunctionState::Active).await.works();
    assert_eq!(subject.store.revisions(&function("f")).await.works(), [first]);
}
