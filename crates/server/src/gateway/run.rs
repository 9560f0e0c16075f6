//! From an event to a response.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header as http_header};
use tidemill_api::{Accepted, AcceptedBatch, header, route};
use tidemill_core::{
    Event, InvocationId, Timestamp,
    invocation::{AttemptOutcome, Invocation, Reply, Status, Timings},
    ports::StoreError,
};
use tidemill_engine::{Called, Target};

use super::{Ask, nuclio_logs};
use crate::{
    net::FREE_BYTES,
    refusal::Refusal,
    reply::{self, Body},
    shared::App,
    shield::Shield,
};

const INVOCATION_ID: HeaderName = HeaderName::from_static(header::INVOCATION_ID);
const REPLAYED: HeaderName = HeaderName::from_static(header::IDEMPOTENCY_REPLAYED);
const NUCLIO_LOGS: HeaderName = HeaderName::from_static(header::NUCLIO_LOGS);
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// Runs one event as `ask` says.
pub(crate) async fn run(
    app: &App,
    target: &Target,
    event: Event,
    ask: Ask,
    received_at: Timestamp,
) -> Result<Response<Body>, Refusal> {
    match ask.wait() {
        None => call(app, target, event, &ask, received_at).await,
        // In a box, so that a call that is not submitted is not as large.
        Some(wait) => Box::pin(submit(app, target, event, ask, received_at, wait)).await,
    }
}

/// Submits one event, and waits so long for its end.
async fn submit(
    app: &App,
    target: &Target,
    event: Event,
    ask: Ask,
    received_at: Timestamp,
    wait: Duration,
) -> Result<Response<Body>, Refusal> {
    let (log_level, timing) = (ask.log_level, ask.timing);
    let (engine, called) = (app.engine.clone(), target.clone());
    let submit = async move { engine.submit(&called, event, ask.options(received_at)).await };
    let receipt = Shield::new(submit, &app.tasks).await?;
    let mut response = if wait.is_zero() {
        accepted(receipt.id, Status::Queued)
    } else {
        let detail = app.wait(receipt.id, wait).await.map_err(|error| Refusal::of_invocation(error, receipt.id))?;
        let invocation = detail.invocation;
        if invocation.status.is_final() {
            let mut response = result(app, &invocation).await?;
            if timing {
                set_timing(response.headers_mut(), &invocation.timings);
            }
            if let Some(level) = log_level {
                set_stored_logs(app, receipt.id, level, response.headers_mut()).await?;
            }
            response
        } else {
            accepted(receipt.id, Status::Queued)
        }
    };
    if receipt.is_duplicate {
        response.headers_mut().insert(REPLAYED, TRUE);
    }
    Ok(response)
}

/// Submits several events in one transaction.
pub(super) async fn run_all(
    app: &App,
    target: &Target,
    events: Vec<Event>,
    ask: Ask,
    received_at: Timestamp,
) -> Result<Response<Body>, Refusal> {
    if ask.idempotency_key().is_some() {
        return Err(Refusal::parameter(header::IDEMPOTENCY_KEY, "a batch has none; give each event its own request"));
    }
    let (engine, target) = (app.engine.clone(), target.clone());
    let submit = async move { engine.submit_all(&target, events, ask.options(received_at)).await };
    let receipts = Shield::new(submit, &app.tasks).await?;
    let invocations = receipts
        .into_iter()
        .map(|receipt| Accepted { id: receipt.id.0, status: Status::Queued.as_str().to_owned() })
        .collect();
    Ok(reply::json(StatusCode::ACCEPTED, &AcceptedBatch { invocations }))
}

/// 202: the event is on disk.
pub(crate) fn accepted(id: InvocationId, status: Status) -> Response<Body> {
    let body = Accepted { id: id.0, status: status.as_str().to_owned() };
    let mut response = reply::json(StatusCode::ACCEPTED, &body);
    if let Ok(location) = HeaderValue::try_from(route::invocation(id)) {
        response.headers_mut().insert(http_header::LOCATION, location);
    }
    set_id(response.headers_mut(), id);
    response
}

async fn call(
    app: &App,
    target: &Target,
    event: Event,
    ask: &Ask,
    received_at: Timestamp,
) -> Result<Response<Body>, Refusal> {
    // The engine itself carries on a call that has begun.
    let Called { id, reply, logs, timings, succeeded: _ } = app.engine.call(target, event, received_at).await?;
    let mut response = reply::of_function(with_room(app, reply)?);
    let headers = response.headers_mut();
    set_id(headers, id);
    if let Some(level) = ask.log_level
        && let Some(value) = nuclio_logs::value(&logs, level)
    {
        headers.insert(NUCLIO_LOGS, value);
    }
    if ask.timing {
        set_timing(headers, &timings);
    }
    Ok(response)
}

/// The stored response of an invocation that has ended. Without one, its reason stands in for it.
pub(crate) async fn result(app: &App, invocation: &Invocation) -> Result<Response<Body>, Refusal> {
    let id = invocation.id;
    let read = async {
        let stored = app.engine.store().reply(id).await.map_err(|error| Refusal::of_invocation(error, id))?;
        Ok(stored.unwrap_or_else(|| Reply {
            status: invocation.response_status.unwrap_or_else(|| status_without_response(invocation)),
            content_type: "text/plain; charset=utf-8".to_owned(),
            headers: Vec::new(),
            body: reason(invocation).into(),
        }))
    };
    let reply = app.stored(read, |reply| &mut reply.body).await?;
    let mut response = reply::of_function(reply);
    set_id(response.headers_mut(), id);
    Ok(response)
}

/// What stands for the body of an invocation without a response. Why a worker did not start is for the function's author: it may
/// have many lines, and the invocation itself has them.
fn reason(invocation: &Invocation) -> String {
    match invocation.outcome {
        Some(AttemptOutcome::LaunchFailed) => format!("no worker of {} could be started", invocation.function),
        _ => invocation.reason.clone(),
    }
}

/// A response on its way to a client that may be slow: its body takes room until it has gone.
fn with_room(app: &App, mut reply: Reply) -> Result<Reply, Refusal> {
    let size = reply.body.len() as u64;
    if size > FREE_BYTES {
        let taken = app.outgoing.try_take(size).ok_or_else(Refusal::no_room)?;
        reply.body = taken.hold(reply.body);
    }
    Ok(reply)
}

/// The status that stands for an invocation without a response.
fn status_without_response(invocation: &Invocation) -> u16 {
    match (invocation.status, invocation.outcome) {
        (Status::Succeeded, _) => 204,
        (Status::Cancelled, _) | (_, Some(AttemptOutcome::Cancelled)) => 409,
        (_, Some(AttemptOutcome::TimedOut)) => 408,
        (_, Some(AttemptOutcome::LaunchFailed)) => 502,
        (_, Some(AttemptOutcome::Interrupted)) => 503,
        (
            _,
            None
            | Some(
                AttemptOutcome::Succeeded
                | AttemptOutcome::Raised
                | AttemptOutcome::Crashed
                | AttemptOutcome::OutOfMemory
                | AttemptOutcome::BadResponse,
            ),
        ) => 500,
    }
}

async fn set_stored_logs(
    app: &App,
    id: InvocationId,
    level: tidemill_core::invocation::LogLevel,
    headers: &mut HeaderMap,
) -> Result<(), StoreError> {
    let filter = tidemill_core::ports::LogFilter { invocation: Some(id), limit: 1000, ..Default::default() };
    let lines: Vec<_> = app.engine.store().logs(filter).await?.into_iter().map(|logged| logged.line).collect();
    if let Some(value) = nuclio_logs::value(&lines, level) {
        headers.insert(NUCLIO_LOGS, value);
    }
    Ok(())
}

fn set_id(headers: &mut HeaderMap, id: InvocationId) {
    let mut buffer = [0u8; uuid::fmt::Hyphenated::LENGTH];
    let text = id.0.as_hyphenated().encode_lower(&mut buffer);
    headers.insert(INVOCATION_ID, HeaderValue::from_str(text).expect("hexadecimal digits and hyphens are allowed"));
}

fn set_timing(headers: &mut HeaderMap, timings: &Timings) {
    let millis = |micros: u64| micros as f64 / 1000.0;
    let text = format!(
        "received;dur={:.3}, queued;dur={:.3}, cold-start;dur={:.3}, user-code;dur={:.3}, transfer;dur={:.3}, commit;dur={:.3}, total;dur={:.3}",
        millis(timings.received_us),
        millis(timings.queued_us),
        millis(timings.cold_start_us),
        millis(timings.user_code_us),
        millis(timings.transfer_us),
        millis(timings.commit_us),
        millis(timings.total_us()),
    );
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(SERVER_TIMING, value);
    }
}
