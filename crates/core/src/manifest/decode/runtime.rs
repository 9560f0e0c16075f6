//! `runtimeAttributes`, whose names belong to the runtime, and keys that mean nothing to a runtime.

use super::super::{nearest::nearest, problem::Report, view::View};
use crate::spec::Runtime;

/// Names that a runtime reads. Those of others are for programs that bring their own.
fn names(runtime: &Runtime) -> Option<&'static [&'static str]> {
    match runtime {
        Runtime::Shell => Some(&["arguments", "responseHeaders"]),
        Runtime::Wasm => Some(&["arguments", "responseHeaders", "wasm"]),
        Runtime::Python(_) | Runtime::Nodejs | Runtime::Binary | Runtime::Image | Runtime::Webhook => None,
    }
}

/// Reports misspelt names, and warns of what has no effect.
pub(in super::super) fn of_runtime(view: &View<'_>, runtime: &Runtime, report: &mut Report) {
    let attributes = view.get("runtimeAttributes");
    if let Some(known) = names(runtime) {
        for (name, value) in attributes.members().filter(|(name, _)| !known.contains(name)) {
            match nearest(name, known.iter().copied()) {
                Some(near) => {
                    report.at(value.at(), &value, "this name is not known", Some(format!("did you mean {near:?}?")));
                }
                None => {
                    let known = known.join(", ");
                    report.warn(value.at(), &value, format_args!("has no effect: the runtime {runtime} knows {known}"));
                }
            }
        }
    }
    if *runtime == Runtime::Wasm {
        let handler = view.get("handler");
        if let Some((file, name)) = handler.text().and_then(|text| text.rsplit_once(':')) {
            let message = format_args!("names {name:?}, which has no effect: what {file} exports says what is called");
            report.warn(handler.at(), &handler, message);
        }
        let network = view.get("sandbox").get("network");
        if network.bool() == Some(true) {
            let why = "has no effect: a module reaches what runtimeAttributes.wasm.allowHosts names";
            report.warn(network.at(), &network, why);
        }
        let cpu = view.get("resources").get("limits").get("cpu");
        if cpu.is_given() {
            report.warn(cpu.at(), &cpu, "has no effect: modules share the threads of the server");
        }
    }
}
