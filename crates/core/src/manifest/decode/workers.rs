//! Limits, numbers and times of workers.

use crate::{
    manifest::{problem::Report, view::View},
    spec::FunctionSpec,
};

/// A worker cannot live in less.
pub(super) const MEMORY_BYTES_MIN: u64 = 1 << 20;

/// `resources`, `sandbox`, the replicas, and the timeouts.
pub(in crate::manifest) fn workers(view: &View<'_>, spec: &mut FunctionSpec, report: &mut Report) {
    let limits = view.get("resources").get("limits");
    let memory = limits.get("memory");
    if let Some(bytes) = memory.bytes() {
        if bytes < MEMORY_BYTES_MIN {
            let hint = format!("did you mean {bytes}Mi?");
            report.at(memory.at(), &memory, format!("{bytes} bytes are too few for any worker"), Some(hint));
        }
        spec.resources.memory_bytes = Some(bytes);
    } else if memory.millis().is_some() {
        report.at(memory.at(), &memory, "it is more memory than there can be", None);
    }
    let cpu = limits.get("cpu");
    match cpu.millis().map(u32::try_from) {
        Some(Ok(0) | Err(_)) => report.at(cpu.at(), &cpu, "it is not a number of cores that a machine can have", None),
        Some(Ok(millis)) => spec.resources.cpu_millis = Some(millis),
        None => {}
    }
    spec.sandbox.network = view.get("sandbox").get("network").bool().unwrap_or(false);
    replicas(view, spec, report);
    let timeout = view.get("eventTimeout");
    match timeout.duration() {
        Some(duration) if duration.is_zero() => {
            report.at(
                timeout.at(),
                &timeout,
                "an event needs more time than 0",
                Some("leave it out for no limit".into()),
            );
        }
        given => spec.event_timeout = given,
    }
    if let Some(seconds) = view.get("readinessTimeoutSeconds").unsigned() {
        spec.readiness_timeout = std::time::Duration::from_secs(seconds.into());
    }
    if let Some(duration) = view.get("idleTimeout").duration() {
        spec.idle_timeout = duration;
    }
}

/// Fills in the one of minimum and maximum that is not given, and refuses what cannot be kept.
pub(in crate::manifest) fn replica_bounds(
    min: Option<u32>,
    max: Option<u32>,
) -> Result<(Option<u32>, Option<u32>), &'static str> {
    match (min, max) {
        (None, None) => Ok((None, None)),
        (_, Some(0)) => Err("max replicas must be greater than zero"),
        (Some(0), None) => Err("max replicas must be set when min replicas is zero"),
        (Some(min), Some(max)) if min > max => Err("min replicas must be less than or equal to max replicas"),
        (Some(min), Some(max)) => Ok((Some(min), Some(max))),
        (Some(both), None) | (None, Some(both)) => Ok((Some(both), Some(both))),
    }
}

fn replicas(view: &View<'_>, spec: &mut FunctionSpec, report: &mut Report) {
    let fixed = view.get("replicas");
    let (min, max) = (view.get("minReplicas"), view.get("maxReplicas"));
    let (place, bounds) = match fixed.unsigned() {
        Some(count) => (fixed, replica_bounds(Some(count), Some(count))),
        None => {
            let bounds = replica_bounds(min.unsigned(), max.unsigned());
            (if max.is_given() { max } else { min }, bounds)
        }
    };
    match bounds {
        Ok((min, max)) => (spec.min_replicas, spec.max_replicas) = (min, max),
        Err(message) => report.at(place.at(), &place, message, None),
    }
}
