//! What a request's headers ask for, beside what the function does with them.

use std::time::Duration;

use http::HeaderMap;
use tidemill_api::header;
use tidemill_core::{Timestamp, invocation::LogLevel, schedule::parse_duration, spec::CallType};
use tidemill_engine::SubmitOptions;

use crate::{refusal::Refusal, shared::Shared};

/// The longest idempotency or ordering key, in bytes.
const KEY_BYTES_MAX: usize = 256;

/// How the caller gets the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// In the response; nothing is stored first.
    Sync,
    /// 202 when the event is on disk.
    Async,
    /// The event is on disk first; then the result, if it comes in time, else 202.
    Wait(Duration),
}

/// The wishes of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    mode: Mode,
    /// Runs one after the other with others of this key.
    pub(crate) key: Option<String>,
    idempotency_key: Option<String>,
    available_at: Option<Timestamp>,
    /// Function logs wanted in the response, at this level or above.
    pub(crate) log_level: Option<LogLevel>,
    /// Whether the response says where the time went.
    pub(crate) timing: bool,
}

impl Ask {
    /// Reads the wishes. `call_type` is what the function does when nothing is said.
    pub(crate) fn read(headers: &HeaderMap, call_type: CallType, app: &Shared, now: Timestamp) -> Result<Ask, Refusal> {
        let config = &app.config;
        Ask::from_headers(headers, call_type, config.wait_default, config.wait_max, now)
    }

    fn from_headers(
        headers: &HeaderMap,
        call_type: CallType,
        wait_default: Duration,
        wait_max: Duration,
        now: Timestamp,
    ) -> Result<Ask, Refusal> {
        let idempotency_key = key(headers, header::IDEMPOTENCY_KEY)?;
        let available_at = available_at(headers, now)?;
        let preference = preference(headers);
        let is_async = call_type == CallType::Async || preference.respond_async || available_at.is_some();
        let mode = match preference.wait {
            Some(wait) if wait.is_zero() => Mode::Async,
            Some(wait) => Mode::Wait(wait.min(wait_max)),
            None if is_async => Mode::Async,
            None if idempotency_key.is_some() => Mode::Wait(wait_default),
            None => Mode::Sync,
        };
        Ok(Ask {
            mode,
            key: key(headers, header::KEY)?,
            idempotency_key,
            available_at,
            log_level: text(headers, header::NUCLIO_LOG_LEVEL)?.map(LogLevel::parse),
            timing: headers.get(header::TIMING).is_some_and(|value| value == "1" || value == "true"),
        })
    }

    /// Whether the caller gets 202 at once.
    pub(crate) fn is_async(&self) -> bool {
        self.mode == Mode::Async
    }

    /// How long to wait for the result of a stored event; `None` for a call that is not stored first.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self.mode {
            Mode::Sync => None,
            Mode::Async => Some(Duration::ZERO),
            Mode::Wait(wait) => Some(wait),
        }
    }

    /// Whether the event may be one of many.
    pub(crate) fn idempotency_key(&self) -> Option<&str> {
        self.idempotency_key.as_deref()
    }

    /// How the event is to be submitted.
    pub(crate) fn options(self, received_at: Timestamp) -> SubmitOptions {
        SubmitOptions {
            idempotency_key: self.idempotency_key,
            available_at: self.available_at,
            key: self.key,
            received_at: Some(received_at),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    match headers.get(name) {
        None => Ok(None),
        Some(value) => match value.to_str() {
            Ok(text) => Ok(Some(text.trim())),
            Err(_) => Err(Refusal::parameter(name, "it may hold printable ASCII only")),
        },
    }
}

fn key(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refusal> {
    match text(headers, name)? {
        None => Ok(None),
        Some("") => Err(Refusal::parameter(name, "it is empty")),
        Some(text) if text.len() > KEY_BYTES_MAX => {
            Err(Refusal::parameter(name, format!("it is longer than {KEY_BYTES_MAX} characters")))
        }
        Some(text) => Ok(Some(text.to_owned())),
    }
}

/// Reads a duration as in `90s`; a bare number is seconds.
pub(crate) fn duration(name: &str, text: &str) -> Result<Duration, Refusal> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(u64::from(seconds)));
    }
    parse_duration(text).map_err(|reason| Refusal::parameter(name, reason))
}

fn available_at(headers: &HeaderMap, now: Timestamp) -> Result<Option<Timestamp>, Refusal> {
    match (text(headers, header::DELAY)?, text(headers, header::AT)?) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Refusal::parameter(header::DELAY, "give either a delay or a time, not both")),
        (Some(delay), None) => Ok(Some(now + duration(header::DELAY, delay)?)),
        (None, Some(at)) => match Timestamp::parse_rfc3339(at) {
            Some(at) => Ok(Some(at)),
            None => Err(Refusal::parameter(
                header::AT,
                format!("{at:?} is not a time; write it as in 2026-11-22T01:02:03Z"),
            )),
        },
    }
}

#[derive(Default)]
struct Preference {
    respond_async: bool,
    wait: Option<Duration>,
}

/// Reads `Prefer`. As RFC 7240 demands, what is not understood is passed over.
fn preference(headers: &HeaderMap) -> Preference {
    let mut preference = Preference::default();
    for value in headers.get_all(header::PREFER) {
        let Ok(value) = value.to_str() else { continue };
        for item in value.split([',', ';']) {
            let (name, value) = item.split_once('=').unwrap_or((item, ""));
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if name.eq_ignore_ascii_case("respond-async") {
                preference.respond_async = true;
            } else if name.eq_ignore_ascii_case("wait")
                && let Ok(seconds) = value.parse::<u32>()
            {
                preference.wait.get_or_insert(Duration::from_secs(u64::from(seconds)));
            }
        }
    }
    preference
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000_000);

    fn ask(call_type: CallType, headers: &[(&'static str, &'static str)]) -> Result<Ask, Refusal> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        Ask::from_headers(&headers, call_type, Duration::from_secs(60), Duration::from_secs(600), NOW)
    }

    #[test]
    fn modes() {
        let wait = |seconds| Mode::Wait(Duration::from_secs(seconds));
        for (call_type, headers, mode) in [
            (CallType::Sync, &[][..], Mode::Sync),
            (CallType::Async, &[], Mode::Async),
            (CallType::Sync, &[("prefer", "respond-async")], Mode::Async),
            (CallType::Sync, &[("prefer", "Respond-Async; foo=bar, handling=lenient")], Mode::Async),
            (CallType::Sync, &[("prefer", "respond-async, wait=10")], wait(10)),
            (CallType::Async, &[("prefer", "wait=\"7\"")], wait(7)),
            (CallType::Sync, &[("prefer", "wait=0")], Mode::Async),
            (CallType::Sync, &[("prefer", "wait=100000")], wait(600)),
            (CallType::Sync, &[("prefer", "wait=soon")], Mode::Sync),
            (CallType::Sync, &[("idempotency-key", "a")], wait(60)),
            (CallType::Async, &[("idempotency-key", "a")], Mode::Async),
            (CallType::Sync, &[("tidemill-delay", "90s")], Mode::Async),
            (CallType::Sync, &[("tidemill-at", "2026-11-22T00:00:00Z")], Mode::Async),
        ] {
            assert_eq!(ask(call_type, headers).unwrap().mode, mode, "{call_type:?} {headers:?}");
        }
    }

    #[test]
    fn delays() {
        let at = |value| ask(CallType::Sync, &[("tidemill-delay", value)]).unwrap().available_at;
        assert_eq!(at("90s"), Some(NOW + Duration::from_secs(90)));
        assert_eq!(at("5"), Some(NOW + Duration::from_secs(5)));
        for headers in [
            &[("tidemill-delay", "soon")][..],
            &[("tidemill-at", "tomorrow")],
            &[("tidemill-at", "2026-11-22T00:00:00Z"), ("tidemill-delay", "1s")],
            &[("tidemill-key", "")],
            &[("idempotency-key", "")],
        ] {
            let refusal = ask(CallType::Sync, headers).unwrap_err();
            assert_eq!(refusal.0.status, 400, "{headers:?}");
        }
    }
}
