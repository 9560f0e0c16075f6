//! Logs.

use tidemill_core::{
    invocation::{LogLevel, LogLine, Status},
    ports::{LogFilter, Settlement, StoreError},
};

use super::make::*;

async fn logged(subject: &Subject, name: &str, number: u64, lines: &[&str]) {
    subject.store.submit(vec![new(name, number)]).await.works();
    let invocation = claim_one(subject, name).await;
    let logs = lines.iter().map(|text| line(text)).collect();
    let settlement = Settlement { logs, ..settlement(&invocation, Status::Succeeded, START) };
    subject.store.settle(settlement).await.works();
}

async fn read(subject: &Subject, filter: LogFilter) -> Vec<String> {
    let lines = subject.store.logs(filter).await.works();
    assert!(lines.is_sorted_by(|a, b| a.position < b.position));
    lines.into_iter().map(|line| line.line.message).collect()
}

/// Lines of a function, of an invocation, of all.
pub async fn by_function_and_invocation(subject: &Subject) {
    deploy(subject, "f").await;
    deploy(subject, "g").await;
    logged(subject, "f", 1, &["a", "b"]).await;
    logged(subject, "g", 2, &["c"]).await;
    logged(subject, "f", 3, &["d"]).await;
    let any = || LogFilter { limit: 9, ..LogFilter::default() };
    assert_eq!(read(subject, any()).await, ["a", "b", "c", "d"]);
    assert_eq!(read(subject, LogFilter { function: Some(function("f")), ..any() }).await, ["a", "b", "d"]);
    assert_eq!(read(subject, LogFilter { invocation: Some(id(2)), ..any() }).await, ["c"]);
    let both = LogFilter { function: Some(function("f")), invocation: Some(id(2)), ..any() };
    assert_eq!(read(subject, both).await, Vec::<String>::new());
    assert_eq!(read(subject, LogFilter { function: Some(function("nobody")), ..any() }).await, Vec::<String>::new());
    let first = &subject.store.logs(any()).await.works()[0];
    assert_eq!((first.function.clone(), first.invocation, first.attempt), (function("f"), id(1), 1));
}

/// The last lines, then those that follow.
pub async fn last_and_next(subject: &Subject) {
    deploy(subject, "f").await;
    logged(subject, "f", 1, &["a", "b", "c"]).await;
    let last = LogFilter { function: Some(function("f")), limit: 2, ..LogFilter::default() };
    assert_eq!(read(subject, last.clone()).await, ["b", "c"]);
    let position = subject.store.logs(last.clone()).await.works()[1].position;
    let next = LogFilter { after: Some(position), ..last };
    assert_eq!(read(subject, next.clone()).await, Vec::<String>::new());
    logged(subject, "f", 2, &["d", "e", "f"]).await;
    assert_eq!(read(subject, next.clone()).await, ["d", "e"]);
    assert_eq!(read(subject, LogFilter { after: Some(position + 2), ..next.clone() }).await, ["f"]);
    // Positions are not used again, not even those of deleted lines.
    subject.store.delete_function(&function("f")).await.works();
    deploy(subject, "f").await;
    logged(subject, "f", 3, &["g"]).await;
    assert_eq!(read(subject, LogFilter { after: Some(position + 3), ..next }).await, ["g"]);
}

/// Level, time and fields come back.
pub async fn fields_come_back(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let invocation = claim_one(subject, "f").await;
    let fields = serde_json::from_str(r#"{"size": 128, "names": ["a", null]}"#).works();
    let lines = vec![
        LogLine { time: at(1), level: LogLevel::Error, message: "naïve\nline".into(), fields: Some(fields) },
        LogLine { time: at(2), level: LogLevel::Debug, message: String::new(), fields: None },
    ];
    let settlement = Settlement { logs: lines.clone(), ..settlement(&invocation, Status::Succeeded, START) };
    subject.store.settle(settlement).await.works();
    let found = subject.store.logs(LogFilter { limit: 9, ..LogFilter::default() }).await.works();
    assert_eq!(found.into_iter().map(|line| line.line).collect::<Vec<_>>(), lines);
}

async fn messages(subject: &Subject) -> Vec<String> {
    read(subject, LogFilter { limit: 99, ..LogFilter::default() }).await
}

/// Those of a function's invocations that ended before a time go, and nothing else.
pub async fn old_ones_are_forgotten(subject: &Subject) {
    deploy(subject, "f").await;
    deploy(subject, "g").await;
    logged(subject, "f", 1, &["a", "b"]).await;
    logged(subject, "f", 2, &[]).await;
    logged(subject, "g", 3, &["c"]).await;
    let later = subject.clock.advance(5);
    logged(subject, "f", 4, &["d"]).await;
    let f = function("f");
    assert_eq!(subject.store.forget_logs(&f, START, 9).await.works(), 0);
    // One without logs does not count.
    assert_eq!(subject.store.forget_logs(&f, later, 9).await.works(), 1);
    assert_eq!(messages(subject).await, ["c", "d"]);
    assert_eq!(subject.store.forget_logs(&f, later, 9).await.works(), 0);
    assert_eq!(stored(subject, id(1)).await.status, Status::Succeeded);
    assert_eq!(subject.store.reply(id(1)).await.works(), Some(reply(200, "done")));
    let refused = subject.store.forget_logs(&function("nobody"), later, 9).await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
}

/// At most those of so many invocations at once, the oldest lines first.
pub async fn a_few_are_forgotten_at_a_time(subject: &Subject) {
    deploy(subject, "f").await;
    for (number, lines) in [(1, ["a", "b"]), (2, ["c", "d"]), (3, ["e", "f"])] {
        logged(subject, "f", number, &lines).await;
    }
    let f = function("f");
    assert_eq!(subject.store.forget_logs(&f, at(1), 0).await.works(), 0);
    assert_eq!(subject.store.forget_logs(&f, at(1), 2).await.works(), 2);
    assert_eq!(messages(subject).await, ["e", "f"]);
    assert_eq!(subject.store.forget_logs(&f, at(1), 2).await.works(), 1);
    assert!(messages(subject).await.is_empty());
}

/// What waits for its next attempt, or runs again, keeps the logs of earlier attempts.
pub async fn unfinished_keep_their_logs(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let invocation = claim_one(subject, "f").await;
    let failed = Settlement { logs: vec![line("a")], ..settlement(&invocation, Status::Queued, START) };
    subject.store.settle(failed).await.works();
    logged(subject, "f", 1, &[]).await;
    subject.store.retry(id(1), START).await.works();
    claim_one(subject, "f").await;
    assert_eq!(subject.store.forget_logs(&function("f"), at(9), 9).await.works(), 0);
    assert_eq!(messages(subject).await, ["a"]);
}
