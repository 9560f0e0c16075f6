//! `spec`: Nuclio's fields, and Tidemill's beside them.

use super::{BUILD, CONTAINER, KUBERNETES, Key, NO_IMAGE, NO_METRIC_SCALING, RECORD_ONLY, Shape, key, no_effect};

const COUNT: Shape = Shape::Integer { min: 0, max: 100_000 };

/// `spec`.
pub(in crate::manifest) static SPEC: &[Key] = &[
    key("description", Shape::Text, "", "Free text."),
    key(
        "runtime",
        Shape::Text,
        "from the extension of the source file",
        "The language: `python` (or `python:3.11` and the like), `nodejs`, `shell`, `binary`; or `wasm`, WebAssembly; or `image`, a container image; or `webhook`, which posts events to a URL.",
    ),
    key(
        "handler",
        Shape::Text,
        "the package's one source file, and in it the function that the runtime finds",
        "Entry point: `module:function` (Python), `file:export` (Node.js), a script or program (shell, binary), an `http` or `https` URL (webhook). An image has none.",
    ),
    key("disable", Shape::Bool, "false", "Deployed in the paused state."),
    key(
        "env",
        Shape::List(&Shape::Object(ENV)),
        "",
        "Environment variables. Of two with one name the later one counts.",
    ),
    key(
        "triggers",
        Shape::Map(&Shape::Trigger),
        "`default-http`, see below",
        "What brings events, by name. At most one is of kind `http`.",
    ),
    key(
        "disableDefaultHTTPTrigger",
        Shape::Bool,
        "see below",
        "`true`: no http trigger is added. `false`: one is added even to a function whose triggers are all of kind `cron` or `message`.",
    ),
    key(
        "type",
        Shape::Choice(CALL_TYPES),
        "`sync`",
        "How callers get the answer: in the reply (`sync`, or Pratai's word `wait_for_response`), or 202 with an invocation id (`async`).",
    ),
    key("retry", Shape::Object(RETRY), "", "Attempts of queued invocations."),
    key(
        "ordering",
        Shape::ChoiceOrObject(&["none", "key"], ORDERING),
        "`none`",
        "`key`: queued events with the same key run one after the other.",
    ),
    key("queue", Shape::Object(QUEUE), "", "Bounds of the queue."),
    key(
        "history",
        Shape::Choice(&["none", "failed", "all"]),
        "`all`",
        "Which synchronous calls are remembered. Queued invocations always are.",
    ),
    key(
        "state",
        Shape::Choice(&["none", "function", "key"]),
        "`none`",
        "Durable state, which makes an actor of the function: one for the `function`, or one for each `key` of `ordering`. Executions that share it run one after the other.",
    ),
    key(
        "notify",
        Shape::List(&Shape::Text),
        "",
        "Functions of the project that get an event when an execution of this one ends, and when its first worker becomes ready or fails to.",
    ),
    key("logRetention", Shape::Duration, "as long as the invocation", "How long the logs of an invocation are kept."),
    key(
        "container",
        Shape::Object(CONTAINER),
        "processes of this machine",
        "Workers are containers, of this image and with these settings.",
    ),
    key("image", Shape::Text, "", "For the runtime `image`: the same as `container.image`."),
    key("build", Shape::Object(BUILD), "", "How the package becomes an environment."),
    key("resources", Shape::Object(RESOURCES), "", "Limits of one worker."),
    key(
        "sandbox",
        Shape::Object(SANDBOX),
        "",
        "What the sandbox of workers that are processes of this machine leaves open.",
    ),
    key("replicas", COUNT, "", "A fixed number: both `minReplicas` and `maxReplicas`, and stronger than they."),
    key(
        "minReplicas",
        COUNT,
        "0",
        "Workers kept running while idle, times the largest `numWorkers`. Given without `maxReplicas` it is both.",
    ),
    key(
        "maxReplicas",
        COUNT,
        "one worker a core",
        "Never more workers than this, times the largest `numWorkers`. Given without `minReplicas` it is both.",
    ),
    key("eventTimeout", Shape::Duration, "no limit", "How long an event may run. More than 0."),
    key(
        "readinessTimeoutSeconds",
        Shape::Integer { min: 1, max: 86_400 },
        "120",
        "How long a deployment may take to get a worker ready, in seconds.",
    ),
    key("idleTimeout", Shape::Duration, "`5m`", "A worker above the minimum that has been idle so long is stopped."),
    key(
        "runtimeAttributes",
        Shape::Map(&Shape::Any),
        "",
        "Free settings of the runtime. shell: `arguments` (one text, split at spaces), `responseHeaders` (a mapping). wasm: the same for commands, and `wasm`, what a module is granted, see docs/wasm.md.",
    ),
    no_effect("publish", RECORD_ONLY),
    no_effect("version", RECORD_ONLY),
    no_effect("alias", RECORD_ONLY),
    no_effect("envFrom", KUBERNETES),
    no_effect("imageHash", NO_IMAGE),
    no_effect("runRegistry", NO_IMAGE),
    no_effect("imagePullSecrets", NO_IMAGE),
    no_effect("imagePullPolicy", "see container.pull"),
    no_effect("targetCPU", NO_METRIC_SCALING),
    no_effect("customScalingMetricSpecs", NO_METRIC_SCALING),
    no_effect("autoScaleMetrics", NO_METRIC_SCALING),
    no_effect("scaleToZero", "idle workers are stopped after idleTimeout unless minReplicas keeps them"),
    no_effect("dataBindings", "this version has no data bindings"),
    no_effect(
        "volumes",
        "workers see their own package and a private folder for temporary files; for containers see container.mounts",
    ),
    no_effect("loggerSinks", "logs are kept with their invocation"),
    no_effect("dealerURI", "there is no dealer to address"),
    no_effect("platform", KUBERNETES),
    no_effect("waitReadinessTimeoutBeforeFailure", "a deployment fails at the first hard sign"),
    no_effect("serviceType", KUBERNETES),
    no_effect("securityContext", "for containers see container.user and container.privileged"),
    no_effect("serviceAccount", KUBERNETES),
    no_effect("affinity", KUBERNETES),
    no_effect("nodeSelector", KUBERNETES),
    no_effect("nodeName", KUBERNETES),
    no_effect("tolerations", KUBERNETES),
    no_effect("priorityClassName", KUBERNETES),
    no_effect("preemptionPolicy", KUBERNETES),
    no_effect("preemptionMode", KUBERNETES),
    no_effect("deploymentStrategy", "the former revision serves until the new one is ready"),
    no_effect("hostIPC", KUBERNETES),
    no_effect("devices", "workers have no devices of their own"),
    no_effect("sidecars", KUBERNETES),
    no_effect("initContainers", KUBERNETES),
    no_effect("disableSensitiveFieldsMasking", "this version does not mask fields"),
    no_effect("avatar", "it is deprecated"),
];

/// The words of `type`.
pub(in crate::manifest) const CALL_TYPES: &[&str] = &["sync", "async", "wait_for_response"];

static ENV: &[Key] = &[
    key("name", Shape::Text, "", "The variable's name.").required(),
    key("value", Shape::Text, "empty", "Its value. A number is written in quotes."),
    no_effect("valueFrom", "this version reads values from the configuration only, so the variable is not set"),
];

/// `spec.sandbox`.
static SANDBOX: &[Key] = &[key(
    "network",
    Shape::Bool,
    "false",
    "Whether workers share the machine's network. Otherwise they have a loopback of their own and reach nothing else; calls of other functions and messages do not need it.",
)];

static RESOURCES: &[Key] = &[
    key("limits", Shape::Object(LIMITS), "", "What one worker may use."),
    no_effect("requests", "nothing is set aside for workers; see limits"),
];

static LIMITS: &[Key] = &[
    key("memory", Shape::Quantity, "no limit", "Resident memory, as in `512Mi` or `1G`. At least `1Mi`."),
    key("cpu", Shape::Quantity, "no limit", "Cores, as in `0.5` or `500m`."),
    no_effect("nvidia.com/gpu", "workers have no devices of their own"),
    no_effect("ephemeral-storage", "it is not limited in this version"),
];

/// `spec.retry`.
pub(in crate::manifest) static RETRY: &[Key] = &[
    key(
        "maxAttempts",
        Shape::Integer { min: 1, max: 10_000 },
        "5",
        "Attempts in all, the first included; then the invocation is dead-lettered.",
    ),
    key("initial", Shape::Duration, "`1s`", "The wait after the first failure."),
    key("factor", Shape::Number { min: 1.0, max: 1_000.0 }, "2", "Each further wait is this many times longer."),
    key("max", Shape::Duration, "`5m`", "No wait is longer."),
    key(
        "jitter",
        Shape::Number { min: 0.0, max: 1.0 },
        "0.5",
        "A wait is shortened by up to this share of itself, by chance.",
    ),
];

static ORDERING: &[Key] = &[key("key", Shape::Object(ORDERING_KEY), "", "Order by key.").required()];

static ORDERING_KEY: &[Key] =
    &[key("header", Shape::Text, "the CloudEvents `partitionkey`, else `subject`", "The header that holds the key.")];

static QUEUE: &[Key] = &[key(
    "pendingMax",
    Shape::Integer { min: 1, max: 1_000_000_000 },
    "1000000",
    "Invocations that may be queued; more are refused with 429.",
)];
