//! The command line: flags that hold for every command, and which command it is.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{CommandFactory, FromArgMatches, Parser, error::ErrorKind};

use crate::{
    commands::Command,
    config::{Flags, Settings, Sources},
    context::Context,
    failure::{Exit, Failure},
    output::{self, Format},
};

/// Runs functions when events come, reliably, and shows what they did.
///
/// One program is everything: server, store, workers and this command line. `tidemill up` starts it all on this machine
/// with no configuration.
#[derive(Debug, Parser)]
#[command(name = "tidemill", version, propagate_version = false, arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  tidemill up hello.py              start a server, deploy hello.py, redeploy it whenever it changes
  tidemill invoke hello --data Ada  call it
  tidemill logs hello -f            see what it prints
  tidemill help deploy              all about one command

Exit codes: 0 done, 1 you can fix it, 2 we cannot do it, 64 wrong flags or configuration.")]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The server to talk to [env: TIDEMILL_URL] [default: http://127.0.0.1:7070]
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// The project to work in [env: TIDEMILL_PROJECT] [default: default]
    #[arg(long, global = true, value_name = "NAME")]
    project: Option<String>,
    /// How lists and views are printed
    #[arg(long, short, global = true, value_name = "FORMAT", default_value = "table", hide_possible_values = false)]
    output: Format,
    /// A configuration file [default: $XDG_CONFIG_HOME/tidemill/tidemill.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Parses the command line and runs the command.
pub fn run() -> Result<(), Failure> {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return explain(&error),
    };
    let Cli { global, command } = Cli::from_arg_matches(&matches).map_err(|error| usage(&error))?;
    let mut flags: Flags = command.settings();
    flags.extend(global.url.map(|url| ("url", url)));
    flags.extend(global.project.map(|project| ("project", project)));
    let variables: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let settings = Settings::load(&Sources { flags, config: global.config, variables: &variables })?;
    command.run(Context::new(settings, global.output))
}

/// The command line as clap knows it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Help and version are answers; everything else clap says is wrong usage.
fn explain(error: &clap::Error) -> Result<(), Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => output::raw(error.render().to_string().as_bytes()),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            output::note(error.render().to_string().trim_end());
            Err(Failure { exit: Exit::Usage, message: String::new(), hints: Vec::new() })
        }
        _ => Err(usage(error)),
    }
}

fn usage(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    Failure::usage(text.trim_start_matches("error: ").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }
}
