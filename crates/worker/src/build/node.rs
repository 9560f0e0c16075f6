//! Environments for Node.js: a `node_modules` when the package or its spec asks for dependencies.

use std::{ffi::OsString, fs};

use tidemill_core::{
    ProjectName,
    ports::{BuildError, Environment, Progress},
    spec::{Build, NODE_MANIFEST},
};

use super::{
    command::{Step, deadline},
    draft::disk,
    environments::{Claim, Vacant},
    interpreter::{Interpreter, find_program, is_program},
    package::{Key, Order, Workshop},
    reading,
};

const LOCKS: [&str; 2] = ["package-lock.json", "npm-shrinkwrap.json"];
const SETTINGS: &str = ".npmrc";

/// Makes the environment, or finds it.
pub(crate) async fn environment(
    shop: &Workshop,
    order: Order<'_>,
    progress: &dyn Progress,
) -> Result<Environment, BuildError> {
    let node = shop.interpreters.node().await?;
    let Some(needs) = Needs::of(order)? else {
        return Ok(Environment { paths: Vec::new(), program: node.program, version: node.version });
    };
    let directory =
        match shop.environments.claim(&needs.key(&node).digest(), deadline(order.build.build_timeout_seconds)).await? {
            Claim::Ready(directory) => directory,
            Claim::Vacant(vacant) => {
                needs.install(shop, &node, &vacant, progress).await?;
                vacant.complete().await?
            }
        };
    Ok(Environment { paths: vec![directory.join("node_modules")], program: node.program, version: node.version })
}

struct Needs<'a> {
    project: &'a ProjectName,
    build: &'a Build,
    /// The files that npm reads: names and contents. Of the package a build sees nothing else.
    files: Vec<(&'static str, String)>,
}

impl Needs<'_> {
    fn of(order: Order<'_>) -> Result<Option<Needs<'_>>, BuildError> {
        let Order { project, unpacked, build } = order;
        let brings_its_own = unpacked.files.iter().any(|file| file.starts_with("node_modules/"));
        let mut files = Vec::new();
        for name in [NODE_MANIFEST].into_iter().chain(LOCKS).chain([SETTINGS]) {
            files.extend(reading::text(&unpacked.directory, name)?.map(|text| (name, text)));
        }
        let asks = match files.iter().find(|(name, _)| *name == NODE_MANIFEST) {
            Some((_, text)) => has_dependencies(text)? && !brings_its_own,
            None => false,
        };
        if !asks {
            files.clear();
        }
        let has_needs = asks || !build.requirements.is_empty() || !build.commands.is_empty();
        Ok(has_needs.then_some(Needs { project, build, files }))
    }

    fn key(&self, node: &Interpreter) -> Key {
        let mut key = Key::new("nodejs", self.project);
        key.field(&node.program.to_string_lossy()).field(&node.version);
        key.list(self.files.iter().flat_map(|(name, text)| [*name, text.as_str()]));
        key.list(self.build.requirements.iter().map(String::as_str));
        key.list(self.build.commands.iter().map(String::as_str));
        key
    }

    async fn install(
        &self,
        shop: &Workshop,
        node: &Interpreter,
        vacant: &Vacant,
        progress: &dyn Progress,
    ) -> Result<(), BuildError> {
        let home = vacant.path();
        progress.line(&format!("making an environment for Node.js {}", node.version));
        for (name, text) in &self.files {
            fs::write(home.join(name), text).map_err(disk(*name))?;
        }
        let modules = home.join("node_modules");
        fs::create_dir_all(&modules).map_err(disk("node_modules cannot be made"))?;
        let beside = node.program.with_file_name("npm");
        let npm = if is_program(&beside) { Some(beside) } else { find_program(&shop.search_path, "npm") };
        let mut site = shop.sites.open(home).await?;
        let until = deadline(self.build.build_timeout_seconds);
        [Some(&node.program), npm.as_ref()].into_iter().flatten().for_each(|program| site.show_program(program));
        let environment = site.environment(&modules.join(".bin"), &shop.search_path, &[]);
        shop.run_commands(&mut site, &self.build.commands, home, &environment, until, progress).await?;
        let is_locked = self.files.iter().any(|(name, _)| LOCKS.contains(name));
        let mut words: Vec<&str> = vec![if is_locked && self.build.requirements.is_empty() { "ci" } else { "install" }];
        let specs = self.build.requirements.iter().map(String::as_str);
        words.extend(specs);
        if self.files.is_empty() && self.build.requirements.is_empty() {
            return site.finish().await;
        }
        let missing = || {
            BuildError::Runtime("npm is neither beside node nor in PATH, and the package has dependencies".to_owned())
        };
        let options = ["--omit=dev", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=warn"];
        Step {
            name: format!("npm {}", words.join(" ")),
            program: npm.ok_or_else(missing)?,
            arguments: words.iter().chain(&options).map(OsString::from).collect(),
            directory: home.to_owned(),
            environment,
        }
        .run(&mut site, until, progress)
        .await?;
        site.finish().await
    }
}

/// Whether a `package.json` asks for something to be installed.
pub(crate) fn has_dependencies(manifest: &str) -> Result<bool, BuildError> {
    let manifest: serde_json::Value = serde_json::from_str(manifest)
        .map_err(|error| BuildError::Package(format!("{NODE_MANIFEST} is not JSON: {error}")))?;
    let lists = ["dependencies", "optionalDependencies", "peerDependencies"];
    Ok(lists.iter().any(|list| manifest[*list].as_object().is_some_and(|list| !list.is_empty())))
}
