//! `tidemill completion`.

use clap::Args;
use clap_complete::Shell;

use crate::{cli, failure::Failure, output};

/// Prints a completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(tidemill completion bash)
  tidemill completion zsh > ~/.zfunc/_tidemill
  tidemill completion fish > ~/.config/fish/completions/tidemill.fish")]
pub struct Completion {
    /// The shell
    shell: Shell,
}

impl Completion {
    pub fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut cli::command(), "tidemill", &mut script);
        output::raw(&script)
    }
}
