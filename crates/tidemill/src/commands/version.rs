//! `tidemill version`.

use clap::Args;
use serde::Serialize;

use crate::{context::Context, failure::Failure, output};

/// Prints the version of this program.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill version
  tidemill version -o json")]
pub struct Version {}

#[derive(Serialize)]
struct View {
    version: &'static str,
}

impl Version {
    pub fn run(self, context: &Context) -> Result<(), Failure> {
        let view = View { version: env!("CARGO_PKG_VERSION") };
        output::value(context.format, &view, |view| format!("tidemill {}", view.version))
    }
}
