//! `tidemill grant set`.

use clap::Args;

use super::{Of, table};
use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Sets what a user may do with a function, an alias or a secret.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill grant set hello bob EXECUTE
  tidemill grant set hello ABACO_WORLD READ     everybody in the project
  tidemill grant set hello bob NONE             takes it back

A higher level includes the lower ones: READ looks at it, EXECUTE runs it, UPDATE changes and deletes it.")]
pub struct Set {
    /// The function, or what the flags say
    name: String,
    /// The user; ABACO_WORLD is everybody in the project
    user: String,
    /// NONE, READ, EXECUTE or UPDATE
    #[arg(ignore_case = true, value_parser = ["NONE", "READ", "EXECUTE", "UPDATE"], hide_possible_values = true)]
    level: String,
    #[command(flatten)]
    of: Of,
}

impl Set {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        let grants = client.grant(self.of.kind(), &self.name, &self.user, &self.level).await.map_err(explain)?;
        output::value(context.format, &grants, table)
    }
}
