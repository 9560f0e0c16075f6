//! Building, once for each name at a time.

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tidemill_core::{
    invocation::{LogLevel, LogLine},
    ports::{Launch, LaunchError, Progress},
};

use super::{
    context::Files,
    image_name,
    needs::Needs,
    recipe::{of_function, with_needs},
};
use crate::{
    build::Key,
    container::engine::{BuildImage, ContainerEngine, EngineError, ImageFacts},
    linked::refused,
    logs::{cut_text, now},
    words::human_duration,
};

/// How long a build may take. A function can ask for less.
const BUILD_TIMEOUT: Duration = Duration::from_secs(3600);
/// Lines of progress that a failed build keeps: the last ones.
const LINES_MAX: usize = 200;
/// The Dockerfile that Tidemill writes, in a context.
const OWN_FILE: &str = ".tidemill.Dockerfile";

type Turn = Arc<tokio::sync::Mutex<()>>;

/// See the module.
pub(crate) struct Images {
    engine: Arc<dyn ContainerEngine>,
    limits: BuildLimits,
    turns: Mutex<BTreeMap<String, Turn>>,
}

/// What the steps of a build may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BuildLimits {
    /// Memory, swap included, in bytes.
    pub memory_bytes: Option<u64>,
    /// Cores, in thousand-millionths.
    pub nano_cpus: Option<u64>,
}

/// Whoever watches a build go on; nobody when a worker is launched.
pub(crate) type Watcher<'a> = Option<&'a dyn Progress>;

impl Images {
    /// Builds on `engine`.
    pub fn new(engine: Arc<dyn ContainerEngine>, limits: BuildLimits) -> Images {
        Images { engine, limits, turns: Mutex::default() }
    }

    /// The image of a package with a `Dockerfile`, by name.
    pub async fn of_dockerfile(&self, launch: &Launch, watcher: Watcher<'_>) -> Result<String, LaunchError> {
        let files =
            Files { folders: vec![(String::new(), launch.directory.clone())], files: Vec::new(), obeys_ignore: true };
        let digest = digest(files.clone()).await?;
        let name = format!("{}:{}", image_name(&launch.function), digest);
        let build = BuildImage {
            name: name.clone(),
            dockerfile: "Dockerfile".to_owned(),
            labels: labels(launch),
            ..BuildImage::default()
        };
        self.unless_there(&name, self.build(launch, build, files, watcher)).await?;
        Ok(name)
    }

    /// The image `base` with what the function's language depends on: its name, and folders for the module search path.
    /// `base` itself when there is nothing to install.
    pub async fn with_dependencies(
        &self,
        launch: &Launch,
        base: &str,
        facts: &ImageFacts,
        watcher: Watcher<'_>,
    ) -> Result<(String, Vec<PathBuf>), LaunchError> {
        let Some(needs) = needs(launch)? else { return Ok((base.to_owned(), Vec::new())) };
        let text = with_needs(base, facts, &needs);
        let mut key = Key::new("image", &launch.function.project);
        key.field(&facts.id).field(&text);
        key.list(needs.files.iter().map(|(name, _)| name.as_str()));
        for (_, content) in &needs.files {
            key.field(&String::from_utf8_lossy(content));
        }
        let package = package(&launch.directory);
        if needs.whole_package {
            key.field(&digest(package.clone()).await?);
        }
        let name = format!("tidemill/environment:{}", key.digest().as_str());
        let mut files = if needs.whole_package { package } else { Files::default() };
        add_needs(&mut files, &needs);
        files.files.push((OWN_FILE.to_owned(), text.into_bytes()));
        let build = BuildImage { name: name.clone(), dockerfile: OWN_FILE.to_owned(), ..BuildImage::default() };
        self.unless_there(&name, self.build(launch, build, files, watcher)).await?;
        Ok((name, needs.paths.iter().map(PathBuf::from).collect()))
    }

    /// An image that runs the function of `launch`, on an image, under the name `tag`. `wrappers` is the folder with the wrappers
    /// of the languages. Gives its id.
    pub async fn of_function(
        &self,
        launch: &Launch,
        (base, facts): (&str, &ImageFacts),
        wrappers: &Path,
        tag: &str,
        watcher: Watcher<'_>,
    ) -> Result<String, LaunchError> {
        let needs = needs(launch)?;
        let (text, inside) = of_function(launch, base, facts, needs.as_ref()).map_err(refused)?;
        let mut files = package(&launch.directory);
        files.folders.push(("runtime/".to_owned(), wrappers.to_owned()));
        if let Some(needs) = &needs {
            add_needs(&mut files, needs);
        }
        files.files.push((OWN_FILE.to_owned(), text.into_bytes()));
        let build = BuildImage {
            name: tag.to_owned(),
            dockerfile: OWN_FILE.to_owned(),
            labels: labels(launch).into_iter().chain(inside).collect(),
            ..BuildImage::default()
        };
        let turn = self.turn(tag);
        let _turn = turn.lock().await;
        self.build(launch, build, files, watcher).await
    }

    fn turn(&self, name: &str) -> Turn {
        let mut turns = self.turns.lock();
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        turns.entry(name.to_owned()).or_default().clone()
    }

    /// Runs `build` unless the engine has the image, after waiting for somebody who may be building it.
    async fn unless_there(
        &self,
        name: &str,
        build: impl Future<Output = Result<String, LaunchError>>,
    ) -> Result<(), LaunchError> {
        let turn = self.turn(name);
        let _turn = turn.lock().await;
        match self.engine.image(name).await {
            Ok(_) => Ok(()),
            Err(EngineError::NoImage(_)) => build.await.map(drop),
            Err(error) => Err(refused(error.explain())),
        }
    }

    async fn build(
        &self,
        launch: &Launch,
        mut build: BuildImage,
        files: Files,
        watcher: Watcher<'_>,
    ) -> Result<String, LaunchError> {
        (build.memory_bytes, build.nano_cpus) = (self.limits.memory_bytes, self.limits.nano_cpus);
        let lines = Mutex::new(std::collections::VecDeque::new());
        let tell = |text: &str| {
            let mut lines = lines.lock();
            if lines.len() == LINES_MAX {
                lines.pop_front();
            }
            lines.push_back(LogLine {
                time: now(),
                level: LogLevel::Info,
                message: cut_text(text, 4096),
                fields: None,
            });
            drop(lines);
            if let Some(watcher) = watcher {
                watcher.line(text);
            }
        };
        tell(&format!("building the image {}", build.name));
        let timeout = build_timeout(launch.spec.build.build_timeout_seconds);
        let work = self.engine.build(&build, files.stream(), &tell);
        let built = match tokio::time::timeout(timeout, work).await {
            Ok(built) => built.map_err(|error| error.explain()),
            Err(_) => Err(format!("it took longer than its build timeout of {}", human_duration(timeout))),
        };
        let logs = lines.into_inner().into();
        built.map_err(|why| LaunchError { reason: format!("the image could not be built: {why}"), logs })
    }
}

/// The time of a build whose function asks for so many seconds.
fn build_timeout(seconds: Option<i64>) -> Duration {
    let asked = seconds.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
    asked.map_or(BUILD_TIMEOUT, |seconds| Duration::from_secs(seconds).min(BUILD_TIMEOUT))
}

fn needs(launch: &Launch) -> Result<Option<Needs>, LaunchError> {
    Needs::of(&launch.spec.runtime, &launch.spec.build, &launch.directory).map_err(refused)
}

fn package(directory: &Path) -> Files {
    Files { folders: vec![("package/".to_owned(), directory.to_owned())], ..Files::default() }
}

fn add_needs(files: &mut Files, needs: &Needs) {
    files.files.extend(needs.files.iter().map(|(name, content)| (format!("needs/{name}"), content.clone())));
}

async fn digest(files: Files) -> Result<String, LaunchError> {
    let read = tokio::task::spawn_blocking(move || files.digest()).await;
    let digest = read.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    digest.map_err(|error| refused(format!("the package cannot be read: {error}")))
}

fn labels(launch: &Launch) -> BTreeMap<String, String> {
    [("tidemill.image.function", launch.function.to_string()), ("tidemill.image.revision", launch.revision.to_string())]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

#[cfg(test)]
mod tests {
    use tidemill_core::spec::{Build, FunctionSpec, Runtime};

    use super::*;
    use crate::container::{engine::fake::FakeEngine, tests::launch};

    struct Lines(Mutex<Vec<String>>);

    impl Progress for Lines {
        fn line(&self, text: &str) {
            self.0.lock().push(text.to_owned());
        }
    }

    fn function(runtime: Runtime, build: Build, files: &[(&str, &str)]) -> (tempfile::TempDir, Launch) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let mut launch = launch(FunctionSpec { build, ..FunctionSpec::new(runtime) }.into());
        launch.directory = folder.path().to_owned();
        (folder, launch)
    }

    fn builds(engine: &FakeEngine) -> usize {
        engine.requests().iter().filter(|request| *request == "build").count()
    }

    #[tokio::test]
    async fn the_same_package_is_built_once() {
        let engine = FakeEngine::new();
        let images = Images::new(engine.clone(), BuildLimits::default());
        let (folder, launch) = function(Runtime::Image, Build::default(), &[("Dockerfile", "FROM scratch")]);
        let lines = Lines(Mutex::default());
        let (first, second) =
            tokio::join!(images.of_dockerfile(&launch, Some(&lines)), images.of_dockerfile(&launch, Some(&lines)));
        let name = first.unwrap();
        assert_eq!(name.split_once(':').unwrap().1.len(), 64, "no other package can be made to have this name");
        assert_eq!((second.unwrap(), builds(&engine)), (name.clone(), 1));
        assert_eq!(*lines.0.lock(), [format!("building the image {name}"), "Step 1/1".to_owned()]);
        std::fs::write(folder.path().join("new"), "x").unwrap();
        assert_ne!(images.of_dockerfile(&launch, None).await.unwrap(), name);
        assert_eq!(builds(&engine), 2);
        assert!(images.turns.lock().len() <= 1);
    }

    #[test]
    fn every_build_has_a_time_limit() {
        for (seconds, limit) in [(None, 3600), (Some(0), 3600), (Some(-1), 3600), (Some(5), 5), (Some(i64::MAX), 3600)]
        {
            assert_eq!(build_timeout(seconds), Duration::from_secs(limit), "{seconds:?}");
        }
    }

    #[tokio::test]
    async fn a_failed_build_tells_what_it_printed() {
        let engine = FakeEngine::new();
        let images = Images::new(engine.clone(), BuildLimits::default());
        let (_folder, launch) = function(Runtime::Image, Build::default(), &[("Dockerfile", "FROM scratch")]);
        engine.fail_next("build", EngineError::Refused("no such command: mkae".to_owned()));
        let error = images.of_dockerfile(&launch, None).await.unwrap_err();
        assert_eq!(error.reason, "the image could not be built: the container engine refused: no such command: mkae");
        assert!(error.logs[0].message.starts_with("building the image tidemill/"), "{:?}", error.logs);
        assert!(images.of_dockerfile(&launch, None).await.is_ok(), "the next try builds again");
    }

    #[tokio::test]
    async fn dependencies_make_an_image_that_is_found_again() {
        let engine = FakeEngine::new();
        let images = Images::new(engine.clone(), BuildLimits::default());
        let facts = ImageFacts { id: "sha256:1".to_owned(), ..ImageFacts::default() };
        let (_folder, plain) = function(Runtime::Python(None), Build::default(), &[("main.py", "")]);
        assert_eq!(images.with_dependencies(&plain, "base", &facts, None).await.unwrap(), ("base".to_owned(), vec![]));
        let (_folder, needy) = function(Runtime::Python(None), Build::default(), &[("requirements.txt", "numpy")]);
        let (name, paths) = images.with_dependencies(&needy, "base", &facts, None).await.unwrap();
        assert!(name.starts_with("tidemill/environment:"), "{name}");
        assert_eq!((paths, builds(&engine)), (vec![PathBuf::from("/opt/tidemill/python")], 1));
        let (_folder, other) =
            function(Runtime::Python(None), Build::default(), &[("requirements.txt", "numpy"), ("a", "")]);
        assert_eq!(images.with_dependencies(&other, "base", &facts, None).await.unwrap().0, name);
        let newer = ImageFacts { id: "sha256:2".to_owned(), ..ImageFacts::default() };
        assert_ne!(images.with_dependencies(&needy, "base", &newer, None).await.unwrap().0, name);
        assert_eq!(builds(&engine), 2);
    }

    #[tokio::test]
    async fn a_function_becomes_an_image() {
        let engine = FakeEngine::new();
        let wrappers = tempfile::tempdir().unwrap();
        let images = Images::new(engine.clone(), BuildLimits::default());
        let (_folder, launch) = function(Runtime::Nodejs, Build::default(), &[("index.js", "")]);
        let facts = ImageFacts::default();
        let id = images.of_function(&launch, ("node:22", &facts), wrappers.path(), "mine:1", None).await.unwrap();
        assert_eq!(id, "sha256:mine:1");
        let (_folder, shell) = function(Runtime::Shell, Build::default(), &[("run.sh", "")]);
        let error = images.of_function(&shell, ("x", &facts), wrappers.path(), "mine:2", None).await.unwrap_err();
        assert!(error.reason.contains("no worker"), "{}", error.reason);
    }
}
