//! `tidemill logs`.

use clap::Args;
use futures_util::StreamExt;
use tidemill_api::{LogLine, LogList};
use tidemill_core::InvocationId;

use crate::{
    context::{Context, explain},
    failure::Failure,
    output::{self, Format},
};

/// Prints what a function or an invocation printed and logged.
///
/// Each line of a function begins with its time and the end of its invocation's id; `-o json` has the whole id.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill logs hello
  tidemill logs hello -f --limit 0
  tidemill logs --invocation 01939f3c-7c1e-7000-8000-000000000001
  tidemill logs hello -f -o json | jq -r .message")]
pub struct Logs {
    /// The function
    #[arg(required_unless_present = "invocation", conflicts_with = "invocation")]
    name: Option<String>,
    /// Of this invocation only
    #[arg(long, value_name = "ID")]
    invocation: Option<InvocationId>,
    /// Go on with new lines as they come
    #[arg(long, short, conflicts_with = "invocation")]
    follow: bool,
    /// Begin with the last so many lines
    #[arg(long, value_name = "LINES", default_value_t = 100)]
    limit: u32,
}

impl Logs {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        let client = context.client()?;
        if let Some(id) = self.invocation {
            let list = client.invocation_logs(id, self.limit).await.map_err(explain)?;
            return output::value(context.format, &list, |list| table(list, output::own_log_line));
        }
        let name = self.name.expect("the command line requires a name without --invocation");
        if !self.follow {
            let list = client.logs(&name, self.limit).await.map_err(explain)?;
            return output::value(context.format, &list, |list| table(list, output::log_line));
        }
        let mut lines = client.follow_logs(&name, self.limit).await.map_err(explain)?;
        while let Some(line) = lines.next().await.transpose().map_err(explain)? {
            one(context.format, &line)?;
        }
        Ok(())
    }
}

fn table(list: &LogList, told: impl Fn(&LogLine) -> String) -> String {
    list.lines.iter().map(told).collect::<Vec<_>>().join("\n")
}

/// One line of a stream: JSON objects one a line, YAML documents one after the other.
fn one(format: Format, line: &LogLine) -> Result<(), Failure> {
    match format {
        Format::Table => output::line(output::log_line(line)),
        Format::Json => output::line(serde_json::to_string(line).expect("a log line is plain data")),
        Format::Yaml => output::line("---").and_then(|()| output::value(format, line, |_| String::new())),
    }
}
