//! Triggers and the attributes of each kind.

use super::{KUBERNETES, Key, Shape, key, no_effect};

/// A kind of trigger that this version has.
pub(in crate::manifest) struct Kind {
    /// Its word.
    pub(in crate::manifest) name: &'static str,
    /// What its `attributes` hold.
    pub(in crate::manifest) attributes: &'static [Key],
    /// What it is.
    pub(in crate::manifest) meaning: &'static str,
}

/// The kinds of this version.
pub(in crate::manifest) static KINDS: &[Kind] = &[
    Kind {
        name: "http",
        attributes: HTTP,
        meaning: "HTTP requests at the function's own address and at further paths.",
    },
    Kind { name: "cron", attributes: CRON, meaning: "A schedule." },
    Kind { name: "message", attributes: MESSAGE, meaning: "Events of a topic, or the responses of another function." },
];

/// Kinds that Nuclio has and this version has not.
pub(in crate::manifest) const OTHER_KINDS: &[&str] = &[
    "kafka-cluster",
    "kafka",
    "v3ioStream",
    "rabbit-mq",
    "rabbitMq",
    "nats",
    "mqtt",
    "iotCoreMqtt",
    "kinesis",
    "eventhub",
    "pubsub",
    "kickstart",
    "v3ioItemPoller",
];

const STREAMS: &str = "no source of this version divides into partitions";
const BROKER: &str = "no source of this version connects to a broker";

/// A trigger, but for its `attributes`.
pub(in crate::manifest) static TRIGGER: &[Key] = &[
    key("kind", Shape::Text, "", "The source: `http`, `cron` or `message`.").required(),
    key("name", Shape::Text, "the key", "The trigger's name; the same as the key."),
    key("disabled", Shape::Bool, "false", "Kept, but brings nothing."),
    key(
        "numWorkers",
        Shape::Integer { min: 1, max: 100_000 },
        "",
        "Workers. The largest of a function's triggers counts, and is multiplied by the replicas.",
    )
    .alias("maxWorkers"),
    key(
        "workerAvailabilityTimeoutMilliseconds",
        Shape::Integer { min: i64::MIN, max: 86_400_000 },
        "10000",
        "How long a call waits for a free worker; 0 does not wait, less than 0 is the default.",
    ),
    key("batch", Shape::Object(BATCH), "", "Hands several events to the handler at once."),
    key("paths", Shape::List(&Shape::Text), "", "For `http`: the same as `attributes.paths`."),
    key("attributes", Shape::Any, "", "The settings of the kind."),
    no_effect("class", "it follows from the kind"),
    no_effect("url", "the server listens at its own address"),
    no_effect("workerAllocatorName", "all triggers of a function share its workers"),
    no_effect("workerTerminationTimeout", "workers that end answer what they have begun"),
    no_effect("explicitAckMode", STREAMS),
    no_effect("waitExplicitAckDuringRebalanceTimeout", STREAMS),
    no_effect("partitions", STREAMS),
    no_effect("username", BROKER),
    no_effect("password", BROKER),
    no_effect("secret", BROKER),
    no_effect("annotations", "no annotation has a meaning here"),
    no_effect("total_tasks", STREAMS),
    no_effect("max_task_allocation", STREAMS),
];

static BATCH: &[Key] = &[
    key("mode", Shape::Choice(&["enable", "disable"]), "`disable`", "Whether events are gathered."),
    key("batchSize", Shape::Integer { min: 1, max: 100_000 }, "10", "At most so many events."),
    key("timeout", Shape::Duration, "`1s`", "The first event waits at most so long for others."),
];

static HTTP: &[Key] = &[
    key(
        "paths",
        Shape::List(&Shape::Text),
        "",
        "Further paths beside the function's own address, beginning with `/`. One that ends in `/*` stands for everything below it.",
    ),
    key("methods", Shape::List(&Shape::Text), "all", "Methods that are let in."),
    key("hosts", Shape::List(&Shape::Text), "all", "Only requests with one of these hosts reach `paths`."),
    key("maxRequestBodySize", Shape::Quantity, "`64Mi`", "The largest request body, in bytes or as in `4Mi`."),
    key("cors", Shape::Object(CORS), "", "Cross-origin rules."),
    key(
        "ingresses",
        Shape::Map(&Shape::Object(INGRESS)),
        "",
        "Nuclio's way to say hosts and paths; they are added to `hosts` and `paths`.",
    ),
    no_effect("port", "the server listens at its own address"),
    no_effect("serviceType", KUBERNETES),
    no_effect("readBufferSize", "it is the server's"),
    no_effect("reduceMemoryUsage", "it is the server's"),
    no_effect("disablePortPublishing", "no port is published"),
    no_effect("mode", "see spec.type"),
];

static CORS: &[Key] = &[
    key("enabled", Shape::Bool, "false", "Whether the rules apply."),
    key("allowOrigins", Shape::List(&Shape::Text), "`*`", "Origins, compared without case."),
    key("allowMethods", Shape::List(&Shape::Text), "HEAD, GET, POST, PUT, DELETE, OPTIONS, PATCH", "Methods."),
    key(
        "allowHeaders",
        Shape::List(&Shape::Text),
        "Accept, Content-Length, Content-Type, Authorization, X-Nuclio-Log-Level",
        "Request headers.",
    ),
    key("allowCredentials", Shape::Bool, "false", "Whether credentials may be sent."),
    key("exposeHeaders", Shape::List(&Shape::Text), "", "Response headers that scripts may read."),
    key(
        "preflightMaxAgeSeconds",
        Shape::Integer { min: -1, max: 31_536_000 },
        "5",
        "How long a preflight may be cached, in seconds.",
    ),
    no_effect("preflightRequestMethod", "a preflight is an OPTIONS request"),
];

static INGRESS: &[Key] = &[
    key("host", Shape::Text, "any", "The host."),
    key("paths", Shape::List(&Shape::Text), "`/`", "Paths."),
    key(
        "pathType",
        Shape::Choice(&["Exact", "Prefix", "ImplementationSpecific"]),
        "`ImplementationSpecific`",
        "`Exact`: the paths alone. Otherwise also everything below them.",
    ),
    no_effect("hostTemplate", KUBERNETES),
    no_effect("secretName", KUBERNETES),
    no_effect("ingressClassName", KUBERNETES),
    no_effect("annotations", KUBERNETES),
];

static CRON: &[Key] = &[
    key(
        "schedule",
        Shape::Text,
        "",
        "5 fields, 6 fields (seconds first), a word such as `@hourly`, `@every 90s`, or `@from 2026-11-22T05 every 3 months` (UTC). Either this or `interval` is needed.",
    ),
    key("interval", Shape::Duration, "", "The time between two events, at least `100ms`. Stronger than `schedule`."),
    key("timeZone", Shape::Text, "`UTC`", "The time zone of `schedule`, as in `Europe/Berlin`."),
    key(
        "missed",
        Shape::Choice(&["skip", "once", "all"]),
        "`once`",
        "What becomes of events that fell due while nobody was there: none, one for all of them, or each (up to a hundred).",
    ),
    key("event", Shape::Object(CRON_EVENT), "", "The event's content."),
    no_effect("concurrencyPolicy", "events are queued; maxReplicas bounds how many run at once"),
    no_effect("jobBackoffLimit", "see spec.retry"),
];

static CRON_EVENT: &[Key] = &[
    key("body", Shape::Text, "empty", "The body."),
    key("headers", Shape::Map(&Shape::Text), "", "The headers."),
    key("path", Shape::Text, "`/`", "The path."),
    key("method", Shape::Text, "`POST`", "The method."),
];

static MESSAGE: &[Key] = &[
    key("topic", Shape::Text, "", "The topic whose events it takes. Either this or `subscribeTo` is needed."),
    key("subscribeTo", Shape::Text, "", "The function whose responses it takes.").alias("subscribe_to"),
];
