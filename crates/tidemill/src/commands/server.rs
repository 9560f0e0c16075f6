//! `tidemill server`.

use std::path::PathBuf;

use clap::Args;

use crate::{config::Flags, context::Context, failure::Failure, logging, node::Node, output};

/// Flags of a server, each of them a setting.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Server options")]
pub struct ServeFlags {
    /// The folder of all state [env: TIDEMILL_DATA] [default: $XDG_DATA_HOME/tidemill]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one [env: TIDEMILL_LISTEN] [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Allow listening beyond loopback: whoever reaches the port may deploy and run code [env: TIDEMILL_INSECURE]
    #[arg(long)]
    insecure: bool,
    /// How long running invocations may go on when the server stops [env: TIDEMILL_DRAIN_GRACE] [default: 30s]
    #[arg(long, value_name = "DURATION")]
    drain_grace: Option<String>,
    /// Log as auto, human or json [env: TIDEMILL_LOG_FORMAT] [default: auto]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// What to log: error, warn, info, debug, trace [env: TIDEMILL_LOG] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl ServeFlags {
    /// The settings they give.
    pub fn settings(&self) -> Flags {
        let given = [
            ("data", self.data.as_ref().map(|path| path.display().to_string())),
            ("listen", self.listen.clone()),
            ("insecure", self.insecure.then(|| true.to_string())),
            ("drain_grace", self.drain_grace.clone()),
            ("log.format", self.log_format.clone()),
            ("log.level", self.log_level.clone()),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// Starts a server.
///
/// The same as `tidemill up` without deploying or watching anything: what was deployed before is served again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill server
  tidemill server --config /etc/tidemill.toml
  tidemill server --listen 127.0.0.1:8080 --data /var/lib/tidemill

The configuration file is TOML; `tidemill config show` lists the settings.")]
pub struct Server {
    #[command(flatten)]
    pub flags: ServeFlags,
}

impl Server {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        context.warn();
        logging::start(&context.settings, false)?;
        let node = Node::start(&context.settings).await?;
        output::line(node.greeting())?;
        node.serve(std::future::pending()).await
    }
}
