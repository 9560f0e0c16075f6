//! `tidemill alias create`.

use clap::Args;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Gives a function a further name.
///
/// It can stand wherever the function's own name can, in commands, in the API and in addresses below /f/.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill alias create shop shop-v2")]
pub struct Create {
    /// The alias
    name: String,
    /// The function
    function: String,
}

impl Create {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let alias = context.client()?.create_alias(&self.name, &self.function).await.map_err(explain)?;
        output::value(context.format, &alias, |alias| format!("{} names {}", alias.name, alias.function))
    }
}
