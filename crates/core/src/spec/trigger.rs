//! Triggers: what brings events to a function.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::name::{FunctionName, TopicName};

/// One trigger of a function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// Off: kept, brings nothing.
    pub disabled: bool,
    /// Workers asked for (`numWorkers`).
    pub workers: Option<u32>,
    /// How long a call waits for a free worker; zero does not wait. `None` is the default of 10 s.
    pub worker_availability_timeout: Option<Duration>,
    /// Hands several events to the handler at once.
    pub batch: Option<Batch>,
    /// What it listens to.
    pub kind: TriggerKind,
}

/// What a trigger listens to. Large kinds are boxed: a map of triggers makes room for eleven of them at once, and there may
/// be many idle functions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerKind {
    /// HTTP requests.
    Http(Box<HttpTrigger>),
    /// A schedule.
    Cron(Box<CronTrigger>),
    /// Messages in Tidemill itself.
    Message(MessageTrigger),
}

impl TriggerKind {
    /// The kind's word in `function.yaml`, as in `http`.
    pub fn as_str(&self) -> &'static str {
        match self {
            TriggerKind::Http(_) => "http",
            TriggerKind::Cron(_) => "cron",
            TriggerKind::Message(_) => "message",
        }
    }
}

/// HTTP requests at the function's own address and at `paths`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpTrigger {
    /// Further paths, beginning with `/`; a path ending in `/*` stands for everything below it.
    pub paths: Vec<String>,
    /// Methods in capitals; empty is all.
    pub methods: Vec<String>,
    /// Only requests with one of these hosts reach `paths`; empty is all.
    pub hosts: Vec<String>,
    /// Largest request body in bytes; `None` is the server's default.
    pub body_bytes_max: Option<u64>,
    /// Cross-origin rules; `None` is off.
    pub cors: Option<Cors>,
}

/// Cross-origin resource sharing of an http trigger; the members and defaults of Nuclio's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cors {
    /// Origins, compared without case; `*` is any.
    pub allow_origins: Vec<String>,
    /// Methods.
    pub allow_methods: Vec<String>,
    /// Request headers.
    pub allow_headers: Vec<String>,
    /// Whether credentials may be sent.
    pub allow_credentials: bool,
    /// Response headers scripts may read.
    pub expose_headers: Vec<String>,
    /// How long a preflight may be cached, in seconds.
    pub preflight_max_age_seconds: i64,
}

impl Default for Cors {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        Cors {
            allow_origins: words(&["*"]),
            allow_methods: words(&["HEAD", "GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]),
            allow_headers: words(&["Accept", "Content-Length", "Content-Type", "Authorization", "X-Nuclio-Log-Level"]),
            allow_credentials: false,
            expose_headers: Vec::new(),
            preflight_max_age_seconds: 5,
        }
    }
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CronTrigger {
    /// 5 or 6 fields, a word as `@hourly`, `@every 90s`, or `@from 2026-11-22T05 every 3 months`. Checked when the manifest is read.
    pub schedule: String,
    /// IANA name; `None` is UTC.
    pub time_zone: Option<String>,
    /// What happens to runs that were missed while nobody was there to start them.
    pub missed: MissedRuns,
    /// The event's body.
    pub body: String,
    /// The event's headers.
    pub headers: BTreeMap<String, String>,
    /// The event's path; empty is `/`.
    pub path: String,
    /// The event's method; empty is `POST`.
    pub method: String,
}

/// What happens to scheduled runs that were missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissedRuns {
    /// They are left out.
    Skip,
    /// One run stands for all that were missed.
    #[default]
    Once,
    /// Each is made up for, up to a hundred.
    All,
}

/// Messages within the project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageTrigger {
    /// Where they come from.
    pub source: MessageSource,
}

/// Where messages come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageSource {
    /// A named topic.
    Topic(TopicName),
    /// The responses of a function (`subscribe_to`).
    Responses(FunctionName),
}

/// Several events in one call of the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// At most so many.
    pub size: u32,
    /// The first one waits at most this long for others.
    pub timeout: Duration,
}

impl Default for Batch {
    fn default() -> Self {
        Batch { size: 10, timeout: Duration::from_secs(1) }
    }
}
