//! Triggers: what all kinds share, and which are there when none is given.

use std::time::Duration;

use super::{cron::cron, http::http, message::message};
use crate::{
    manifest::{problem::Report, view::View},
    name::TriggerName,
    spec::{Batch, FunctionSpec, Trigger, TriggerKind},
};

/// The name of the trigger that a function has when none is given.
pub(super) const DEFAULT_HTTP: &str = "default-http";

/// Reads `triggers` and adds `default-http` where it belongs.
///
/// Nuclio adds it to every function without an http trigger. Here a function whose only events are of kind `cron` or
/// `message` has no address, unless `disableDefaultHTTPTrigger: false` asks for one.
pub(in crate::manifest) fn triggers(view: &View<'_>, spec: &mut FunctionSpec, report: &mut Report) {
    let all = view.get("triggers");
    let mut has_http = false;
    let mut has_any = false;
    for (name, trigger) in all.members() {
        has_any = true;
        let is_http = trigger.get("kind").text() == Some("http");
        if is_http && has_http {
            report.at(trigger.at(), &trigger, "there's more than one http trigger (unsupported)", None);
        }
        has_http |= is_http;
        if let Some((name, trigger)) = one(name, &trigger, report) {
            spec.triggers.insert(name, trigger);
        }
    }
    let switch = view.get("disableDefaultHTTPTrigger").bool();
    if !has_http && switch.map_or(!has_any, |disabled| !disabled) {
        add_default_http(spec);
    }
}

/// Adds the trigger that a function has when none is given.
pub(super) fn add_default_http(spec: &mut FunctionSpec) {
    let name = DEFAULT_HTTP.parse().expect("it is a name");
    spec.triggers.insert(name, plain(TriggerKind::Http(Box::default())));
}

/// A trigger with nothing but its kind.
pub(super) fn plain(kind: TriggerKind) -> Trigger {
    Trigger { disabled: false, workers: None, worker_availability_timeout: None, batch: None, kind }
}

fn one(key: &str, view: &View<'_>, report: &mut Report) -> Option<(TriggerName, Trigger)> {
    let name =
        key.parse().map_err(|error: crate::name::InvalidName| report.at(view.at(), view, error.to_string(), None)).ok();
    let given = view.get("name");
    if given.text().is_some_and(|given| given != key) {
        report.at(
            given.at(),
            &given,
            format!("the name of a trigger is its key, here {key:?}"),
            Some("leave name out".into()),
        );
    }
    let kind = match view.get("kind").text() {
        Some("http") => TriggerKind::Http(Box::new(http(view, report))),
        Some("cron") => TriggerKind::Cron(Box::new(cron(view, report)?)),
        Some("message") => TriggerKind::Message(message(view, report)?),
        _ => return None,
    };
    if view.get("paths").is_given() && !matches!(kind, TriggerKind::Http(_)) {
        let paths = view.get("paths");
        report.warn(paths.at(), &paths, "has no effect: it belongs to triggers of kind http");
    }
    let wait =
        view.get("workerAvailabilityTimeoutMilliseconds").integer().and_then(|millis| u64::try_from(millis).ok());
    let trigger = Trigger {
        disabled: view.get("disabled").bool().unwrap_or(false),
        workers: view.get_any(&["numWorkers", "maxWorkers"]).unsigned(),
        worker_availability_timeout: wait.map(Duration::from_millis),
        batch: batch(&view.get("batch"), report),
        kind,
    };
    Some((name?, trigger))
}

fn batch(view: &View<'_>, report: &mut Report) -> Option<Batch> {
    if !view.is_given() {
        return None;
    }
    if view.get("mode").text() != Some("enable") {
        if view.get("batchSize").is_given() || view.get("timeout").is_given() {
            report.warn(view.at(), view, "has no effect: its mode is not enable");
        }
        return None;
    }
    let defaults = Batch::default();
    Some(Batch {
        size: view.get("batchSize").unsigned().unwrap_or(defaults.size),
        timeout: view.get("timeout").duration().unwrap_or(defaults.timeout),
    })
}
