//! Deploying the paths of `tidemill up`, first all of them and then each that changes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant,
};

use tidemill_core::{FunctionRef, ProjectName, manifest::Overrides, ports::Package};
use tidemill_engine::{DeployRequest, Deployed, Engine};

use super::news;
use crate::{
    failure::Failure,
    output::Lines,
    package,
    watch::{Watched, Watcher},
};

/// Deploys paths.
pub struct Deploying {
    engine: Engine,
    project: ProjectName,
    url: String,
    /// The function that each path became.
    functions: BTreeMap<PathBuf, FunctionRef>,
}

impl Deploying {
    /// Deploys into `project` of `engine`, whose server is at `url`.
    pub fn new(engine: Engine, project: ProjectName, url: String) -> Deploying {
        Deploying { engine, project, url, functions: BTreeMap::new() }
    }

    /// Deploys everything, then whatever changes, for ever. A failure is printed; the file can be mended and saved again.
    pub async fn run(mut self, watched: Vec<Watched>) {
        let paths: Vec<PathBuf> = watched.iter().map(|watched| watched.path.clone()).collect();
        for path in &paths {
            self.deploy(path).await;
        }
        news::ready(&self.engine, paths.len());
        if paths.is_empty() {
            return;
        }
        let (mut watcher, problem) = Watcher::start(watched);
        if let Some(problem) = problem {
            news::slow_watch(&problem);
        }
        loop {
            for path in watcher.changed().await {
                self.deploy(&path).await;
            }
        }
    }

    async fn deploy(&mut self, path: &Path) {
        let started = Instant::now();
        let package = match pack(path.to_owned()).await {
            Ok(package) => package,
            Err(failure) => return news::failed(path, &failure, self.serving(path)),
        };
        let overrides = Overrides { project: Some(self.project.to_string()), ..Overrides::default() };
        let lines = Lines::new(&package.file_name);
        let result = self.engine.deploy(DeployRequest::package(package, overrides), &lines).await;
        lines.end();
        match result {
            Ok(deployed) => {
                self.warn_of_twins(path, &deployed);
                self.functions.insert(path.to_owned(), deployed.function.clone());
                news::deployed(&self.engine, &deployed, &self.url, started.elapsed());
            }
            Err(error) => news::failed(path, &lines.unshown(news::failure(&error)), self.serving(path)),
        }
    }

    /// What still serves although a deployment of `path` failed.
    fn serving(&self, path: &Path) -> Option<(FunctionRef, u32)> {
        let function = self.functions.get(path)?;
        Some((function.clone(), self.engine.function(function)?.revision.0))
    }

    fn warn_of_twins(&self, path: &Path, deployed: &Deployed) {
        let twin = self.functions.iter().find(|(other, function)| *other != path && **function == deployed.function);
        if let Some((other, _)) = twin {
            news::twins(path, other, &deployed.function);
        }
    }
}

/// Reads a path without holding up the server.
async fn pack(path: PathBuf) -> Result<Package, Failure> {
    let packed = tokio::task::spawn_blocking(move || package::read(&path)).await;
    packed.unwrap_or_else(|error| Err(Failure::broken(format!("packing broke off: {error}"))))
}
