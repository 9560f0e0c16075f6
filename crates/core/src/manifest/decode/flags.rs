//! Flags over the file.

use std::time::Duration;

use super::{
    bad_variable,
    delivery::call_type,
    set_variable,
    triggers::{add_default_http, plain},
    workers::MEMORY_BYTES_MIN,
};
use crate::{
    manifest::{
        Overrides, keys,
        nearest::nearest,
        problem::{Report, quote},
        quantity,
    },
    name::TriggerName,
    schedule::parse_duration,
    spec::{CallType, CronTrigger, FunctionSpec, MessageSource, MessageTrigger, MissedRuns, TriggerKind},
};

/// The events of Pratai.
const EVENTS: &[&str] = &["webhook", "timer", "message"];
/// The longest time between two events of a timer: a year.
const MINUTES_MAX: u64 = 366 * 24 * 60;

/// Applies the flags, but for those that decide name, project, runtime and handler.
pub(in crate::manifest) fn flags(flags: &Overrides, spec: &mut FunctionSpec, report: &mut Report) {
    if let Some(text) = &flags.description {
        spec.description.clone_from(text);
    }
    for variable in &flags.env {
        match bad_variable(&variable.name, &variable.value) {
            Some(message) => report.general("--env", message, Some("write NAME=VALUE".into())),
            None => set_variable(&mut spec.env, variable.clone()),
        }
    }
    if let Some(text) = &flags.memory {
        match memory(text) {
            Ok(bytes) => spec.resources.memory_bytes = Some(bytes),
            Err(message) => report.general("--memory", message, None),
        }
    }
    if let Some(text) = &flags.timeout {
        match parse_duration(text) {
            Ok(duration) if duration.is_zero() => report.general("--timeout", "an event needs more time than 0", None),
            Ok(duration) => spec.event_timeout = Some(duration),
            Err(message) => {
                let seconds = text.parse::<u32>().ok().map(|seconds| format!("say the unit, as in {seconds}s"));
                report.general("--timeout", message, seconds);
            }
        }
    }
    let mut asked = None;
    if let Some(word) = &flags.call_type {
        match call_type(word) {
            Some(call_type) => asked = Some(call_type),
            None => unknown_word("--type", word, keys::CALL_TYPES, report),
        }
    }
    event(flags, spec, report);
    if asked == Some(CallType::Sync) && matches!(flags.event.as_deref(), Some("timer" | "message")) {
        report.general(
            "--type",
            "only a webhook has a caller who could wait for the response",
            Some("leave --type out".into()),
        );
    }
    spec.call_type = asked.unwrap_or(spec.call_type);
}

/// `128Mi`, `512M`, or as in Pratai a bare number of MiB.
fn memory(text: &str) -> Result<u64, String> {
    let bytes = match text.parse::<u64>() {
        Ok(mebibytes) => {
            mebibytes.checked_mul(1 << 20).ok_or_else(|| format!("{text} MiB are more than there can be"))?
        }
        Err(_) => quantity::parse_bytes(text)?,
    };
    if bytes < MEMORY_BYTES_MIN { Err(format!("{bytes} bytes are too few for any worker")) } else { Ok(bytes) }
}

fn unknown_word(flag: &str, word: &str, words: &'static [&'static str], report: &mut Report) {
    let hint = nearest(word, words.iter().copied()).map(|near| format!("did you mean {near:?}?"));
    report.general(flag, format!("expected one of {}, found {}", words.join(", "), quote(word)), hint);
}

/// `--event` gives the function its one trigger, and those of the file that do not fit it go.
fn event(flags: &Overrides, spec: &mut FunctionSpec, report: &mut Report) {
    let event = flags.event.as_deref();
    for (flag, value, needs) in [
        ("--frequency", &flags.frequency, "timer"),
        ("--subscribe-to", &flags.subscribe_to, "message"),
        ("--topic", &flags.topic, "message"),
    ] {
        if value.is_some() && event != Some(needs) {
            report.general(flag, format!("it belongs to --event {needs}"), Some(format!("add --event {needs}")));
        }
    }
    let (name, kind) = match event {
        None => return,
        Some("webhook") => {
            let dropped = keep(spec, |kind| matches!(kind, TriggerKind::Http(_)));
            if spec.triggers.is_empty() {
                add_default_http(spec);
            }
            return tell(dropped, report);
        }
        Some("timer") => ("timer", timer(flags, report)),
        Some("message") => ("message", message(flags, report)),
        Some(other) => return unknown_word("--event", other, EVENTS, report),
    };
    let dropped = keep(spec, |_| false);
    if let Some(kind) = kind {
        spec.triggers.insert(name.parse().expect("it is a name"), plain(kind));
    }
    tell(dropped, report);
}

fn keep(spec: &mut FunctionSpec, is_kept: impl Fn(&TriggerKind) -> bool) -> Vec<TriggerName> {
    let dropped =
        spec.triggers.iter().filter(|(_, trigger)| !is_kept(&trigger.kind)).map(|(name, _)| name.clone()).collect();
    spec.triggers.retain(|_, trigger| is_kept(&trigger.kind));
    dropped
}

fn tell(dropped: Vec<TriggerName>, report: &mut Report) {
    for name in dropped.iter().filter(|name| name.as_str() != super::triggers::DEFAULT_HTTP) {
        report.warn_general(format!("--event takes the place of the file's trigger {:?}", name.as_str()));
    }
}

fn timer(flags: &Overrides, report: &mut Report) -> Option<TriggerKind> {
    let Some(text) = &flags.frequency else {
        report.general("--event", "a timer needs its frequency", Some("add --frequency MINUTES".into()));
        return None;
    };
    match text.parse::<u64>() {
        Ok(minutes @ 1..=MINUTES_MAX) => Some(TriggerKind::Cron(Box::new(CronTrigger {
            schedule: super::cron::every(Duration::from_secs(minutes * 60)),
            time_zone: None,
            missed: MissedRuns::default(),
            body: String::new(),
            headers: Default::default(),
            path: String::new(),
            method: String::new(),
        }))),
        _ => {
            let hint = "whole minutes, at least 1; for more, use a trigger of kind cron in function.yaml".to_owned();
            report.general("--frequency", format!("{} is not a number of minutes", quote(text)), Some(hint));
            None
        }
    }
}

fn message(flags: &Overrides, report: &mut Report) -> Option<TriggerKind> {
    let source = match (&flags.topic, &flags.subscribe_to) {
        (Some(topic), None) => topic.parse().map(MessageSource::Topic).map_err(|error| ("--topic", error)),
        (None, Some(function)) => {
            function.parse().map(MessageSource::Responses).map_err(|error| ("--subscribe-to", error))
        }
        (given, _) => {
            let message = if given.is_some() {
                "it listens to a topic or to a function, not to both"
            } else {
                "a message needs its source"
            };
            report.general("--event", message, Some("add --topic TOPIC or --subscribe-to FUNCTION".into()));
            return None;
        }
    };
    match source {
        Ok(source) => Some(TriggerKind::Message(MessageTrigger { source })),
        Err((flag, error)) => {
            report.general(flag, error.to_string(), None);
            None
        }
    }
}
