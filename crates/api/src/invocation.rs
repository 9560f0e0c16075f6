//! Invocations, attempts, and where their time went.

use serde::{Deserialize, Serialize};
use tidemill_core::{event::Event, invocation as core, ports};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Time;

/// An event that is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// The invocation.
    pub id: Uuid,
    /// Where it stands, as in `queued`.
    pub status: String,
}

/// Events that are on disk, in the order they were given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AcceptedBatch {
    /// The invocations.
    pub invocations: Vec<Accepted>,
}

/// One event of a batch. At most one of `body` and `json` is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BatchItem {
    /// The body, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body, as JSON; the content type is `application/json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<serde_json::Value>,
    /// Headers.
    pub headers: std::collections::BTreeMap<String, String>,
    /// The media type of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Runs one after the other with others of this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Not before this duration has passed, as in `90s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<String>,
}

/// Where the time of an invocation went. The parts add up to the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Timings {
    /// From the arrival of the request until the event was complete, understood and routed.
    pub received_us: u64,
    /// Waiting for a free worker, for its turn, or for its next attempt.
    pub queued_us: u64,
    /// Waiting for a worker to start.
    pub cold_start_us: u64,
    /// Inside the user's code.
    pub user_code_us: u64,
    /// To the worker and back.
    pub transfer_us: u64,
    /// Making event and result durable.
    pub commit_us: u64,
    /// The sum.
    pub total_us: u64,
}

impl From<core::Timings> for Timings {
    fn from(timings: core::Timings) -> Timings {
        Timings {
            received_us: timings.received_us,
            queued_us: timings.queued_us,
            cold_start_us: timings.cold_start_us,
            user_code_us: timings.user_code_us,
            transfer_us: timings.transfer_us,
            commit_us: timings.commit_us,
            total_us: timings.total_us(),
        }
    }
}

/// The envelope of an event. Members that are empty are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Envelope {
    /// CloudEvents `id`.
    pub id: String,
    /// CloudEvents `source`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// CloudEvents `type`.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// CloudEvents `subject`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// When it happened.
    pub time: Time,
    /// The kind of trigger that brought it.
    pub trigger_kind: String,
    /// The name of the trigger that brought it.
    pub trigger_name: String,
    /// The HTTP method.
    pub method: String,
    /// The path below the function's own address.
    pub path: String,
    /// The query string.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// Headers, as pairs of name and value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The media type of the body.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub content_type: String,
    /// Who sent it, on a server that knows.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub caller: String,
}

impl From<&Event> for Envelope {
    fn from(event: &Event) -> Envelope {
        Envelope {
            id: event.id.clone(),
            source: event.source.clone(),
            kind: event.kind.clone(),
            subject: event.subject.clone(),
            time: event.time.into(),
            trigger_kind: event.trigger.kind.clone(),
            trigger_name: event.trigger.name.clone(),
            method: event.method.clone(),
            path: event.path.clone(),
            query: event.query.clone(),
            headers: event.headers.clone(),
            content_type: event.content_type.clone(),
            caller: event.caller.clone(),
        }
    }
}

/// One logical call of a function for an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Invocation {
    /// Its id.
    pub id: Uuid,
    /// The project.
    pub project: String,
    /// The function.
    pub function: String,
    /// `queued`, `running`, `succeeded`, `failed`, `dead_lettered` or `cancelled`.
    pub status: String,
    /// The event without its body.
    pub event: Envelope,
    /// Bytes in the event's body.
    pub event_size: u64,
    /// Invocations of one key run one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The invocation whose response this event is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Uuid>,
    /// Attempts begun so far.
    pub attempts: u32,
    /// Attempts failed so far.
    pub failures: u32,
    /// Attempts interrupted so far.
    pub interruptions: u32,
    /// When the event arrived.
    pub received_at: Time,
    /// When its next attempt may begin.
    pub available_at: Time,
    /// When its newest attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// How its newest attempt ended, as in `raised` or `timed_out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Why it did not succeed, in one line. Empty when it did or has not ended.
    pub reason: String,
    /// The HTTP status of the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_status: Option<u16>,
    /// Where the time went; complete when it has ended.
    pub timings: Timings,
}

impl From<&core::Invocation> for Invocation {
    fn from(invocation: &core::Invocation) -> Invocation {
        Invocation {
            id: invocation.id.0,
            project: invocation.function.project.to_string(),
            function: invocation.function.name.to_string(),
            status: invocation.status.as_str().to_owned(),
            event: (&invocation.event).into(),
            event_size: invocation.event_size,
            key: invocation.key.clone(),
            idempotency_key: invocation.idempotency_key.clone(),
            parent: invocation.parent.map(|id| id.0),
            attempts: invocation.attempts,
            failures: invocation.failures,
            interruptions: invocation.interruptions,
            received_at: invocation.received_at.into(),
            available_at: invocation.available_at.into(),
            started_at: invocation.started_at.map(Time),
            finished_at: invocation.finished_at.map(Time),
            outcome: invocation.outcome.map(|outcome| outcome.as_str().to_owned()),
            reason: invocation.reason.clone(),
            response_status: invocation.response_status,
            timings: invocation.timings.into(),
        }
    }
}

/// One try of an invocation that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// The revision that ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// The worker that ran it.
    pub worker: String,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub finished_at: Time,
    /// How it ended.
    pub outcome: String,
    /// Why it did not succeed, in one line.
    pub reason: String,
    /// What it used and how its process or container ended, where the driver can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<RunReport>,
}

/// What an attempt used and how its process or container ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunReport {
    /// The exit code, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// CPU time, in microseconds.
    pub cpu_us: u64,
    /// Bytes received from the network and read from disks.
    pub io_bytes: u64,
    /// The most memory seen, in bytes.
    pub memory_bytes_max: u64,
    /// Run time as the driver measured it, in microseconds.
    pub run_us: u64,
    /// The container engine's own description of the end.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub final_state: serde_json::Value,
}

impl From<&core::RunReport> for RunReport {
    fn from(report: &core::RunReport) -> RunReport {
        RunReport {
            exit_code: report.exit_code,
            cpu_us: report.cpu_ns / 1000,
            io_bytes: report.io_bytes,
            memory_bytes_max: report.memory_bytes_max,
            run_us: report.run_us,
            final_state: report.final_state.clone(),
        }
    }
}

impl From<&core::Attempt> for Attempt {
    fn from(attempt: &core::Attempt) -> Attempt {
        Attempt {
            number: attempt.number,
            revision: attempt.revision.map(|revision| revision.0),
            worker: attempt.worker.clone(),
            started_at: attempt.started_at.into(),
            finished_at: attempt.finished_at.into(),
            outcome: attempt.outcome.as_str().to_owned(),
            reason: attempt.reason.clone(),
            report: attempt.report.as_ref().map(RunReport::from),
        }
    }
}

/// An invocation with its attempts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InvocationDetail {
    /// The invocation.
    #[serde(flatten)]
    pub invocation: Invocation,
    /// Its ended attempts, in order.
    pub attempt_list: Vec<Attempt>,
}

impl From<&ports::InvocationDetail> for InvocationDetail {
    fn from(detail: &ports::InvocationDetail) -> InvocationDetail {
        InvocationDetail {
            invocation: (&detail.invocation).into(),
            attempt_list: detail.attempts.iter().map(Attempt::from).collect(),
        }
    }
}

/// One page of invocations, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InvocationPage {
    /// The page.
    pub invocations: Vec<Invocation>,
    /// Give this as `before` to get the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

/// What became of a cancel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cancelled {
    /// The invocation.
    pub id: Uuid,
    /// `cancelled`: it is. `requested`: it runs and is being ended.
    pub result: String,
}

/// How many invocations something was done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Count {
    /// The number.
    pub count: u64,
}
