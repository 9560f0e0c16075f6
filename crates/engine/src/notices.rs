//! Notices: events that tell other functions of the project what becomes of a function (`spec.notify`).
//!
//! The end of an execution is told in the transaction that ends it. That workers become ready, or fail to, is told by a
//! submission of its own: before the first call of the revision for the former, once for the latter. A notice is an event
//! like any other. Its body is a JSON object whose members are named as Abaco names them, for every function, so that actors
//! written for Abaco's links understand it: `event_type`, `tenant_id` (the project), `actor_id` (the function), `actor_dbid` (both
//! with `_` between), `event_time_utc` and `event_time_display` (RFC 3339), and of the end of an execution `execution_id`, `status`
//! (`COMPLETE` or `ERROR`) and `exit_code` (null when there is none). Members may be added.
//!
//! Functions that notify each other in a circle would never come to rest: a notice counts those that led to it, and after
//! [`CHAIN_MAX`] there is none.

use std::sync::{Arc, Weak};

use serde_json::{Value, json};
use tidemill_core::{
    Event, FunctionName, FunctionRef, InvocationId, RevisionNumber, Timestamp, TriggerLabel,
    invocation::{Invocation, RunReport, Status},
    ports::{LaunchError, NewInvocation},
    spec::FunctionSpec,
};
use tokio::sync::OnceCell;

use crate::{
    emits::{self, Made},
    shared::Shared,
};

/// Who notices come from.
const CALLER: &str = "Abaco Event";

/// The longest chain of notices, each of the end of an execution that the former one brought about.
const CHAIN_MAX: u32 = 16;
/// Counts the notices that led to an event.
const CHAIN: &str = "tidemill-notices";

/// The trigger of notices. No trigger of a function is of this kind, so that nobody else sets the count.
const KIND: &str = "notice";

/// How many notices led to an event.
fn chain(event: &Event) -> u32 {
    let count = event.header(CHAIN).filter(|_| event.trigger.kind == KIND);
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// Keeps what tells of the chain.
pub(crate) fn keep_chain(event: &Event, kept: &mut Event) {
    kept.trigger.clone_from(&event.trigger);
    kept.headers = event.headers.iter().filter(|(name, _)| name == CHAIN).cloned().collect();
}

/// The notices of an invocation that has ended with `status`.
pub(crate) fn ended(
    shared: &Shared,
    spec: &FunctionSpec,
    invocation: &Invocation,
    status: Status,
    report: Option<&RunReport>,
) -> Vec<NewInvocation> {
    if spec.notify.is_empty() {
        return Vec::new();
    }
    let about = json!({
        "execution_id": invocation.id.to_string(),
        "status": if status == Status::Succeeded { "COMPLETE" } else { "ERROR" },
        "exit_code": report.and_then(|report| report.exit_code),
    });
    let function = &invocation.function;
    let before = chain(&invocation.event);
    if before >= CHAIN_MAX {
        tracing::warn!(%function, "functions notify each other in a circle; no more notices follow");
        return Vec::new();
    }
    let mut notices = made(shared, function, &spec.notify, "EXECUTION_COMPLETE", about, Some(invocation.id));
    for notice in &mut notices {
        notice.event.headers.push((CHAIN.to_owned(), (before + 1).to_string()));
    }
    notices
}

/// The notices of a cancelled invocation that had not begun.
pub(crate) async fn cancelled(shared: &Shared, invocation: &Invocation) {
    let spec = shared.routes.load().function(&invocation.function).map(|function| function.current.load().spec.clone());
    let Some(spec) = spec else { return };
    let notices = ended(shared, &spec, invocation, Status::Cancelled, None);
    if let Err(error) = emits::store(shared, notices).await {
        tracing::warn!(invocation = %invocation.id, %error, "nobody was told that it was cancelled");
    }
}

fn made(
    shared: &Shared,
    function: &FunctionRef,
    notified: &[FunctionName],
    kind: &str,
    about: Value,
    parent: Option<InvocationId>,
) -> Vec<NewInvocation> {
    let now = shared.now();
    let routes = shared.routes.load();
    let notified = notified.iter().filter_map(|name| {
        // One that is not there yet, or no more, is not told.
        routes.function(&FunctionRef::new(function.project.clone(), name.clone()))
    });
    notified
        .map(|target| {
            let id = shared.new_id();
            let event = event(function, kind, &about, id, now);
            Made { id, event, key: None, parent, now, available_at: now }.for_function(target)
        })
        .collect()
}

fn event(function: &FunctionRef, kind: &str, about: &Value, id: InvocationId, now: Timestamp) -> Event {
    let (tenant, actor, time) = (function.project.as_str(), function.name.as_str(), now.to_rfc3339());
    let mut body = json!({
        "event_type": kind,
        "tenant_id": tenant,
        "actor_id": actor,
        "actor_dbid": format!("{tenant}_{actor}"),
        "event_time_utc": time,
        "event_time_display": time,
    });
    if let (Value::Object(body), Value::Object(about)) = (&mut body, about.clone()) {
        body.extend(about);
    }
    Event {
        id: id.to_string(),
        source: format!("/f/{function}"),
        kind: "tidemill.notice".to_owned(),
        subject: function.to_string(),
        time: now,
        caller: CALLER.to_owned(),
        trigger: TriggerLabel { kind: KIND.to_owned(), name: KIND.to_owned() },
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: Vec::new(),
        content_type: "application/json".to_owned(),
        body: body.to_string().into(),
    }
}

/// Tells of the first worker of a revision: that it is ready, or could not be started. Each at most once.
pub(crate) struct Herald {
    /// The pool does not keep the engine alive.
    shared: Weak<Shared>,
    function: FunctionRef,
    revision: RevisionNumber,
    notified: Vec<FunctionName>,
    ready: OnceCell<()>,
    failed: OnceCell<()>,
}

impl Herald {
    pub fn new(shared: &Arc<Shared>, function: &FunctionRef, revision: RevisionNumber, spec: &FunctionSpec) -> Herald {
        Herald {
            shared: Arc::downgrade(shared),
            function: function.clone(),
            revision,
            notified: spec.notify.clone(),
            ready: OnceCell::new(),
            failed: OnceCell::new(),
        }
    }

    /// A worker has become ready, or failed to.
    pub async fn tell<T>(&self, launched: Result<T, &Arc<LaunchError>>) {
        match launched {
            Ok(_) => self.ready.get_or_init(|| self.submit("ACTOR_READY", " ")).await,
            Err(_) if self.ready.initialized() => return,
            Err(error) => self.failed.get_or_init(|| self.submit("ACTOR_ERROR", error.line())).await,
        };
    }

    async fn submit(&self, kind: &str, message: &str) {
        let Some(shared) = self.shared.upgrade() else { return };
        if kind == "ACTOR_READY" {
            crate::pending::settled(&shared, &self.function, self.revision).await;
        }
        let notices = made(&shared, &self.function, &self.notified, kind, json!({ "status_message": message }), None);
        if let Err(error) = emits::store(&shared, notices).await {
            tracing::warn!(function = %self.function, kind, %error, "nobody was told of its workers");
        }
    }
}
