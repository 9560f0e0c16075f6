//! Functions and events as environment variables, for programs that have no other way to learn of them.

use std::borrow::Cow;

use crate::{event::Event, id::RevisionNumber, name::FunctionRef, spec::FunctionSpec};

/// The system refuses variables of 128 KiB and more; ones over this are left out.
const VALUE_BYTES_MAX: usize = 100 * 1024;

/// A function's own facts, then the variables that its spec asks for, which win.
pub fn function_variables(
    function: &FunctionRef,
    revision: RevisionNumber,
    spec: &FunctionSpec,
) -> Vec<(String, String)> {
    let name = function.name.as_str();
    let version = revision.to_string();
    let mut env: Vec<(String, String)> = [
        ("NUCLIO_FUNCTION_NAME", name),
        ("NUCLIO_FUNCTION_DESCRIPTION", &spec.description),
        ("NUCLIO_FUNCTION_VERSION", &version),
        ("NUCLIO_FUNCTION_HANDLER", &spec.handler),
        ("NUCLIO_HANDLER", &spec.handler),
        ("TIDEMILL_FUNCTION", name),
        ("TIDEMILL_PROJECT", function.project.as_str()),
        ("TIDEMILL_REVISION", &version),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    for variable in &spec.env {
        env.retain(|(key, _)| *key != variable.name);
        env.push((variable.name.clone(), variable.value.clone()));
    }
    // Others would keep a process from starting.
    env.retain(|(key, value)| !key.is_empty() && !key.contains(['=', '\0']) && !value.contains('\0'));
    env
}

/// `NUCLIO_EVENT_…`, `NUCLIO_TRIGGER_…`, `TIDEMILL_…`, `QUERY_STRING` and one `HTTP_…` for each header.
pub fn event_variables<'a>(event: &'a Event, attempt: u32, key: &'a str) -> Vec<(Cow<'static, str>, Cow<'a, str>)> {
    let said = |text: &'a str| Cow::Borrowed(text);
    let url = match event.query.as_str() {
        "" => said(&event.path),
        query => format!("{}?{query}", event.path).into(),
    };
    let class = if event.trigger.kind == "http" { "sync" } else { "async" };
    let facts = [
        ("NUCLIO_EVENT_ID", said(&event.id)),
        ("NUCLIO_EVENT_CONTENT_TYPE", said(&event.content_type)),
        ("NUCLIO_EVENT_TIMESTAMP", event.time.to_rfc3339().into()),
        ("NUCLIO_EVENT_PATH", said(&event.path)),
        ("NUCLIO_EVENT_URL", url),
        ("NUCLIO_EVENT_METHOD", said(&event.method)),
        ("NUCLIO_EVENT_SHARD_ID", said("0")),
        ("NUCLIO_EVENT_NUM_SHARDS", said("0")),
        ("NUCLIO_EVENT_TYPE", said(&event.kind)),
        ("NUCLIO_EVENT_TYPE_VERSION", said("")),
        ("NUCLIO_EVENT_VERSION", said("")),
        ("NUCLIO_TRIGGER_CLASS", said(class)),
        ("NUCLIO_TRIGGER_KIND", said(&event.trigger.kind)),
        ("NUCLIO_TRIGGER_NAME", said(&event.trigger.name)),
        ("QUERY_STRING", said(&event.query)),
        ("TIDEMILL_ATTEMPT", attempt.to_string().into()),
        ("TIDEMILL_KEY", said(key)),
        ("TIDEMILL_CALLER", said(&event.caller)),
    ];
    let facts = facts.into_iter().map(|(name, value)| (Cow::Borrowed(name), value));
    // `HTTP_PROXY` has a meaning of its own to many programs: a caller must not be able to set it.
    let headers = event.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("proxy"));
    let headers = headers.map(|(name, value)| (format!("HTTP_{}", variable(name)).into(), said(value)));
    facts.chain(headers).filter(|(_, value)| value.len() <= VALUE_BYTES_MAX && !value.contains('\0')).collect()
}

fn variable(header: &str) -> String {
    header.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{EnvVar, Runtime};

    #[test]
    fn headers_become_variables_but_for_the_dangerous_one() {
        let header = |name: &str| (name.to_owned(), "v".to_owned());
        let event = Event { headers: vec![header("x-my-header"), header("proxy")], ..Event::default() };
        let environment = event_variables(&event, 2, "");
        let names: Vec<&str> = environment.iter().map(|(name, _)| &**name).collect();
        assert!(names.contains(&"HTTP_X_MY_HEADER"));
        assert!(!names.contains(&"HTTP_PROXY"));
    }

    #[test]
    fn the_spec_wins_over_the_facts() {
        let mut spec = FunctionSpec::new(Runtime::Shell);
        let variable = |name: &str, value: &str| EnvVar { name: name.to_owned(), value: value.to_owned() };
        spec.env = vec![variable("NUCLIO_HANDLER", "mine"), variable("A=B", "no"), variable("TIDE", "high")];
        let found = function_variables(&"p:f".parse().unwrap(), RevisionNumber(3), &spec);
        let get = |name: &str| {
            found.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(get("NUCLIO_HANDLER"), ["mine"]);
        assert_eq!(get("TIDE"), ["high"]);
        assert_eq!((get("TIDEMILL_PROJECT"), get("TIDEMILL_REVISION")), (vec!["p"], vec!["3"]));
        assert!(get("A=B").is_empty());
    }
}
