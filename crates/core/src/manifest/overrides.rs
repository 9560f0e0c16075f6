//! Flags given at deploy.

use serde::{Deserialize, Serialize};

use crate::spec::EnvVar;

/// Flags given at deploy; each wins over the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// `--name`: the function's name.
    pub name: Option<String>,
    /// `--project`: the project.
    pub project: Option<String>,
    /// `--runtime`, as in `python:3.11`.
    pub runtime: Option<String>,
    /// `--handler`, as in `main:handler`.
    pub handler: Option<String>,
    /// `--image`: the image that its workers run in. Without source files the runtime is `image`.
    pub image: Option<String>,
    /// `--env`: merged into the file's variables by name.
    pub env: Vec<EnvVar>,
    /// `--memory`: a quantity such as `128Mi` or `512M`; a bare number is in MiB, as in Pratai.
    pub memory: Option<String>,
    /// `--timeout`: the event timeout, as in `30s`.
    pub timeout: Option<String>,
    /// `--type`: `sync`, `async` or `wait_for_response`.
    pub call_type: Option<String>,
    /// `--event`: `webhook`, `timer` or `message`: the function's one trigger, in place of those of the file.
    pub event: Option<String>,
    /// `--frequency`: whole minutes between the events of `--event timer`.
    pub frequency: Option<String>,
    /// `--subscribe-to`: the function whose responses are the events of `--event message`.
    pub subscribe_to: Option<String>,
    /// `--topic`: the topic whose events are those of `--event message`.
    pub topic: Option<String>,
    /// `--description`: free text.
    pub description: Option<String>,
}
