//! Lists and queue depths.

use tidemill_core::{
    id::InvocationId,
    invocation::Status,
    name::ProjectName,
    ports::{InvocationFilter, NewInvocation, QueueStats, StoreError},
};

use super::make::*;

async fn list(subject: &Subject, filter: InvocationFilter) -> (Vec<InvocationId>, bool) {
    let page = subject.store.invocations(filter).await.works();
    (page.items.into_iter().map(|invocation| invocation.id).collect(), page.more)
}

/// Newest first, page by page, each once.
pub async fn newest_first_in_pages(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit([3, 1, 5, 2, 4].map(|number| new("f", number)).to_vec()).await.works();
    let page = |before| InvocationFilter { before, limit: 2, ..InvocationFilter::default() };
    assert_eq!(list(subject, page(None)).await, (vec![id(5), id(4)], true));
    assert_eq!(list(subject, page(Some(id(4)))).await, (vec![id(3), id(2)], true));
    assert_eq!(list(subject, page(Some(id(2)))).await, (vec![id(1)], false));
    assert_eq!(list(subject, page(Some(id(1)))).await, (vec![], false));
}

/// By function, status and time.
pub async fn filters(subject: &Subject) {
    deploy(subject, "f").await;
    deploy(subject, "g").await;
    ended(subject, NewInvocation { received_at: at(1), ..new("f", 1) }, Status::Succeeded).await;
    ended(subject, NewInvocation { received_at: at(2), ..new("g", 2) }, Status::DeadLettered).await;
    subject.store.submit(vec![NewInvocation { received_at: at(3), ..new("f", 3) }]).await.works();
    let any = || InvocationFilter { limit: 9, ..InvocationFilter::default() };
    let only = |filter| async { list(subject, filter).await.0 };
    assert_eq!(only(any()).await, [id(3), id(2), id(1)]);
    assert_eq!(only(InvocationFilter { function: Some(function("f")), ..any() }).await, [id(3), id(1)]);
    assert_eq!(only(InvocationFilter { function: Some(function("nobody")), ..any() }).await, []);
    for (status, found) in [
        (Status::Queued, vec![id(3)]),
        (Status::Running, vec![]),
        (Status::Succeeded, vec![id(1)]),
        (Status::Failed, vec![]),
        (Status::DeadLettered, vec![id(2)]),
        (Status::Cancelled, vec![]),
    ] {
        assert_eq!(only(InvocationFilter { status: Some(status), ..any() }).await, found, "{status:?}");
    }
    assert_eq!(only(InvocationFilter { since: Some(at(2)), ..any() }).await, [id(3), id(2)]);
    assert_eq!(only(InvocationFilter { until: Some(at(2)), ..any() }).await, [id(1)]);
    assert_eq!(only(InvocationFilter { since: Some(at(2)), until: Some(at(3)), ..any() }).await, [id(2)]);
    let narrow = InvocationFilter { function: Some(function("g")), status: Some(Status::Succeeded), ..any() };
    assert_eq!(only(narrow).await, []);
}

/// A project sees its own only.
pub async fn projects_are_apart(subject: &Subject) {
    deploy(subject, "f").await;
    deploy(subject, "shop:f").await;
    subject.store.submit(vec![new("f", 1), new("shop:f", 2)]).await.works();
    let of =
        |project: &str| InvocationFilter { project: project.parse().works(), limit: 9, ..InvocationFilter::default() };
    assert_eq!(list(subject, of("default")).await.0, [id(1)]);
    assert_eq!(list(subject, of("shop")).await.0, [id(2)]);
    assert_eq!(list(subject, InvocationFilter { function: Some(function("f")), ..of("shop") }).await.0, []);
    assert_eq!(ids(&claim_all(subject, "shop:f").await), [id(2)]);
}

/// How much waits, runs and was given up.
pub async fn queue_depths(subject: &Subject) {
    for name in ["f", "g", "shop:f"] {
        deploy(subject, name).await;
    }
    ended(subject, new("f", 1), Status::DeadLettered).await;
    let received = |new, seconds| NewInvocation { received_at: at(seconds), ..new };
    let submitted = vec![
        received(keyed("f", 2, "a"), 9),
        received(keyed("f", 3, "a"), 2),
        received(new("f", 4), 5),
        received(new("f", 5), 1),
    ];
    subject.store.submit(submitted).await.works();
    subject.store.cancel(id(5), START).await.works();
    let project = ProjectName::default();
    let stats = |name, queued, running, dead_lettered, oldest| QueueStats {
        function: function(name),
        queued,
        running,
        dead_lettered,
        oldest,
    };
    let empty = stats("g", 0, 0, 0, None);
    let queues = subject.store.queues(&project, None).await.works();
    assert_eq!(queues, [stats("f", 3, 0, 1, Some(at(2))), empty.clone()]);
    claim_all(subject, "f").await;
    let queues = subject.store.queues(&project, Some(&function("f"))).await.works();
    assert_eq!(queues, [stats("f", 1, 2, 1, Some(at(2)))]);
    assert_eq!(subject.store.queues(&project, Some(&function("g"))).await.works(), [empty]);
    let nobody = subject.store.queues(&project, Some(&function("nobody"))).await;
    assert!(matches!(nobody, Err(StoreError::NotFound)), "{nobody:?}");
}
