//! `tidemill secret set`.

use clap::Args;
use tidemill_api::{ConfigValue, ErrorCode, NewConfig};

use crate::{
    body,
    context::{Context, explain},
    failure::Failure,
    output,
};

/// Gives functions a secret, or another value with --plain.
///
/// It is encrypted where it is stored and never shown again. Functions get it from their next event on: Python and Node.js in
/// `context.configs`, shell in the file `TIDEMILL_CONFIGS_FILE`, WebAssembly by `config` of what it imports, containers that run
/// once an execution in `_actor_configs`.
/// Webhooks and containers that speak HTTP do not get it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill secret set db-password --for orders --data - < password.txt
  tidemill secret set region --for orders,invoices --data eu --plain

A value on the command line can be seen by other users of the machine; @FILE and - cannot.")]
pub struct Set {
    /// Its name
    name: String,
    /// The functions or aliases it is for, with commas between them
    #[arg(long = "for", value_name = "FUNCTIONS", required = true, value_delimiter = ',')]
    functions: Vec<String>,
    /// The value: a text, @FILE, or - for standard input; one line end at its end is left out
    #[arg(long, short, default_value = "-")]
    data: String,
    /// It is no secret, and is shown
    #[arg(long)]
    plain: bool,
}

impl Set {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let value = body::read(Some(&self.data))?;
        let value = std::str::from_utf8(&value).map_err(|_| Failure::fixable("the value is not UTF-8 text"))?;
        let value = value.strip_suffix('\n').unwrap_or(value);
        let value = value.strip_suffix('\r').unwrap_or(value).to_owned();
        let client = context.client()?;
        let (name, secret, functions) = (self.name, !self.plain, self.functions);
        let written = ConfigValue { value, secret, functions };
        let config = match client.put_config(&name, &written).await {
            Err(error) if error.problem().is_some_and(|problem| is_missing(problem.code)) => {
                let ConfigValue { value, secret, functions } = written;
                client.create_config(&NewConfig { name, value, secret, functions }).await
            }
            put => put,
        };
        output::value(context.format, &config.map_err(explain)?, |config| {
            format!("{} is set for {}", config.name, config.functions.join(", "))
        })
    }
}

/// Whether there is no such config yet, or none that one may know of: whoever may not write it finds out when making it.
fn is_missing(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::NoConfig | ErrorCode::Forbidden)
}
