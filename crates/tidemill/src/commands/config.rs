//! `tidemill config`.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::server::ServeFlags;
use crate::{
    config::Flags,
    context::Context,
    failure::Failure,
    output::{self, Column, Table},
};

/// Shows the configuration.
#[derive(Debug, Subcommand)]
pub enum Config {
    Show(Show),
}

/// Prints every setting with its value and where that came from.
///
/// Flags win over environment variables, those over the configuration file, that over the defaults.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill config show
  tidemill config show --config tidemill.toml -o json
  TIDEMILL_LISTEN=127.0.0.1:8080 tidemill config show")]
pub struct Show {
    #[command(flatten)]
    flags: ServeFlags,
}

#[derive(Serialize)]
struct View {
    settings: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    value: Option<String>,
    origin: String,
    meaning: &'static str,
}

impl Config {
    pub fn settings(&self) -> Flags {
        let Config::Show(show) = self;
        show.flags.settings()
    }

    pub fn run(self, context: &Context) -> Result<(), Failure> {
        context.warn();
        let row = |setting: &crate::config::Setting| Row {
            name: setting.key.name,
            value: setting.shown(),
            origin: setting.origin.to_string(),
            meaning: setting.key.doc,
        };
        let view = View { settings: context.settings.all().iter().map(row).collect() };
        output::value(context.format, &view, |view| {
            let columns = [Column::text("SETTING"), Column::flexible("VALUE"), Column::text("ORIGIN")];
            let mut table = Table::new(&columns, "there are no settings");
            for row in &view.settings {
                table.row([row.name.to_owned(), row.value.clone().unwrap_or_default(), row.origin.clone()]);
            }
            table.render()
        })
    }
}
