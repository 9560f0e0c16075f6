//! The server's own log: lines on standard error, JSON for programs and plain for people.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::{
    config::{Origin, Settings},
    failure::Failure,
};

/// What `tidemill up` logs on a terminal unless told otherwise: it tells about deployments itself.
const BESIDE_NEWS: &str = "warn,tidemill_engine::pool=error";

/// Starts the log as the settings say. `tells_news`: the command itself tells the person at the terminal what goes on.
pub fn start(settings: &Settings, tells_news: bool) -> Result<(), Failure> {
    let level = match settings.origin("log.level") {
        Origin::Default if tells_news && std::io::stderr().is_terminal() => BESIDE_NEWS.to_owned(),
        _ => settings.word("log.level"),
    };
    let filter = EnvFilter::try_new(&level).map_err(|error| {
        Failure::usage(format!("{}: {level:?} is not a log level: {error}", settings.origin("log.level")))
            .hint("use error, warn, info, debug or trace, also for parts as in info,tidemill_engine=debug")
    })?;
    let is_json = match settings.word("log.format").as_str() {
        "json" => true,
        "human" => false,
        _ => !std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let result = if is_json {
        builder.json().flatten_event(true).with_current_span(false).try_init()
    } else {
        builder.with_ansi(console::colors_enabled_stderr()).with_target(false).try_init()
    };
    result.map_err(|error| Failure::broken(format!("the log cannot start: {error}")))
}
