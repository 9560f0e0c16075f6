//! `tidemill up`.

mod deploying;
mod news;
mod voices;

use std::path::PathBuf;

use clap::Args;
use futures_util::FutureExt;

use self::deploying::Deploying;
use super::server::ServeFlags;
use crate::{context::Context, failure::Failure, logging, node::Node, output, watch::Watched};

/// Starts a server on this machine, deploys what is given, and redeploys it whenever it changes.
///
/// Nothing needs to be configured. The server goes on serving what was deployed before as well. Ctrl-C stops it after
/// what is running has finished; a second ctrl-C leaves at once. At a terminal it also shows what functions print.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill up
  tidemill up hello.py
  tidemill up examples/chain/extract examples/chain/transform examples/chain/report
  tidemill up hello.py --listen 127.0.0.1:8080 --data ./state")]
pub struct Up {
    /// Source files, folders or archives to deploy
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    pub flags: ServeFlags,
}

impl Up {
    pub async fn run(self, context: Context) -> Result<(), Failure> {
        if let Some(missing) = self.paths.iter().find(|path| !path.exists()) {
            return Err(Failure::fixable(format!("there is nothing at {}", missing.display()))
                .hint("give the path of a source file, a folder, a zip or a tar.gz"));
        }
        context.warn();
        logging::start(&context.settings, true)?;
        // Changes count from here on, those made while the first deployments go on included.
        let watched = self.paths.into_iter().map(Watched::new).collect();
        let node = Node::start(&context.settings).await?;
        output::line(node.greeting())?;
        let deploying = Deploying::new(node.engine().clone(), context.settings.project(), node.url());
        let engine = node.engine().clone();
        let beside = async { tokio::join!(deploying.run(watched), voices::show(&engine)) };
        node.serve(beside.map(drop)).await
    }
}
