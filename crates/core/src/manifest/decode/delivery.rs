//! How events reach the function: answers, attempts, order, bounds, history.

use crate::{
    manifest::{problem::Report, view::View},
    spec::{CallType, FunctionSpec, History, Ordering},
};

/// The meaning of a word of `type`.
pub(super) fn call_type(word: &str) -> Option<CallType> {
    match word {
        "sync" | "wait_for_response" => Some(CallType::Sync),
        "async" => Some(CallType::Async),
        _ => None,
    }
}

/// `type`, `retry`, `ordering`, `queue`, `history`.
pub(in crate::manifest) fn delivery(view: &View<'_>, spec: &mut FunctionSpec, report: &mut Report) {
    spec.call_type = view.get("type").text().and_then(call_type).unwrap_or_default();
    retry(&view.get("retry"), spec, report);
    spec.ordering = ordering(&view.get("ordering"), report);
    if let Some(max) = view.get("queue").get("pendingMax").unsigned() {
        spec.queue.pending_max = max.into();
    }
    spec.history = match view.get("history").text() {
        Some("none") => History::None,
        Some("failed") => History::Failed,
        _ => History::All,
    };
}

fn retry(view: &View<'_>, spec: &mut FunctionSpec, report: &mut Report) {
    let policy = &mut spec.retry;
    let (initial, max) = (view.get("initial"), view.get("max"));
    policy.max_attempts = view.get("maxAttempts").unsigned().unwrap_or(policy.max_attempts);
    policy.factor = view.get("factor").number().unwrap_or(policy.factor);
    policy.jitter = view.get("jitter").number().unwrap_or(policy.jitter);
    policy.initial = initial.duration().unwrap_or(policy.initial);
    policy.max = max.duration().unwrap_or(policy.max);
    if policy.initial > policy.max {
        if max.is_given() {
            let message =
                format!("the longest wait, {:?}, is shorter than the first, {:?}", policy.max, policy.initial);
            report.at(max.at(), &max, message, None);
        } else {
            // Only the first wait is given, and it is long: the longest is no shorter.
            policy.max = policy.initial;
        }
    }
}

fn ordering(view: &View<'_>, report: &mut Report) -> Ordering {
    if view.text() == Some("key") {
        return Ordering::Key { header: None };
    }
    let key = view.get("key");
    if !key.is_given() {
        return Ordering::None;
    }
    let header = key.get("header");
    let name = header.text().map(str::to_ascii_lowercase);
    if name.as_deref().is_some_and(|name| !is_token(name)) {
        report.at(header.at(), &header, "it is not the name of a header", None);
    }
    Ordering::Key { header: name }
}

/// Whether HTTP takes `text` as the name of a header or method.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
