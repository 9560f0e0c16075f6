//! Invoking a function by name, whether or not it has an address.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use bytes::Bytes;
use serde::Deserialize;
use tidemill_api::{Accepted, AcceptedBatch, BatchItem, ErrorCode, route};
use tidemill_core::{Event, Timestamp, TriggerLabel, invocation::Status};
use tidemill_engine::SubmitOptions;
use utoipa::IntoParams;

use super::{
    Problems,
    extract::{InProject, Params, body, json, target},
    scope::Scope,
};
use crate::{
    cloudevents::{self, Arrival},
    gateway::{self, Ask},
    refusal::Refusal,
    reply,
    shared::App,
    shield::Shield,
};

/// The most events in a batch.
const BATCH_MAX: usize = 10_000;

/// How the event looks to the function.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Look {
    /// The project; `default` when absent, or the one that the token is of.
    #[expect(dead_code, reason = "the layer of authorization reads it")]
    project: Option<String>,
    /// The method that the function sees; `POST` when absent.
    method: Option<String>,
    /// The path that the function sees; `/` when absent.
    path: Option<String>,
    /// The query string that the function sees.
    query: Option<String>,
}

/// Invokes a function. The body is the event's body; headers mean what they mean at the function's own address.
#[utoipa::path(post, path = route::INVOKE, tag = "invocations", operation_id = "invoke_function",
    params(("name" = String, Path, description = "The function."), Look),
    request_body(content = String, content_type = "*/*"),
    responses(Problems,
        (status = 200, description = "The function's response; its status is the function's.", body = String, content_type = "*/*"),
        (status = 202, description = "The event is on disk.", body = Accepted)))]
pub(super) async fn invoke(
    State(app): State<App>,
    scope: Scope,
    Params(look): Params<Look>,
    request: Request,
) -> Result<Response, Refusal> {
    let received_at = app.engine.clock().now();
    let target = target(&app, &scope.function())?;
    let spec = target.spec();
    let (parts, content) = request.into_parts();
    let ask = Ask::read(&parts.headers, spec.call_type, &app, received_at)?;
    let limit = spec.http().and_then(|(_, _, http)| http.body_bytes_max).unwrap_or(app.config.body_bytes_max);
    let path = look.path.unwrap_or_else(|| "/".to_owned());
    if !path.starts_with('/') {
        return Err(Refusal::parameter("path", "it must begin with /"));
    }
    let mut event = gateway::envelope(&parts, path, gateway::label(&spec), received_at);
    event.method = look.method.map_or_else(|| "POST".to_owned(), |method| method.to_ascii_uppercase());
    event.query = look.query.unwrap_or_default();
    event.caller = scope.user().to_owned();
    event.body = body(&app, content, limit).await?;
    match cloudevents::understand(event)? {
        Arrival::One(event) => gateway::run(&app, &target, *event, ask, received_at).await.map(reply::into_axum),
        Arrival::Many(_) => {
            Err(Refusal::new(ErrorCode::UnsupportedMediaType, "a batch of CloudEvents cannot be invoked here")
                .hint("POST it to the function's own address with `Prefer: respond-async`, or to a topic"))
        }
    }
}

/// Key and delay: what the events of one transaction have in common.
type Group = (Option<String>, Option<Duration>);

/// Invokes a function many times; all are asynchronous.
///
/// Events with the same key and delay are stored in one transaction. Should a later one fail, the problem document lists
/// those accepted before.
#[utoipa::path(post, path = route::INVOKE_BATCH, tag = "invocations", operation_id = "invoke_function_batch",
    params(("name" = String, Path, description = "The function."), InProject), request_body = Vec<BatchItem>,
    responses(Problems, (status = 202, description = "All are on disk.", body = AcceptedBatch)))]
pub(super) async fn invoke_batch(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
    content: Body,
) -> Result<Response, Refusal> {
    let received_at = app.engine.clock().now();
    let target = target(&app, &scope.function())?;
    let label = gateway::label(&target.spec());
    let items: Vec<BatchItem> = json(&app, content).await?;
    if items.len() > BATCH_MAX {
        let detail = format!("a batch has at most {BATCH_MAX} events, and this one has {}", items.len());
        return Err(Refusal::new(ErrorCode::BodyTooLarge, detail));
    }
    let count = items.len();
    let mut groups: BTreeMap<Group, Vec<(usize, Event)>> = BTreeMap::new();
    for (index, item) in items.into_iter().enumerate() {
        let at = |mut refusal: Refusal| {
            refusal.0.detail = format!("event {index} of the batch: {}", refusal.0.detail);
            refusal
        };
        let delay = item.delay.as_deref().map(|text| gateway::duration("delay", text)).transpose().map_err(at)?;
        let key = item.key.clone();
        let event = Event { caller: scope.user().to_owned(), ..event(item, label.clone(), received_at).map_err(at)? };
        groups.entry((key, delay)).or_default().push((index, event));
    }
    let engine = app.engine.clone();
    let work = async move {
        let mut ids = vec![None; count];
        for ((key, delay), members) in groups {
            let (places, events): (Vec<_>, Vec<_>) = members.into_iter().unzip();
            let options = SubmitOptions {
                idempotency_key: None,
                available_at: delay.map(|delay| received_at + delay),
                key,
                received_at: Some(received_at),
            };
            match engine.submit_all(&target, events, options).await {
                Ok(receipts) => {
                    for (place, receipt) in places.into_iter().zip(receipts) {
                        ids[place] = Some(receipt.id.0);
                    }
                }
                Err(error) => {
                    let mut refusal = Refusal::from(error);
                    refusal.0.accepted = ids.into_iter().flatten().collect();
                    return Err(refusal);
                }
            }
        }
        Ok(ids)
    };
    let ids = Shield::new(work, &app.tasks).await?;
    let status = Status::Queued.as_str();
    let invocations = ids.into_iter().flatten().map(|id| Accepted { id, status: status.to_owned() }).collect();
    Ok(reply::into_axum(reply::json(StatusCode::ACCEPTED, &AcceptedBatch { invocations })))
}

fn event(item: BatchItem, trigger: TriggerLabel, received_at: Timestamp) -> Result<Event, Refusal> {
    let mut headers: Vec<(String, String)> =
        item.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let (body, default_type) = match (item.body, item.json) {
        (Some(_), Some(_)) => return Err(Refusal::parameter("json", "give either body or json, not both")),
        (Some(text), None) => (Bytes::from(text), ""),
        (None, Some(value)) => (Bytes::from(value.to_string()), "application/json"),
        (None, None) => (Bytes::new(), ""),
    };
    let named = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.clone());
    let content_type = item.content_type.or(named).unwrap_or_else(|| default_type.to_owned());
    headers.retain(|(name, _)| name != "content-type" && !gateway::is_own(name));
    if !content_type.is_empty() {
        headers.push(("content-type".to_owned(), content_type.clone()));
    }
    Ok(Event {
        time: received_at,
        trigger,
        method: "POST".to_owned(),
        path: "/".to_owned(),
        headers,
        content_type,
        body,
        ..Event::default()
    })
}
