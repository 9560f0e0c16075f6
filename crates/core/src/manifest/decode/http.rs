//! Triggers of kind `http`.

use std::collections::BTreeSet;

use super::delivery::is_token;
use crate::{
    manifest::{
        problem::{Report, quote},
        view::View,
    },
    spec::{Cors, HttpTrigger},
};

/// The attributes of an http trigger and its field `paths`.
pub(super) fn http(trigger: &View<'_>, report: &mut Report) -> HttpTrigger {
    let attributes = trigger.get("attributes");
    let mut paths = BTreeSet::new();
    for item in trigger.get("paths").items().chain(attributes.get("paths").items()) {
        if let Some(path) = item.text() {
            match bad_path(path) {
                Some(message) => report.at(item.at(), &item, format!("{}: {message}", quote(path)), None),
                None => drop(paths.insert(path.to_owned())),
            }
        }
    }
    let mut hosts = BTreeSet::new();
    for item in attributes.get("hosts").items() {
        hosts.extend(host(&item, report));
    }
    ingresses(&attributes.get("ingresses"), &mut paths, &mut hosts, report);
    let limit = attributes.get("maxRequestBodySize");
    if limit.bytes() == Some(0) {
        report.at(limit.at(), &limit, "no body is that small; leave it out for the default", None);
    }
    HttpTrigger {
        paths: paths.into_iter().collect(),
        methods: methods(&attributes.get("methods"), report),
        hosts: hosts.into_iter().collect(),
        body_bytes_max: limit.bytes(),
        cors: cors(&attributes.get("cors")),
    }
}

/// The first parts of the paths that the server answers itself.
const OWN: [&str; 5] = ["f", "v1", "livez", "readyz", "metrics"];

/// Why a path cannot be routed.
fn bad_path(path: &str) -> Option<&'static str> {
    let below = path.strip_suffix("/*").unwrap_or(path);
    if !path.starts_with('/') {
        Some("a path begins with '/'")
    } else if below.contains('*') {
        Some("a '*' can only be the last part, as in /photos/*")
    } else if path.contains(['?', '#']) || path.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Some("a path holds no '?', '#' or space")
    } else if path.split('/').any(|part| matches!(part, "." | "..")) {
        Some("a path has no part '.' or '..'")
    } else if path.split('/').nth(1).is_some_and(|first| OWN.contains(&first)) {
        Some("the server itself answers below /f, /v1, /livez, /readyz and /metrics")
    } else {
        None
    }
}

fn host(view: &View<'_>, report: &mut Report) -> Option<String> {
    let text = view.text()?;
    let is_host = !text.is_empty()
        && text.len() <= 255
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']'));
    if is_host {
        return Some(text.to_ascii_lowercase());
    }
    let hint = "write hosts out, as in shop.example.com, without a scheme, path or wildcard".to_owned();
    report.at(view.at(), view, format!("{} is not a host", quote(text)), Some(hint));
    None
}

fn methods(view: &View<'_>, report: &mut Report) -> Vec<String> {
    let mut methods = BTreeSet::new();
    for item in view.items() {
        match item.text() {
            Some(text) if is_token(text) => drop(methods.insert(text.to_ascii_uppercase())),
            Some(text) => report.at(item.at(), &item, format!("{} is not an HTTP method", quote(text)), None),
            None => {}
        }
    }
    methods.into_iter().collect()
}

/// An ingress joins one host with some paths. Here a trigger has hosts and paths, and each path answers on each host, so
/// ingresses that differ in their hosts open more than they say, which is told.
fn ingresses(view: &View<'_>, paths: &mut BTreeSet<String>, hosts: &mut BTreeSet<String>, report: &mut Report) {
    let mut seen: BTreeSet<Option<String>> = BTreeSet::new();
    for (_, ingress) in view.members() {
        let host_view = ingress.get("host");
        let given = if host_view.is_given() { host(&host_view, report) } else { None };
        hosts.extend(given.clone());
        seen.insert(given);
        let is_exact = ingress.get("pathType").text() == Some("Exact");
        let mut any = false;
        for item in ingress.get("paths").items() {
            any = true;
            match item.text() {
                Some(path) if bad_path(path).is_none() => insert(paths, path, is_exact),
                Some(path) => {
                    report.at(
                        item.at(),
                        &item,
                        format!("{}: {}", quote(path), bad_path(path).unwrap_or_default()),
                        None,
                    );
                }
                None => {}
            }
        }
        if !any {
            insert(paths, "/", is_exact);
        }
    }
    if seen.len() > 1 {
        report.warn(view.at(), view, "has several hosts: every path of the trigger answers on each of them");
    }
}

fn insert(paths: &mut BTreeSet<String>, path: &str, is_exact: bool) {
    let stem = path.trim_end_matches('*').trim_end_matches('/');
    if !path.ends_with('*') {
        paths.insert(if stem.is_empty() { "/".to_owned() } else { stem.to_owned() });
    }
    if !is_exact || path.ends_with('*') {
        paths.insert(format!("{stem}/*"));
    }
}

fn cors(view: &View<'_>) -> Option<Cors> {
    if view.get("enabled").bool() != Some(true) {
        return None;
    }
    let defaults = Cors::default();
    let list = |name: &str, default: Vec<String>| {
        let given = view.get(name);
        if given.is_given() { given.texts() } else { default }
    };
    Some(Cors {
        allow_origins: list("allowOrigins", defaults.allow_origins),
        allow_methods: list("allowMethods", defaults.allow_methods),
        allow_headers: list("allowHeaders", defaults.allow_headers),
        allow_credentials: view.get("allowCredentials").bool().unwrap_or(defaults.allow_credentials),
        expose_headers: list("exposeHeaders", defaults.expose_headers),
        preflight_max_age_seconds: view
            .get("preflightMaxAgeSeconds")
            .integer()
            .unwrap_or(defaults.preflight_max_age_seconds),
    })
}
