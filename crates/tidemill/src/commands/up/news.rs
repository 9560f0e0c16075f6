//! What `tidemill up` prints about deployments. Nobody reading it is no reason to stop serving.

use std::{path::Path, time::Duration};

use console::style;
use tidemill_core::FunctionRef;
use tidemill_engine::{DeployError, Deployed, Engine};

use super::super::deploy;
use crate::{
    failure::{Failure, once},
    output,
};

/// A deployment took place.
pub fn deployed(engine: &Engine, deployed: &Deployed, url: &str, took: Duration) {
    for warning in &deployed.warnings {
        output::note(format!("warning: {warning}"));
    }
    let view = tidemill_api::Deployed {
        project: deployed.function.project.to_string(),
        name: deployed.function.name.to_string(),
        revision: deployed.revision.0,
        spec: deployed.spec.as_ref().into(),
        unchanged: deployed.unchanged,
        addresses: engine.function(&deployed.function).map(|view| view.addresses).unwrap_or_default(),
        warnings: Vec::new(),
    };
    let took = style(format!("{}, {}", deployed.spec.runtime, output::duration(took))).dim();
    let text = deploy::text(&view, url);
    let text = match text.split_once('\n') {
        Some((first, rest)) => format!("{} {first}  {took}\n{rest}", style("✓").green()),
        None => format!("{} {text}  {took}", style("✓").green()),
    };
    let _ = output::line(text);
}

/// Everything has been deployed once.
pub fn ready(engine: &Engine, paths: usize) {
    let served = engine.functions(None).len();
    let text = match (paths, served) {
        (0, 0) => "Nothing is deployed yet. Try: tidemill deploy hello.py".to_owned(),
        (0, _) => format!("Serving {}. Press ctrl-C to stop.", output::counted(served as u64, "function")),
        _ => format!("Watching {} for changes. Press ctrl-C to stop.", output::counted(paths as u64, "path")),
    };
    let _ = output::line(style(text).dim().to_string());
}

/// A deployment failed; `serving` is what goes on serving.
pub fn failed(path: &Path, failure: &Failure, serving: Option<(FunctionRef, u32)>) {
    let mut failure = failure.clone();
    failure.message = format!("{} is not deployed: {}", path.display(), failure.message);
    output::message(&failure);
    if let Some((function, revision)) = serving {
        output::note(format!("{function} {} goes on serving", output::revision(revision)));
    }
}

/// Why a deployment failed, in full: manifest faults, the messages of pip and npm, the traceback of the function.
pub fn failure(error: &DeployError) -> Failure {
    let text = match error {
        DeployError::Launch { function, source } => {
            let printed = source.logs.iter().filter(|line| !source.reason.contains(line.message.trim()));
            let printed: String = printed.map(|line| format!("\n{}", line.message)).collect();
            let place = if source.reason.trim_start().starts_with("Traceback") { '\n' } else { ' ' };
            format!("the new revision of {function} did not become ready:{place}{}{printed}", source.reason.trim())
        }
        // Each fault of a manifest is followed by its own hint.
        other => other.to_string(),
    };
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    Failure::fixable(once(first, rest))
}

/// The system gives no notices of changes.
pub fn slow_watch(problem: &str) {
    output::note(format!("warning: changes are noticed every two seconds only: {problem}"));
}

/// Two paths are the same function.
pub fn twins(path: &Path, other: &Path, function: &FunctionRef) {
    output::note(format!(
        "warning: {} and {} are both function {function}; the one deployed last serves",
        other.display(),
        path.display()
    ));
}
