//! The builder as the engine sees it.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use tidemill_core::{
    Digest, ProjectName,
    ports::{BuildError, Builder, Environment, Package, Progress, Unpacked},
    spec::{Build, FunctionSpec, Runtime},
};

use super::{
    BuilderConfig,
    command::{Step, deadline},
    draft::to_digest,
    environments::{Claim, Environments},
    interpreter::{Interpreter, Interpreters},
    node,
    packages::Packages,
    program, python,
    site::{Site, Sites},
    sweeper::Sweeper,
    variables::Variable,
};

/// What an environment is to be made for.
#[derive(Clone, Copy)]
pub(crate) struct Order<'a> {
    pub project: &'a ProjectName,
    pub unpacked: &'a Unpacked,
    pub build: &'a Build,
}

/// What environments are made with.
pub(crate) struct Workshop {
    pub environments: Environments,
    pub interpreters: Interpreters,
    pub search_path: OsString,
    pub sites: Sites,
}

/// Unpacks packages and makes their environments. See the crate's `build` module.
pub struct PackageBuilder {
    packages: Arc<Packages>,
    shop: Workshop,
    sweeper: Sweeper,
}

/// How long the end of a server waits for what builds that were given up have left.
const SWEEPING_MAX: Duration = Duration::from_secs(10);

impl PackageBuilder {
    /// A builder that keeps packages and environments in the data folder of `config`, and removes what a process that died
    /// has left there half done.
    pub fn new(config: BuilderConfig) -> io::Result<PackageBuilder> {
        let sweeper = Sweeper::default();
        Ok(PackageBuilder {
            packages: Arc::new(Packages::new(config.directory.join("packages"))?),
            shop: Workshop {
                environments: Environments::new(config.directory.join("environments"), sweeper.clone())?,
                interpreters: Interpreters::new(&config),
                search_path: config.search_path,
                sites: Sites::new(
                    config.directory.join("builds"),
                    config.sandbox,
                    config.limits,
                    config.environment,
                    sweeper.clone(),
                )?,
            },
            sweeper,
        })
    }

    /// The interpreters of functions that ask for no version. The error says why there is none; functions of that runtime cannot be
    /// deployed then.
    pub async fn interpreters(&self) -> [(Runtime, Result<Interpreter, BuildError>); 2] {
        let found = &self.shop.interpreters;
        let (python, node) = tokio::join!(found.python(None), found.node());
        [(Runtime::Python(None), python), (Runtime::Nodejs, node)]
    }

    async fn blocking(
        &self,
        work: impl FnOnce(&Packages) -> Result<Unpacked, BuildError> + Send + 'static,
    ) -> Result<Unpacked, BuildError> {
        let packages = self.packages.clone();
        let result = tokio::task::spawn_blocking(move || work(&packages)).await;
        result.unwrap_or_else(|error| {
            Err(BuildError::Io { what: "a package cannot be unpacked".to_owned(), source: io::Error::other(error) })
        })
    }
}

#[async_trait]
impl Builder for PackageBuilder {
    async fn unpack(&self, package: Package) -> Result<Unpacked, BuildError> {
        self.blocking(move |packages| packages.unpack(&package)).await
    }

    async fn open(&self, digest: &Digest) -> Result<Unpacked, BuildError> {
        let digest = digest.clone();
        self.blocking(move |packages| packages.open(&digest)).await
    }

    async fn environment(
        &self,
        project: &ProjectName,
        unpacked: &Unpacked,
        spec: &FunctionSpec,
        progress: &dyn Progress,
    ) -> Result<Environment, BuildError> {
        let order = Order { project, unpacked, build: &spec.build };
        if spec.is_contained() {
            // What it depends on is installed in its image.
            return Ok(Environment::default());
        }
        match &spec.runtime {
            Runtime::Image | Runtime::Webhook => Ok(Environment::default()),
            Runtime::Wasm => program::wasm(unpacked, spec),
            Runtime::Python(wish) => python::environment(&self.shop, order, wish.as_deref(), progress).await,
            Runtime::Nodejs => node::environment(&self.shop, order, progress).await,
            Runtime::Shell | Runtime::Binary => {
                let program = match spec.runtime {
                    Runtime::Shell => program::shell(&self.shop, unpacked, &spec.handler)?,
                    _ => program::binary(unpacked, &spec.handler)?,
                };
                let paths = self.shop.plain(order, &spec.runtime, progress).await?;
                Ok(Environment { paths, program, version: String::new() })
            }
        }
    }

    async fn close(&self) {
        let sweeper = self.sweeper.clone();
        // Without an answer it is the next start that sweeps.
        let _ = tokio::task::spawn_blocking(move || sweeper.wait(SWEEPING_MAX)).await;
    }
}

impl Workshop {
    /// Runs the spec's own commands in `directory`.
    pub async fn run_commands(
        &self,
        site: &mut Site,
        commands: &[String],
        directory: &Path,
        environment: &[Variable],
        until: Instant,
        progress: &dyn Progress,
    ) -> Result<(), BuildError> {
        // Nuclio's mark for commands that run after the code was copied: here there is nothing to copy.
        for command in commands.iter().filter(|command| command.trim() != "@nuclio.postCopy") {
            progress.line(&format!("$ {command}"));
            let step = Step {
                name: command.clone(),
                program: "/bin/sh".into(),
                arguments: vec!["-c".into(), command.into()],
                directory: directory.to_owned(),
                environment: environment.to_vec(),
            };
            step.run(site, until, progress).await?;
        }
        Ok(())
    }

    /// The environment of runtimes that install nothing by themselves: a folder, if there are commands to run in it.
    async fn plain(
        &self,
        Order { project, build, .. }: Order<'_>,
        runtime: &Runtime,
        progress: &dyn Progress,
    ) -> Result<Vec<PathBuf>, BuildError> {
        if !build.requirements.is_empty() {
            let what = format!("build.requirements are for python and nodejs; {runtime} functions have none");
            return Err(BuildError::Package(what));
        }
        if build.commands.is_empty() {
            return Ok(Vec::new());
        }
        let mut key = Key::new("plain", project);
        key.list(build.commands.iter().map(String::as_str));
        match self.environments.claim(&key.digest(), deadline(build.build_timeout_seconds)).await? {
            Claim::Ready(directory) => Ok(vec![directory]),
            Claim::Vacant(vacant) => {
                let mut site = self.sites.open(vacant.path()).await?;
                let environment = site.environment(&vacant.path().join("bin"), &self.search_path, &[]);
                let until = deadline(build.build_timeout_seconds);
                self.run_commands(&mut site, &build.commands, vacant.path(), &environment, until, progress).await?;
                site.finish().await?;
                Ok(vec![vacant.complete().await?])
            }
        }
    }
}

/// What an environment is made of, each word of it: two of the same key are the same, so nobody can make one that is another's.
pub(crate) struct Key(Sha256);

impl Key {
    /// A key for environments of `kind` on this platform, shared by nobody but functions of `project`.
    pub fn new(kind: &str, project: &ProjectName) -> Key {
        let mut key = Key(Sha256::new());
        key.field("2").field(project.as_str()).field(kind).field(std::env::consts::OS).field(std::env::consts::ARCH);
        key
    }

    /// Adds a fact.
    pub fn field(&mut self, text: &str) -> &mut Key {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
        self
    }

    /// Adds a list of facts.
    pub fn list<'a>(&mut self, texts: impl Iterator<Item = &'a str>) -> &mut Key {
        let mut count = 0u64;
        for text in texts {
            self.field(text);
            count += 1;
        }
        self.0.update(count.to_le_bytes());
        self
    }

    /// The name of its folder.
    pub fn digest(self) -> Digest {
        to_digest(&self.0.finalize())
    }
}
