//! What executions used.

use serde_json::json;
use tidemill_core::{
    invocation::{RunReport, Status},
    ports::{Retention, Settlement, StoreError, Usage},
};

use super::{history::call, make::*};

fn report(cpu_ns: u64, io_bytes: u64, run_us: u64) -> RunReport {
    RunReport { exit_code: Some(0), cpu_ns, io_bytes, memory_bytes_max: 4096, run_us, final_state: json!(null) }
}

/// Ends a new one with a report.
async fn run(subject: &Subject, name: &str, number: u64, report: Option<RunReport>) {
    subject.store.submit(vec![new(name, number)]).await.works();
    let invocation = claim_one(subject, name).await;
    let mut settlement = settlement(&invocation, Status::Succeeded, START);
    settlement.attempt.report = report;
    subject.store.settle(settlement).await.works();
}

async fn usage(subject: &Subject, name: &str) -> Usage {
    subject.store.usage(&function(name)).await.works()
}

/// What an attempt reports comes back as it was, or as none.
pub async fn reports_come_back(subject: &Subject) {
    deploy(subject, "f").await;
    let full = RunReport {
        exit_code: Some(-1),
        cpu_ns: 5_000_000_000,
        io_bytes: 1 << 40,
        memory_bytes_max: 1 << 33,
        run_us: 12,
        final_state: json!({"Status": "exited", "ExitCode": 3, "Error": "", "OOMKilled": false}),
    };
    let reports = [None, Some(RunReport::default()), Some(full.clone())];
    for (number, report) in (1..).zip(&reports) {
        run(subject, "f", number, report.clone()).await;
        let detail = subject.store.invocation(id(number)).await.works();
        assert_eq!(detail.attempts[0].report, *report);
    }
    let mut record = call("f", 9);
    record.attempt.report = Some(full);
    subject.store.record(vec![record.clone()]).await.works();
    assert_eq!(subject.store.invocation(id(9)).await.works().attempts, [record.attempt]);
}

/// An attempt that was lost reports nothing.
pub async fn interrupted_ones_report_nothing(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    claim_one(subject, "f").await;
    subject.store.expire(at(31), None, 100).await.works();
    let detail = subject.store.invocation(id(1)).await.works();
    assert_eq!((detail.attempts.len(), detail.attempts[0].report.clone()), (1, None));
    assert_eq!(usage(subject, "f").await, Usage { executions: 1, ..Usage::default() });
}

/// All attempts of all kept executions of the function, those of synchronous calls too.
pub async fn attempts_add_up(subject: &Subject) {
    deploy(subject, "f").await;
    deploy(subject, "g").await;
    assert_eq!(usage(subject, "f").await, Usage::default());
    assert!(matches!(subject.store.usage(&function("nobody")).await, Err(StoreError::NotFound)));
    run(subject, "g", 1, Some(report(1000, 1000, 1000))).await;
    run(subject, "f", 2, Some(report(1, 10, 100))).await;
    run(subject, "f", 3, None).await;
    let mut record = call("f", 4);
    record.attempt.report = Some(report(2, 20, 200));
    subject.store.record(vec![record]).await.works();
    // Twice: a failed attempt and the next one.
    subject.store.submit(vec![new("f", 5)]).await.works();
    for status in [Status::Queued, Status::Succeeded] {
        let invocation = claim_one(subject, "f").await;
        let mut settlement = settlement(&invocation, status, START);
        settlement.attempt.report = Some(report(4, 40, 400));
        subject.store.settle(settlement).await.works();
    }
    // One that waits counts as kept.
    subject.store.submit(vec![new("f", 6)]).await.works();
    assert_eq!(usage(subject, "f").await, Usage { executions: 5, cpu_ns: 11, io_bytes: 110, run_us: 1100 });
    assert_eq!(usage(subject, "g").await, Usage { executions: 1, cpu_ns: 1000, io_bytes: 1000, run_us: 1000 });
}

/// What is forgotten does not count.
pub async fn forgotten_ones_do_not_count(subject: &Subject) {
    deploy(subject, "f").await;
    run(subject, "f", 1, Some(report(1, 10, 100))).await;
    run(subject, "f", 2, Some(report(2, 20, 200))).await;
    let one = Retention { finished_before: at(9), dead_lettered_before: at(9), limit: 1 };
    subject.store.prune(one).await.works();
    assert_eq!(usage(subject, "f").await, Usage { executions: 1, cpu_ns: 2, io_bytes: 20, run_us: 200 });
}

/// Settling an attempt with what it used changes nothing else.
pub async fn results_and_reports_go_together(subject: &Subject) {
    deploy(subject, "f").await;
    subject.store.submit(vec![new("f", 1)]).await.works();
    let invocation = claim_one(subject, "f").await;
    let mut settlement = settlement(&invocation, Status::Succeeded, START);
    settlement.attempt.report = Some(report(1, 2, 3));
    let settlement = Settlement {
        state: Some("{}".into()),
        results: vec!["r".into()],
        emits: vec![new("f", 2)],
        logs: vec![line("a")],
        ..settlement
    };
    subject.store.settle(settlement.clone()).await.works();
    let detail = subject.store.invocation(id(1)).await.works();
    assert_eq!((detail.invocation.status, detail.attempts), (Status::Succeeded, vec![settlement.attempt]));
    assert_eq!(subject.store.reply(id(1)).await.works(), settlement.reply);
    assert_eq!(subject.store.state(&function("f"), "").await.works().works().value, "{}");
    assert_eq!(subject.store.take_result(id(1)).await.works().works(), "r");
    assert_eq!(ids(&claim_all(subject, "f").await), [id(2)]);
}
