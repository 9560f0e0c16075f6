//! `tidemill deploy`.

use std::path::PathBuf;

use clap::Args;
use tidemill_api::Deployed;
use tidemill_core::{manifest::Overrides, ports::Package, spec::EnvVar};

use crate::{
    context::{Context, explain},
    failure::Failure,
    output::{self, Lines},
    package,
};

/// Deploys a function: a source file, a folder, a zip, a tar.gz or a container image.
///
/// A new revision is made beside the serving one, started, and switched to when it is ready; no request fails meanwhile.
/// Whatever goes wrong, the former revision goes on serving. Flags win over `function.yaml`. Ctrl-C while packages are installed or commands of
/// the build run gives the deployment up.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidemill deploy hello.py
  tidemill deploy thumbnail/ --memory 512Mi --timeout 10s
  tidemill deploy report.py --event timer --frequency 15
  tidemill deploy load.py --event message --subscribe-to extract
  tidemill deploy --image abacosamples/test --name test
  tidemill deploy --image shop/api:3 --contract http
  tidemill deploy bundle.zip --name shop --runtime nodejs --handler main:handler --env TOKEN=abc

Of a folder, .git, __pycache__, node_modules, .venv and the like stay behind, and what its file .tidemillignore names: one
pattern a line, # begins a comment. * stands for any text without /, ** for any text, ? for one character. A pattern with a /
in it counts from the folder, any other holds at every depth; one that ends in / means folders only.")]
pub struct Deploy {
    /// What to deploy; not needed with --image
    #[arg(value_name = "PATH", required_unless_present = "image")]
    path: Option<PathBuf>,
    /// The container image that its workers run in; without PATH the image is all there is
    #[arg(long)]
    image: Option<String>,
    /// How an image is talked to: run (one container an execution), worker or http
    #[arg(long, requires = "image", conflicts_with = "path", value_parser = ["run", "worker", "http"], hide_possible_values = true)]
    contract: Option<String>,
    /// The function's name [default: from function.yaml, else the name of the file or folder]
    #[arg(long)]
    name: Option<String>,
    /// The language environment: python, python:3.11, nodejs, shell, binary, wasm, image or webhook [default: by the file's extension]
    #[arg(long)]
    runtime: Option<String>,
    /// The entry point, as in main:handler
    #[arg(long)]
    handler: Option<String>,
    /// An environment variable of the function; may be given many times
    #[arg(long, value_name = "KEY=VALUE", value_parser = variable)]
    env: Vec<EnvVar>,
    /// Memory of one worker, as in 128Mi; a bare number is in MB
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// How long an event may run, as in 30s
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// How callers get the answer: sync (or wait_for_response), or async
    #[arg(long = "type", value_name = "TYPE")]
    call_type: Option<String>,
    /// What makes it run: webhook, timer or message
    #[arg(long, value_name = "EVENT")]
    event: Option<String>,
    /// With --event timer: every so many minutes
    #[arg(long, value_name = "MINUTES")]
    frequency: Option<String>,
    /// With --event message: the function whose responses are its events
    #[arg(long, value_name = "FUNCTION", alias = "subscribe_to")]
    subscribe_to: Option<String>,
    /// With --event message: the topic whose events it gets
    #[arg(long)]
    topic: Option<String>,
    /// What it is for, in a sentence
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

fn variable(text: &str) -> Result<EnvVar, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok(EnvVar { name: name.to_owned(), value: value.to_owned() }),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

impl Deploy {
    pub async fn run(mut self, context: Context) -> Result<(), Failure> {
        if self.path.is_none() && self.name.is_none() {
            self.name = self.image.as_deref().map(name_of);
        }
        let package = match (&self.path, &self.contract) {
            (Some(path), _) => package::read(path)?,
            (None, None) => Package::empty(self.name.as_deref().unwrap_or_default()),
            (None, Some(contract)) => of_contract(contract)?,
        };
        let client = context.client()?;
        let lines = Lines::new(self.name.as_deref().unwrap_or(&package.file_name));
        let result = client.deploy(&package, &self.overrides(&context), |line| lines.show(line)).await;
        lines.end();
        let deployed = result.map_err(explain).map_err(|failure| lines.unshown(failure))?;
        for warning in &deployed.warnings {
            output::note(format!("warning: {warning}"));
        }
        let base = context.url();
        output::value(context.format, &deployed, |deployed| text(deployed, &base))
    }

    fn overrides(self, context: &Context) -> Overrides {
        Overrides {
            name: self.name,
            project: context.project(),
            runtime: self.runtime,
            handler: self.handler,
            image: self.image,
            env: self.env,
            memory: self.memory,
            timeout: self.timeout,
            call_type: self.call_type,
            event: self.event,
            frequency: self.frequency,
            subscribe_to: self.subscribe_to,
            topic: self.topic,
            description: self.description,
        }
    }
}

/// The name of a function after its image: `shop/api:3` is `api`.
fn name_of(image: &str) -> String {
    let without_digest = image.split('@').next().unwrap_or(image);
    let last = without_digest.rsplit('/').next().unwrap_or(without_digest);
    last.split(':').next().unwrap_or(last).to_owned()
}

/// A package that says only how its image is talked to.
fn of_contract(contract: &str) -> Result<Package, Failure> {
    let manifest = serde_json::json!({"spec": {"runtime": "image", "container": {"contract": contract}}});
    package::of_text("function.yaml", &manifest.to_string())
}

/// What a deployment is for people: name, revision, and where it answers or what makes it run.
pub fn text(deployed: &Deployed, base: &str) -> String {
    let what = format!("{} {} serves", deployed.name, output::revision(deployed.revision));
    let news = if deployed.unchanged { " (unchanged)" } else { "" };
    let mut lines = vec![format!("{what}{news}")];
    lines
        .extend(output::reached(&deployed.spec, &deployed.addresses, base).into_iter().map(|line| format!("  {line}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_called_after_their_image() {
        for (image, name) in
            [("busybox", "busybox"), ("abacosamples/test:1.0", "test"), ("localhost:5000/shop/api@sha256:abc", "api")]
        {
            assert_eq!(name_of(image), name);
        }
    }

    #[test]
    fn variables_have_a_name() {
        assert_eq!(variable("A=b=c"), Ok(EnvVar { name: "A".to_owned(), value: "b=c".to_owned() }));
        assert!(variable("A").is_err() && variable("=b").is_err());
    }
}
