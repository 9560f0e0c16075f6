//! `spec.container`.

use super::{Key, Shape, key};

/// `spec.container`.
pub(in crate::manifest) static CONTAINER: &[Key] = &[
    key(
        "image",
        Shape::Text,
        "built from the package's `Dockerfile`",
        "The image: its name, with a tag or a digest. For a language it must have the interpreter: Python >= 3.9, Node.js >= 18.",
    ),
    key(
        "contract",
        Shape::Choice(CONTRACTS),
        "`run` for the runtime `image`, else `worker`",
        "How the container is talked to. `run`: one container an execution, the event in its environment. `worker`: a long-lived one that speaks the worker protocol. `http`: a long-lived one with an HTTP server on `$PORT`. Other runtimes than `image` have `worker` only.",
    ),
    key(
        "pull",
        Shape::Choice(PULLS),
        "`missing`",
        "When the image is pulled: when the engine does not have it, each time a worker starts, or never.",
    ),
    key(
        "entrypoint",
        Shape::List(&Shape::Text),
        "the image's",
        "In place of the image's entry point, for the runtime `image`.",
    ),
    key(
        "command",
        Shape::List(&Shape::Text),
        "the image's",
        "In place of the image's command, for the runtime `image`.",
    ),
    key("user", Shape::Text, "the image's", "`uid`, `uid:gid`, or a name that the image knows."),
    key(
        "mounts",
        Shape::List(&Shape::Object(MOUNT)),
        "",
        "Folders and files of the host. The server's settings say which are allowed.",
    ),
    key(
        "networks",
        Shape::List(&Shape::Text),
        "the engine's default network",
        "Networks of the engine. `[none]` is no network.",
    ),
    key(
        "privileged",
        Shape::Bool,
        "false",
        "All rights of the host. The server's settings and the caller's role say whether it is allowed.",
    ),
    key("pids", Shape::Integer { min: 1, max: 4_194_304 }, "512", "Processes and threads at once."),
    key(
        "port",
        Shape::Integer { min: 1, max: 65_535 },
        "8080",
        "For the contract `http`: the port on which the server in the container listens, told to it as `PORT`.",
    ),
];

/// The words of `contract`.
pub(in crate::manifest) const CONTRACTS: &[&str] = &["run", "worker", "http"];
/// The words of `pull`.
pub(in crate::manifest) const PULLS: &[&str] = &["missing", "always", "never"];

static MOUNT: &[Key] = &[
    key("source", Shape::Text, "", "The path on the host, absolute.").required(),
    key("target", Shape::Text, "", "The path in the container, absolute.").required(),
    key("readOnly", Shape::Bool, "false", "Whether the container may not write there."),
];
