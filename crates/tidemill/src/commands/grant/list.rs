//! `tidemill grant list`.

use clap::Args;

use super::{Of, table};
use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Shows who may do what with a function, an alias or a secret.
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
#[command(after_help = "\
Examples:
  tidemill grant list hello
  tidemill grant list db-password --secret")]
pub struct List {
    /// The function, or what the flags say
    name: String,
    #[command(flatten)]
    of: Of,
}

impl List {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let grants = context.client()?.grants(self.of.kind(), &self.name).await.map_err(explain)?;
        output::value(context.format, &grants, table)
    }
}
