//! From a checked document to settings: one module a part. Each reports what a single value cannot show by itself.

mod container;
mod cron;
mod delivery;
mod flags;
mod http;
mod message;
mod runtime;
mod state;
mod triggers;
mod workers;

pub(super) use container::{DOCKERFILE, container, fit};
pub(super) use delivery::delivery;
pub(super) use flags::flags;
pub(super) use message::subscriptions;
pub(super) use runtime::of_runtime;
pub(super) use state::{capable, state};
pub(super) use triggers::triggers;
pub(super) use workers::workers;

use super::{problem::Report, view::View};
use crate::spec::{Build, EnvVar, FunctionSpec};

/// Free text, variables, build steps.
pub(super) fn basics(metadata: &View<'_>, view: &View<'_>, spec: &mut FunctionSpec, report: &mut Report) {
    spec.description = view.get("description").text().unwrap_or_default().to_owned();
    spec.labels = texts(&metadata.get("labels"));
    spec.disable = view.get("disable").bool().unwrap_or(false);
    for item in view.get("env").items() {
        let name = item.get("name");
        let Some(text) = name.text() else { continue };
        let value = item.get("value");
        if let Some(message) = bad_variable(text, value.text().unwrap_or_default()) {
            report.at(name.at(), &name, message, None);
        } else if value.is_given() || !item.get("valueFrom").is_given() {
            let value = value.text().unwrap_or_default().to_owned();
            set_variable(&mut spec.env, EnvVar { name: text.to_owned(), value });
        }
    }
    let build = view.get("build");
    spec.build = Build {
        commands: build.get("commands").texts(),
        requirements: build.get("requirements").texts(),
        build_timeout_seconds: build.get("buildTimeoutSeconds").integer(),
    };
    for (name, value) in view.get("runtimeAttributes").members() {
        if let Some(json) = value.json() {
            spec.runtime_attributes.insert(name.to_owned(), json);
        }
    }
}

/// A mapping of texts.
fn texts(view: &View<'_>) -> std::collections::BTreeMap<String, String> {
    view.members().filter_map(|(name, value)| Some((name.to_owned(), value.text()?.to_owned()))).collect()
}

/// Adds a variable, in the place of a former one with its name.
fn set_variable(env: &mut Vec<EnvVar>, variable: EnvVar) {
    match env.iter_mut().find(|known| known.name == variable.name) {
        Some(known) => known.value = variable.value,
        None => env.push(variable),
    }
}

/// Why a system would not take a variable.
fn bad_variable(name: &str, value: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("the name of a variable is empty");
    }
    if name.contains(['=', '\0']) {
        return Some("the name of a variable may hold neither '=' nor the zero character");
    }
    value.contains('\0').then_some("the value of a variable may not hold the zero character")
}
