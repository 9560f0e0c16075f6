//! Durable state, and what does not go with it or with the way events are handed over.

use std::time::Duration;

use crate::{
    manifest::{problem::Report, view::View},
    name::FunctionName,
    spec::{Contract, FunctionSpec, Ordering, Runtime, StateScope},
};

/// `state`, `notify` and `logRetention`.
pub(in crate::manifest) fn state(view: &View<'_>, name: &FunctionName, spec: &mut FunctionSpec, report: &mut Report) {
    spec.state = match view.get("state").text() {
        Some("function") => StateScope::Function,
        Some("key") => StateScope::Key,
        _ => StateScope::None,
    };
    order(view, spec, report);
    for item in view.get("notify").items() {
        let Some(text) = item.text() else { continue };
        match text.parse::<FunctionName>() {
            Ok(told) if told == *name => {
                report.at(
                    item.at(),
                    &item,
                    "a function that is told of its own executions would never come to an end",
                    None,
                );
            }
            Ok(told) if spec.notify.contains(&told) => {}
            Ok(told) => spec.notify.push(told),
            Err(error) => report.at(item.at(), &item, error.to_string(), None),
        }
    }
    let retention = view.get("logRetention");
    match retention.duration() {
        Some(Duration::ZERO) => {
            report.at(retention.at(), &retention, "logs are kept for more time than 0", Some("leave it out".into()));
        }
        given => spec.log_retention = given,
    }
}

/// State by key needs a key; one state for all has one line whatever the keys are.
fn order(view: &View<'_>, spec: &mut FunctionSpec, report: &mut Report) {
    let ordering = view.get("ordering");
    match (spec.state, &spec.ordering) {
        (StateScope::Key, Ordering::None) if ordering.is_given() => {
            let hint = "leave ordering out, or name the header: {key: {header: x-device}}".to_owned();
            report.at(ordering.at(), &ordering, "state: key needs ordering by key", Some(hint));
        }
        (StateScope::Key, Ordering::None) => spec.ordering = Ordering::Key { header: None },
        (StateScope::Function, Ordering::Key { .. }) => {
            report.warn(ordering.at(), &ordering, "has no effect: with state: function all events stand in one line");
        }
        _ => {}
    }
}

/// Refuses batches and state where the way to the worker has no room for them. The runtime is known by now.
pub(in crate::manifest) fn capable(view: &View<'_>, spec: &FunctionSpec, report: &mut Report) {
    let contract = spec.container.as_ref().map(|container| container.contract);
    let (takes_batches, takes_state, what) = match (&spec.runtime, contract) {
        (Runtime::Webhook, _) => (false, false, "a webhook"),
        (Runtime::Image, Some(Contract::Http)) => (false, false, "an HTTP server in a container"),
        (Runtime::Image, Some(Contract::Run)) => (false, true, "a container an execution"),
        _ => (true, true, ""),
    };
    let state = view.get("state");
    if spec.state != StateScope::None && !takes_state {
        let hint = Some("use a language, or the contract run or worker".to_owned());
        report.at(state.at(), &state, format!("{what} has no way to keep state"), hint);
    }
    for (name, _) in spec.triggers.iter().filter(|(_, trigger)| trigger.batch.is_some()) {
        let batch = view.get("triggers").get(name.as_str()).get("batch");
        if spec.state != StateScope::None {
            let message = "a function with state takes one event at a time: a change belongs to one execution";
            report.at(batch.at(), &batch, message, Some("leave batch or state out".into()));
        } else if !takes_batches {
            report.at(batch.at(), &batch, format!("{what} takes one event at a time"), Some("leave it out".into()));
        }
    }
}
