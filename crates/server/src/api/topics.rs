//! Topics and schedules.

use axum::{
    Json,
    extract::{Path, Request, State},
    http::StatusCode,
};
use tidemill_api::{Published, Schedule, ScheduleList, Topic, TopicList, route};
use tidemill_core::{
    TopicName, TriggerLabel,
    access::{Level, Object, ObjectKind},
    spec::TriggerKind,
};

use super::{
    Problems,
    extract::{InProject, Params, body},
    scope::Scope,
};
use crate::{
    cloudevents::{self, Arrival},
    gateway,
    refusal::Refusal,
    shared::App,
    shield::Shield,
};

/// Topics and who listens to them.
#[utoipa::path(get, path = route::TOPICS, tag = "topics", operation_id = "list_topics", params(InProject),
    responses(Problems, (status = 200, description = "The topics.", body = TopicList)))]
pub(super) async fn list(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
) -> Result<Json<TopicList>, Refusal> {
    let readable = scope.readable(&app, ObjectKind::Function).await?;
    let topics = app.engine.topics(scope.project());
    let topics = topics
        .into_iter()
        .map(|view| Topic {
            topic: view.topic.to_string(),
            subscribers: view
                .subscribers
                .iter()
                .map(|function| function.name.to_string())
                .filter(|name| readable.has(name))
                .collect(),
        })
        .filter(|topic: &Topic| !topic.subscribers.is_empty())
        .collect();
    Ok(Json(TopicList { topics }))
}

/// Publishing to a topic is executing each function that listens.
async fn may_publish(app: &App, scope: &Scope, topic: &TopicName) -> Result<(), Refusal> {
    if scope.principal().is_none() {
        return Ok(());
    }
    let topics = app.engine.topics(scope.project());
    for function in topics.iter().filter(|view| view.topic == *topic).flat_map(|view| &view.subscribers) {
        scope.require(app, &Object::function(function), Level::Execute).await?;
    }
    Ok(())
}

/// Publishes an event, or a batch of CloudEvents, to a topic.
#[utoipa::path(post, path = route::TOPIC_EVENTS, tag = "topics", operation_id = "publish_events",
    params(("topic" = String, Path, description = "The topic."), InProject),
    request_body(content = String, content_type = "*/*"),
    responses(Problems,
        (status = 200, description = "Nobody listens, so nothing was stored.", body = Published),
        (status = 202, description = "The events are on disk for every subscriber.", body = Published)))]
pub(super) async fn publish(
    State(app): State<App>,
    scope: Scope,
    Path(topic): Path<String>,
    _: Params<InProject>,
    request: Request,
) -> Result<(StatusCode, Json<Published>), Refusal> {
    let received_at = app.engine.clock().now();
    let project = scope.project().clone();
    let topic: TopicName = topic.parse()?;
    may_publish(&app, &scope, &topic).await?;
    let (parts, content) = request.into_parts();
    let label = TriggerLabel { kind: "message".to_owned(), name: topic.to_string() };
    let mut event = gateway::envelope(&parts, "/".to_owned(), label, received_at);
    event.query = String::new();
    event.caller = scope.user().to_owned();
    event.body = body(&app, content, app.config.body_bytes_max).await?;
    let events = match cloudevents::understand(event)? {
        Arrival::One(event) => vec![*event],
        Arrival::Many(events) => events,
    };
    let engine = app.engine.clone();
    let work = async move { engine.publish(&project, &topic, events, received_at).await };
    let ids = Shield::new(work, &app.tasks).await?;
    let status = if ids.is_empty() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(Published { invocations: ids.into_iter().map(|id| id.0).collect() })))
}

/// Schedules, the next run first.
#[utoipa::path(get, path = route::SCHEDULES, tag = "topics", operation_id = "list_schedules", params(InProject),
    responses(Problems, (status = 200, description = "The schedules.", body = ScheduleList)))]
pub(super) async fn schedules(
    State(app): State<App>,
    scope: Scope,
    _: Params<InProject>,
) -> Result<Json<ScheduleList>, Refusal> {
    let readable = scope.readable(&app, ObjectKind::Function).await?;
    let mut schedules = Vec::new();
    for record in app.engine.store().schedules().await? {
        if record.function.project != *scope.project() || !readable.has(record.function.name.as_str()) {
            continue;
        }
        let spec = app.engine.target(&record.function).map(|target| target.spec());
        let kind = spec.as_ref().and_then(|spec| spec.triggers.get(&record.trigger)).map(|trigger| &trigger.kind);
        let (schedule, time_zone) = match kind {
            Some(TriggerKind::Cron(cron)) => (cron.schedule.clone(), cron.time_zone.clone()),
            Some(TriggerKind::Http(_) | TriggerKind::Message(_)) | None => (String::new(), None),
        };
        schedules.push(Schedule {
            project: record.function.project.to_string(),
            function: record.function.name.to_string(),
            trigger: record.trigger.to_string(),
            schedule,
            time_zone: time_zone.unwrap_or_else(|| "UTC".to_owned()),
            next_at: record.next_at.into(),
            last_at: record.last_at.map(Into::into),
        });
    }
    Ok(Json(ScheduleList { schedules }))
}
