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
    /// A whole number of at least this.
    CountFrom(u32),
    /// A number of bytes as in `64MiB`.
    Size,
    /// A number of bytes that is at least this one, as in `64MiB`.
    SizeFrom(&'static str),
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
    /// Free text that is never shown.
    Secret,
    /// Texts with commas between them. In a file: also a list of texts.
    List,
    /// Some of these words with commas between them. In a file: also a list of texts.
    Words(&'static [&'static str]),
    /// Absolute paths with commas between them. In a file: also a list of texts.
    Paths,
    /// A number of cores.
    Cores,
}

impl Kind {
    /// Whether a file may also hold a list.
    pub fn is_list(self) -> bool {
        matches!(self, Kind::Hosts | Kind::List | Kind::Words(_) | Kind::Paths)
    }

    /// What a value looks like, for messages and the reference.
    pub fn describe(self) -> String {
        match self {
            Kind::Address => "an address and a port, as in 127.0.0.1:7070".to_owned(),
            Kind::Switch => "true or false".to_owned(),
            Kind::Path => "a path".to_owned(),
            Kind::Duration => "a duration, as in 30s, 1h30m or 7d".to_owned(),
            Kind::Count => "a whole number, at least 1".to_owned(),
            Kind::CountFrom(least) => format!("a whole number, at least {least}"),
            Kind::SizeFrom(least) => format!("a size of at least {least}, as in 64MiB or 500MB"),
            Kind::Size => "a size, as in 64MiB or 500KB".to_owned(),
            Kind::Url => "an address, as in http://127.0.0.1:7070".to_owned(),
            Kind::Project => "the name of a project".to_owned(),
            Kind::Word(words) => format!("one of {}", words.join(", ")),
            Kind::Hosts => "names of hosts, as in mill.example, mill.local".to_owned(),
            Kind::Text => "text".to_owned(),
            Kind::Secret => "text that is never shown".to_owned(),
            Kind::List => "texts with commas between them".to_owned(),
            Kind::Words(words) => format!("a list of words out of {}", words.join(", ")),
            Kind::Paths => "a list of absolute paths, with commas between them".to_owned(),
            Kind::Cores => "a number of cores, as in 0.5".to_owned(),
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
        "secrets.key_file",
        "TIDEMILL_SECRETS_KEY_FILE",
        None,
        Kind::Path,
        None,
        "The file with the key that secrets are sealed with: 32 bytes as 64 hexadecimal digits or in base64. Default: `secrets.key` in the data folder, made when it is not there. Without the key the secrets are lost: keep a copy of it, apart from that of the data.",
    ),
    key(
        "secrets.key",
        "TIDEMILL_SECRETS_KEY",
        None,
        Kind::Secret,
        None,
        "The key itself, in place of the file. It is never shown.",
    ),
    key(
        "auth.mode",
        "TIDEMILL_AUTH_MODE",
        None,
        Kind::Word(&["none", "jwt"]),
        Some("none"),
        "How requests say who makes them: `none`, so that everybody may do everything, or `jwt`, by a token of one of the tenants. See `docs/security.md`.",
    ),
    key(
        "auth.tenants",
        "TIDEMILL_AUTH_TENANTS",
        None,
        Kind::Path,
        None,
        "With `auth.mode` `jwt`: the TOML file that says whose tokens are taken.",
    ),
    key(
        "auth.process_role",
        "TIDEMILL_AUTH_PROCESS_ROLE",
        None,
        Kind::Word(&["admin", "privileged", "user", "limited"]),
        None,
        "With `auth.mode` `jwt`: the weakest role that may deploy code that runs, or is built, as a process of this machine. Default: `privileged`; where the sandbox keeps processes apart in every way and control groups hold their memory and number, `user` for those that are not built and have no network. See `docs/security.md`.",
    ),
    key(
        "sandbox",
        "TIDEMILL_SANDBOX",
        None,
        Kind::Word(&["on", "strict", "off"]),
        Some("on"),
        "The sandbox that functions are built and run in as processes of this machine: `on` with all that this machine gives of it (see `tidemill status`), `strict` only if it gives all, `off`.",
    ),
    key(
        "workers.scratch",
        "TIDEMILL_WORKERS_SCRATCH",
        None,
        Kind::SizeFrom("1MiB"),
        Some("256MiB"),
        "The most that a worker may keep in `/tmp` and `/dev/shm`, which are memory.",
    ),
    key(
        "workers.memory",
        "TIDEMILL_WORKERS_MEMORY",
        None,
        Kind::SizeFrom("16MiB"),
        None,
        "The most memory of a worker that is a process and all that it starts; one has this much unless `resources.limits.memory` says less. Default: half of the machine's, or of the control group's.",
    ),
    key(
        "workers.processes",
        "TIDEMILL_WORKERS_PROCESSES",
        None,
        Kind::CountFrom(16),
        Some("512"),
        "The most processes and threads of a worker.",
    ),
    key(
        "workers.shown",
        "TIDEMILL_WORKERS_SHOWN",
        None,
        Kind::Paths,
        Some(""),
        "Files and folders that all functions may read, beside the programs and libraries of the machine: interpreters and tools that lie elsewhere. They must be there when the server starts, and be neither `/` nor in the data folder.",
    ),
    key(
        "workers.cgroups",
        "TIDEMILL_WORKERS_CGROUPS",
        None,
        Kind::Words(&["memory", "pids", "cpu"]),
        Some("memory,pids,cpu"),
        "What is limited by control groups, where they can be written. What is not named is missing for `sandbox` `strict`.",
    ),
    key(
        "builds.memory",
        "TIDEMILL_BUILDS_MEMORY",
        None,
        Kind::SizeFrom("64MiB"),
        Some("4GiB"),
        "The most memory of an install or build command and all that it starts, where a control group can hold it.",
    ),
    key(
        "builds.processes",
        "TIDEMILL_BUILDS_PROCESSES",
        None,
        Kind::CountFrom(16),
        Some("1024"),
        "The most processes and threads of an install or build command.",
    ),
    key(
        "builds.disk",
        "TIDEMILL_BUILDS_DISK",
        None,
        Kind::SizeFrom("1MiB"),
        Some("16GiB"),
        "The most that a build may keep on disk: its environment and its `/tmp` together. It is ended when it is seen to have more.",
    ),
    key(
        "builds.concurrency",
        "TIDEMILL_BUILDS_CONCURRENCY",
        None,
        Kind::Count,
        Some("4"),
        "How many environments are built at once; further builds wait.",
    ),
    key(
        "docker.address",
        "TIDEMILL_DOCKER_ADDRESS",
        None,
        Kind::Text,
        None,
        "Where the container engine is, as in `unix:///var/run/docker.sock`. Default: `DOCKER_HOST`, else that socket. Without an engine everything but containers works.",
    ),
    key(
        "docker.privileged",
        "TIDEMILL_DOCKER_PRIVILEGED",
        None,
        Kind::Switch,
        Some("false"),
        "Whether containers may be privileged or have the host's network, when whoever deploys them has the role privileged too.",
    ),
    key(
        "docker.mounts",
        "TIDEMILL_DOCKER_MOUNTS",
        None,
        Kind::Paths,
        Some(""),
        "What of this machine containers may mount: absolute paths, with all below them.",
    ),
    key(
        "docker.memory",
        "TIDEMILL_DOCKER_MEMORY",
        None,
        Kind::SizeFrom("6MiB"),
        None,
        "Memory of a container whose function sets no limit. Default: no limit.",
    ),
    key(
        "docker.cpus",
        "TIDEMILL_DOCKER_CPUS",
        None,
        Kind::Cores,
        None,
        "Cores of a container whose function sets no limit. Default: no limit.",
    ),
    key(
        "docker.leave_containers",
        "TIDEMILL_DOCKER_LEAVE_CONTAINERS",
        None,
        Kind::Switch,
        Some("false"),
        "Keeps the containers of ended executions, for somebody who looks for a fault.",
    ),
    key(
        "wasm.mounts",
        "TIDEMILL_WASM_MOUNTS",
        None,
        Kind::Paths,
        Some(""),
        "What of this machine WebAssembly functions may mount: absolute paths, with all below them.",
    ),
    key(
        "wasm.instances_max",
        "TIDEMILL_WASM_INSTANCES_MAX",
        None,
        Kind::Count,
        Some("256"),
        "Instances of WebAssembly at once, of all functions together; calls beyond it wait.",
    ),
    key(
        "wasm.memory",
        "TIDEMILL_WASM_MEMORY",
        None,
        Kind::SizeFrom("16MiB"),
        None,
        "Memory of all instances of WebAssembly together: new ones wait for theirs, and what one asks for beyond it is refused. Default: half of the machine's, or of the control group's.",
    ),
    key(
        "wasm.compiled",
        "TIDEMILL_WASM_COMPILED",
        None,
        Kind::SizeFrom("1MiB"),
        Some("2GiB"),
        "Room for compiled modules in the data folder: beyond it those not used for longest are removed, and compiled again when they are needed.",
    ),
    key(
        "abaco.enabled",
        "TIDEMILL_ABACO_ENABLED",
        None,
        Kind::Switch,
        Some("true"),
        "Whether Abaco's API is served at `/actors`.",
    ),
    key(
        "abaco.case",
        "TIDEMILL_ABACO_CASE",
        None,
        Kind::Word(&["camel", "snake"]),
        Some("camel"),
        "How members of Abaco's requests and answers are spelled.",
    ),
    key(
        "abaco.tag",
        "TIDEMILL_ABACO_TAG",
        None,
        Kind::Text,
        None,
        "What Abaco's answers show as `version`. Default: the version of Tidemill.",
    ),
    key(
        "abaco.tenant",
        "TIDEMILL_ABACO_TENANT",
        None,
        Kind::Project,
        Some("default"),
        "With `auth.mode` `none`: the tenant (project) of requests without the header `tenant`.",
    ),
    key(
        "abaco.public_url",
        "TIDEMILL_ABACO_PUBLIC_URL",
        None,
        Kind::Text,
        None,
        "The address by which clients and containers reach the server, as in `https://api.example.org`. A tenant's own `api_server` wins. Default: the address that a request came to; with `auth.mode = \"jwt\"` containers get the address that the server listens on.",
    ),
    key(
        "abaco.queues",
        "TIDEMILL_ABACO_QUEUES",
        None,
        Kind::List,
        Some("default"),
        "Names that the field `queue` of an actor may have.",
    ),
    key(
        "abaco.default_token",
        "TIDEMILL_ABACO_DEFAULT_TOKEN",
        None,
        Kind::Text,
        Some("false"),
        "What `token` of an actor is unless its description says otherwise.",
    ),
    key(
        "abaco.workers_max",
        "TIDEMILL_ABACO_WORKERS_MAX",
        None,
        Kind::Count,
        None,
        "Workers of an actor that does not say how many it may have. Default: one a core.",
    ),
    key(
        "abaco.workers_ensured_max",
        "TIDEMILL_ABACO_WORKERS_ENSURED_MAX",
        None,
        Kind::Count,
        Some("100"),
        "Workers that one request may ask for.",
    ),
    key(
        "abaco.mem_limit",
        "TIDEMILL_ABACO_MEM_LIMIT",
        None,
        Kind::Text,
        None,
        "Memory of an actor that names none, as Docker writes it, as in `1g`. Default: no limit.",
    ),
    key(
        "abaco.max_cpus",
        "TIDEMILL_ABACO_MAX_CPUS",
        None,
        Kind::Cores,
        None,
        "Cores of an actor that names none. Default: no limit.",
    ),
    key(
        "abaco.user",
        "TIDEMILL_ABACO_USER",
        None,
        Kind::Text,
        None,
        "The user (`uid` or `uid:gid`) that actors run as unless they use their image's. Default: the image's.",
    ),
    key(
        "abaco.global_mounts",
        "TIDEMILL_ABACO_GLOBAL_MOUNTS",
        None,
        Kind::List,
        Some(""),
        "Folders of this machine in each actor's container, as `host:container:mode`; `{username}` and `{tenant_id}` stand for what they say. A tenant's own `mounts` win.",
    ),
    key(
        "abaco.privileged_mounts",
        "TIDEMILL_ABACO_PRIVILEGED_MOUNTS",
        None,
        Kind::List,
        Some(""),
        "Further ones in privileged containers.",
    ),
    key(
        "abaco.max_run_time",
        "TIDEMILL_ABACO_MAX_RUN_TIME",
        None,
        Kind::Duration,
        None,
        "How long an execution may run. Default: no limit.",
    ),
    key(
        "abaco.worker_idle",
        "TIDEMILL_ABACO_WORKER_IDLE",
        None,
        Kind::Duration,
        Some("5m"),
        "How long a worker of an actor may be idle.",
    ),
    key(
        "abaco.sync_worker_idle",
        "TIDEMILL_ABACO_SYNC_WORKER_IDLE",
        None,
        Kind::Duration,
        Some("10m"),
        "The same for actors with the hint `sync`.",
    ),
    key(
        "abaco.start_timeout",
        "TIDEMILL_ABACO_START_TIMEOUT",
        None,
        Kind::Duration,
        Some("10m"),
        "How long a worker may take to become ready, the download of its image included.",
    ),
    key(
        "abaco.nonces",
        "TIDEMILL_ABACO_NONCES",
        None,
        Kind::Switch,
        Some("true"),
        "Whether nonces are accepted by Abaco's API.",
    ),
    key(
        "abaco.log_life",
        "TIDEMILL_ABACO_LOG_LIFE",
        None,
        Kind::Duration,
        None,
        "How long logs are kept unless the actor says otherwise. Default: as long as the executions.",
    ),
    key(
        "abaco.log_life_max",
        "TIDEMILL_ABACO_LOG_LIFE_MAX",
        None,
        Kind::Duration,
        None,
        "The longest that an actor may ask for. Default: no limit.",
    ),
    key(
        "abaco.log_max",
        "TIDEMILL_ABACO_LOG_MAX",
        None,
        Kind::Count,
        Some("1000000"),
        "Characters that an execution's log shows at most.",
    ),
    key(
        "abaco.message_max",
        "TIDEMILL_ABACO_MESSAGE_MAX",
        None,
        Kind::Size,
        Some("64MiB"),
        "The largest binary message.",
    ),
    key(
        "abaco.request_max",
        "TIDEMILL_ABACO_REQUEST_MAX",
        None,
        Kind::Size,
        Some("4MiB"),
        "The largest of all other bodies.",
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
    key(
        "token",
        "TIDEMILL_TOKEN",
        None,
        Kind::Secret,
        None,
        "The token that commands send, for a server that asks who makes requests. It is never shown.",
    ),
];

/// The key called `name`.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}
