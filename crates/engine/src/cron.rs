//! Cron triggers: the next run of each lies in the store, so that a restart forgets none and a run takes place once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tidemill_core::{
    Event, FunctionRef, Timestamp, TriggerLabel, TriggerName,
    ports::{Fire, NewInvocation, ScheduleRecord, StoreError, Submitted},
    schedule::Schedule,
    spec::{CronTrigger, FunctionSpec, TriggerKind},
};

use crate::{function::Function, routes::is_paused, shared::Shared};

/// The loop looks at the schedules at least this often.
const LOOK: Duration = Duration::from_secs(30);
/// A schedule without a next run is looked at again after this.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The schedules that a spec asks for, each with its first run when they are set up `now`.
fn schedules(function: &FunctionRef, spec: &FunctionSpec, now: Timestamp) -> Vec<ScheduleRecord> {
    let mut schedules = Vec::new();
    for (name, trigger) in &spec.triggers {
        let TriggerKind::Cron(cron) = &trigger.kind else { continue };
        // The manifest has checked the schedule.
        let Ok(schedule) = Schedule::parse(&cron.schedule, cron.time_zone.as_deref()) else { continue };
        if trigger.disabled {
            continue;
        }
        schedules.push(ScheduleRecord {
            function: function.clone(),
            trigger: name.clone(),
            fingerprint: format!("{} {}", cron.schedule, cron.time_zone.as_deref().unwrap_or("UTC")),
            next_at: schedule.first(now).unwrap_or(now + NEVER),
            last_at: None,
        });
    }
    schedules
}

/// Stores the schedules that a spec asks for. Those that have not changed keep their next run.
pub(crate) async fn put_schedules(
    shared: &Shared,
    function: &FunctionRef,
    spec: &FunctionSpec,
) -> Result<(), StoreError> {
    let schedules = schedules(function, spec, shared.now());
    shared.ports.store.put_schedules(function, schedules).await?;
    shared.cron_alarm.at(shared.now());
    Ok(())
}

/// Makes the stored schedules those of the active revisions: a former life may have ended between the two.
pub(crate) async fn reconcile(
    shared: &Shared,
    functions: &BTreeMap<FunctionRef, Arc<Function>>,
) -> Result<(), StoreError> {
    let mut stored: BTreeMap<FunctionRef, BTreeSet<(TriggerName, String)>> = BTreeMap::new();
    for record in shared.ports.store.schedules().await? {
        stored.entry(record.function).or_default().insert((record.trigger, record.fingerprint));
    }
    for (reference, function) in functions {
        let spec = function.current.load().spec.clone();
        let asked = schedules(reference, &spec, shared.now());
        let asked: BTreeSet<_> = asked.into_iter().map(|record| (record.trigger, record.fingerprint)).collect();
        if stored.remove(reference).unwrap_or_default() != asked {
            put_schedules(shared, reference, &spec).await?;
        }
    }
    Ok(())
}

/// Works until the engine stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let wait = tick(&shared).await;
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            () = shared.cron_alarm.rings(shared.ports.clock.as_ref(), wait) => {}
        }
    }
}

/// Starts the runs that are due. Returns the time until the next one.
async fn tick(shared: &Arc<Shared>) -> Duration {
    let schedules = match shared.ports.store.schedules().await {
        Ok(schedules) => schedules,
        Err(error) => {
            tracing::warn!(%error, "the schedules cannot be read yet");
            return Duration::from_secs(1);
        }
    };
    let mut next: Option<Timestamp> = None;
    for schedule in schedules {
        let now = shared.now();
        let at = if schedule.next_at <= now { fire(shared, &schedule, now).await } else { Some(schedule.next_at) };
        next = match (next, at) {
            (Some(earlier), Some(at)) => Some(earlier.min(at)),
            (earlier, at) => earlier.or(at),
        };
    }
    next.map_or(LOOK, |at| at.since(shared.now()).min(LOOK))
}

/// Starts what a due schedule asks for. Returns its next run.
async fn fire(shared: &Arc<Shared>, record: &ScheduleRecord, now: Timestamp) -> Option<Timestamp> {
    let function = shared.routes.load().function(&record.function).cloned()?;
    let spec = function.current.load().spec.clone();
    let TriggerKind::Cron(cron) = &spec.triggers.get(&record.trigger)?.kind else { return None };
    let schedule = Schedule::parse(&cron.schedule, cron.time_zone.as_deref()).ok()?;
    let (mut runs, next) = schedule.decide(record.next_at, now, cron.missed);
    if is_paused(&function) {
        // A paused function misses its runs: nobody wants a week of reports at once.
        runs.clear();
    }
    let next_at = next.unwrap_or(now + NEVER);
    let invocations: Vec<_> =
        runs.into_iter().map(|due| invocation(shared, &function, &record.trigger, cron, due, now)).collect();
    let fire = Fire {
        function: record.function.clone(),
        trigger: record.trigger.clone(),
        expected: record.next_at,
        next_at,
        invocations,
    };
    match shared.ports.store.fire(fire).await {
        Ok(Some(submitted)) => {
            let accepted = submitted.iter().filter(|one| matches!(one, Submitted::Accepted(_))).count();
            function.add_queued(accepted as u64);
            function.nudge();
            Some(next_at)
        }
        Ok(None) | Err(StoreError::NotFound) => None,
        Err(error) => {
            tracing::warn!(function = %record.function, trigger = %record.trigger, %error, "a run cannot be started yet");
            Some(now + Duration::from_secs(1))
        }
    }
}

fn invocation(
    shared: &Shared,
    function: &Function,
    trigger: &TriggerName,
    cron: &CronTrigger,
    due: Timestamp,
    now: Timestamp,
) -> NewInvocation {
    let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
    let id = shared.new_id();
    let event = Event {
        id: id.to_string(),
        source: format!("/f/{}/triggers/{trigger}", function.reference),
        kind: "tidemill.cron".to_owned(),
        subject: String::new(),
        time: due,
        caller: "cron".to_owned(),
        trigger: TriggerLabel { kind: "cron".to_owned(), name: trigger.to_string() },
        method: or(&cron.method, "POST"),
        path: or(&cron.path, "/"),
        query: String::new(),
        headers: cron.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect(),
        content_type: cron
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .map(|(_, value)| value.clone())
            .unwrap_or_default(),
        body: Bytes::from(cron.body.clone()),
    };
    let key = function.current.load().spec.line(&event);
    NewInvocation {
        id,
        function: function.reference.clone(),
        event,
        key,
        idempotency_key: None,
        parent: None,
        received_at: now,
        available_at: now,
        received_us: 0,
        lease: None,
    }
}
