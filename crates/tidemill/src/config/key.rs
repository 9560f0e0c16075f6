//! The table of settings.

/// What a setting's value must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An IP address (or `localhost`) and a port.
    Address,
    /// `true` or `false`.
    Switch,
    /// A path of the file system. In a file: relative to the file's folder.
    Path,
    /// A duration as in `90s`, `1h30m` or `7d`.
    Duration,
    /// A whole number of at least 1.
    Count,
    /// A number of bytes as in `64MiB`.
    Size,
    /// The address of a server.
    Url,
    /// The name of a project.
    Project,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Names of hosts, with commas between them. In a file: also a list of texts.
    Hosts,
    /// Free text.
    Text,
}

impl Kind {
    /// What a value looks like, for messages and the reference.
    pub fn describe(self) -> String {
        match self {
            Kind::Address => "an address and a port, as in 127.0.0.1:7070".to_owned(),
            Kind::Switch => "true or false".to_owned(),
            Kind::Path => "a path".to_owned(),
            Kind::Duration => "a duration, as in 30s, 1h30m or 7d".to_owned(),
            Kind::Count => "a whole number, at least 1".to_owned(),
            Kind::Size => "a size, as in 64MiB or 500KB".to_owned(),
            Kind::Url => "an address, as in http://127.0.0.1:7070".to_owned(),
            Kind::Project => "the name of a project".to_owned(),
            Kind::Word(words) => format!("one of {}", words.join(", ")),
            Kind::Hosts => "names of hosts, as in mill.example, mill.local".to_owned(),
            Kind::Text => "text".to_owned(),
        }
    }
}

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Its name in a file, with dots between tables.
    pub name: &'static str,
    /// Its environment variable.
    pub variable: &'static str,
    /// Its flag, when it has one.
    pub flag: Option<&'static str>,
    /// What a value looks like.
    pub kind: Kind,
    /// Its default, as a user would write it. `None`: decided when the program starts, see `doc`.
    pub default: Option<&'static str>,
    /// What it means, in one or two sentences.
    pub doc: &'static str,
}

const fn key(
    name: &'static str,
    variable: &'static str,
    flag: Option<&'static str>,
    kind: Kind,
    default: Option<&'static str>,
    doc: &'static str,
) -> Key {
    Key { name, variable, flag, kind, default, doc }
}

/// Every setting, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    key(
        "listen",
        "TIDEMILL_LISTEN",
        Some("--listen"),
        Kind::Address,
        Some("127.0.0.1:7070"),
        "Where the server listens. Port 0 takes a free one.",
    ),
    key(
        "insecure",
        "TIDEMILL_INSECURE",
        Some("--insecure"),
        Kind::Switch,
        Some("false"),
        "Allows listening beyond loopback, although whoever reaches the port may then deploy and run code.",
    ),
    key(
        "hosts",
        "TIDEMILL_HOSTS",
        None,
        Kind::Hosts,
        Some(""),
        "Names beside `localhost` under which a listener on loopback is reached, as behind a proxy that passes on the `Host` of its clients. Requests to the API under any other name are refused.",
    ),
    key(
        "data",
        "TIDEMILL_DATA",
        Some("--data"),
        Kind::Path,
        None,
        "The folder of all state. Default: `$XDG_DATA_HOME/tidemill`, else `~/.local/share/tidemill`.",
    ),
    key(
        "drain_grace",
        "TIDEMILL_DRAIN_GRACE",
        Some("--drain-grace"),
        Kind::Duration,
        Some("30s"),
        "How long running invocations may go on when the server stops. What is still running then is interrupted and runs again later.",
    ),
    key(
        "log.format",
        "TIDEMILL_LOG_FORMAT",
        Some("--log-format"),
        Kind::Word(&["auto", "human", "json"]),
        Some("auto"),
        "The server's own log on standard error: `json`, `human`, or `auto`, which is human on a terminal and JSON elsewhere.",
    ),
    key(
        "log.level",
        "TIDEMILL_LOG",
        Some("--log-level"),
        Kind::Text,
        Some("info"),
        "What the server logs: `error`, `warn`, `info`, `debug` or `trace`, also for parts as in `info,tidemill_engine=debug`. On a terminal `tidemill up` logs warnings only unless this is set.",
    ),
    key(
        "http.body_max",
        "TIDEMILL_HTTP_BODY_MAX",
        None,
        Kind::Size,
        Some("64MiB"),
        "The largest request body, unless a function's http trigger has its own limit.",
    ),
    key(
        "http.bodies_max",
        "TIDEMILL_HTTP_BODIES_MAX",
        None,
        Kind::Size,
        Some("32MiB"),
        "Memory for all large request bodies together, and as much for responses. More waits, then gets 503. A larger body goes alone.",
    ),
    key(
        "http.connections_max",
        "TIDEMILL_HTTP_CONNECTIONS_MAX",
        None,
        Kind::Count,
        Some("12000"),
        "How many connections may be open at once. More are closed as they come.",
    ),
    key(
        "http.header_timeout",
        "TIDEMILL_HTTP_HEADER_TIMEOUT",
        None,
        Kind::Duration,
        Some("10s"),
        "How long a client may take to send a request's headers.",
    ),
    key(
        "http.body_timeout",
        "TIDEMILL_HTTP_BODY_TIMEOUT",
        None,
        Kind::Duration,
        Some("30s"),
        "How long a client may pause while it sends a request's body.",
    ),
    key(
        "retention.finished",
        "TIDEMILL_RETENTION_FINISHED",
        None,
        Kind::Duration,
        Some("7d"),
        "How long succeeded, failed and cancelled invocations are kept with their results and logs.",
    ),
    key(
        "retention.dead_lettered",
        "TIDEMILL_RETENTION_DEAD_LETTERED",
        None,
        Kind::Duration,
        Some("30d"),
        "How long dead-lettered invocations are kept.",
    ),
    key(
        "runtimes.python",
        "TIDEMILL_PYTHON",
        None,
        Kind::Path,
        None,
        "The Python interpreter (3.9 or newer). Default: the one on the `PATH`.",
    ),
    key(
        "runtimes.node",
        "TIDEMILL_NODE",
        None,
        Kind::Path,
        None,
        "The Node.js interpreter (18 or newer). Default: the one on the `PATH`.",
    ),
    key(
        "url",
        "TIDEMILL_URL",
        Some("--url"),
        Kind::Url,
        Some("http://127.0.0.1:7070"),
        "The server that commands talk to.",
    ),
    key(
        "project",
        "TIDEMILL_PROJECT",
        Some("--project"),
        Kind::Project,
        Some("default"),
        "The project that commands work in.",
    ),
];

/// The key called `name`.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}
