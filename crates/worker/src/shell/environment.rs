//! An event as environment variables.

use tidemill_core::Event;

/// The system refuses variables of 128 KiB and more; ones over this are left out.
const VALUE_BYTES_MAX: usize = 100 * 1024;

/// `NUCLIO_EVENT_…`, `NUCLIO_TRIGGER_…`, `TIDEMILL_…`, `QUERY_STRING` and one `HTTP_…` for each header.
pub(crate) fn event_environment(event: &Event, attempt: u32, key: &str) -> Vec<(String, String)> {
    let url = if event.query.is_empty() { event.path.clone() } else { format!("{}?{}", event.path, event.query) };
    let class = if event.trigger.kind == "http" { "sync" } else { "async" };
    let facts = [
        ("NUCLIO_EVENT_ID", event.id.clone()),
        ("NUCLIO_EVENT_CONTENT_TYPE", event.content_type.clone()),
        ("NUCLIO_EVENT_TIMESTAMP", event.time.to_rfc3339()),
        ("NUCLIO_EVENT_PATH", event.path.clone()),
        ("NUCLIO_EVENT_URL", url),
        ("NUCLIO_EVENT_METHOD", event.method.clone()),
        ("NUCLIO_EVENT_SHARD_ID", "0".to_owned()),
        ("NUCLIO_EVENT_NUM_SHARDS", "0".to_owned()),
        ("NUCLIO_EVENT_TYPE", event.kind.clone()),
        ("NUCLIO_EVENT_TYPE_VERSION", String::new()),
        ("NUCLIO_EVENT_VERSION", String::new()),
        ("NUCLIO_TRIGGER_CLASS", class.to_owned()),
        ("NUCLIO_TRIGGER_KIND", event.trigger.kind.clone()),
        ("NUCLIO_TRIGGER_NAME", event.trigger.name.clone()),
        ("QUERY_STRING", event.query.clone()),
        ("TIDEMILL_ATTEMPT", attempt.to_string()),
        ("TIDEMILL_KEY", key.to_owned()),
        ("TIDEMILL_CALLER", event.caller.clone()),
    ];
    let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value));
    // `HTTP_PROXY` has a meaning of its own to many programs: a caller must not be able to set it.
    let headers = event.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("proxy"));
    let headers = headers.map(|(name, value)| (format!("HTTP_{}", variable(name)), value.clone()));
    facts.chain(headers).filter(|(_, value)| value.len() <= VALUE_BYTES_MAX && !value.contains('\0')).collect()
}

fn variable(header: &str) -> String {
    header.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}
