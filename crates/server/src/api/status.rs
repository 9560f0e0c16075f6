//! `GET /v1/status`.

use axum::{Json, extract::State};
use tidemill_api::{DriverStatus, QueueTotals, Status, StoreStatus, WorkerTotals, route};
use tidemill_core::ports::DriverHealth;

use super::{
    Problems,
    extract::{InProject, Params},
    scope::Scope,
};
use crate::{refusal::Refusal, shared::App};

fn driver(health: DriverHealth) -> DriverStatus {
    DriverStatus { name: health.name, ok: health.problem.is_none(), detail: health.detail, problem: health.problem }
}

/// What this server is and how it is doing.
#[utoipa::path(get, path = route::STATUS, tag = "server", operation_id = "status", params(InProject),
    responses(Problems, (status = 200, description = "The status.", body = Status)))]
pub(super) async fn show(State(app): State<App>, scope: Scope, _: Params<InProject>) -> Result<Json<Status>, Refusal> {
    let store = match app.engine.store().check().await {
        Ok(()) => StoreStatus { ok: true, reason: None },
        Err(error) => StoreStatus { ok: false, reason: Some(error.to_string()) },
    };
    // Where requests say who makes them, nobody gets to see how much others do.
    let functions = app.engine.functions(scope.principal().map(|principal| &principal.project));
    let mut workers = WorkerTotals::default();
    for view in &functions {
        workers.ready += u64::from(view.workers.ready);
        workers.starting += u64::from(view.workers.starting);
        workers.busy_slots += u64::from(view.workers.busy_slots);
        workers.waiting += u64::from(view.workers.waiting);
    }
    let mut queues = QueueTotals::default();
    if store.ok {
        for stats in app.engine.store().queues(scope.project(), None).await? {
            queues.queued += stats.queued;
            queues.running += stats.running;
            queues.dead_lettered += stats.dead_lettered;
        }
    }
    let uptime = app.engine.clock().now().since(app.info.started_at.0);
    Ok(Json(Status {
        server: app.info.clone(),
        uptime_seconds: uptime.as_secs(),
        ready: app.is_ready(),
        store,
        drivers: app.engine.driver_health().await.into_iter().map(driver).collect(),
        functions: functions.len() as u64,
        workers,
        queues,
    }))
}
