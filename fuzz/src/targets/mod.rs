//! The targets, one a file.

mod archive;
mod cloudevents;
mod conversation;
mod events;
mod frames;
mod ignore;
mod json;
mod manifest;
mod names;
mod output;
mod schedule;
mod sends;
mod token;
mod wasm;
mod yaml;

use crate::target::Target;

/// All of them.
pub const ALL: &[Target] = &[
    frames::TARGET,
    events::TARGET,
    conversation::TARGET,
    sends::TARGET,
    output::TARGET,
    yaml::TARGET,
    manifest::TARGET,
    schedule::TARGET,
    names::TARGET,
    cloudevents::TARGET,
    json::TARGET,
    token::TARGET,
    archive::TARGET,
    ignore::TARGET,
    wasm::TARGET,
];
