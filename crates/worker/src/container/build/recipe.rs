//! Where a function lies in an image, and what starts it there.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use tidemill_core::{FunctionRef, ports::Launch, spec::Runtime};

use super::{dockerfile::Dockerfile, needs::Needs};
use crate::{container::engine::ImageFacts, process::wrapper_command};

/// Where images hold what Tidemill put in.
pub(super) const HOME: &str = "/opt/tidemill";
const DIRECTORY: &str = "tidemill.inside.directory";
const HANDLER: &str = "tidemill.inside.handler";
const PATHS: &str = "tidemill.inside.paths";

/// A function inside an image, as the image's labels tell of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inside {
    /// The folder of its package.
    pub directory: PathBuf,
    /// Its entry point.
    pub handler: String,
    /// Folders for the module search path.
    pub paths: Vec<PathBuf>,
}

impl Inside {
    /// What the labels say; `None` when no function was put into the image.
    pub fn read(labels: &BTreeMap<String, String>) -> Option<Inside> {
        let paths = labels.get(PATHS).map(String::as_str).unwrap_or_default();
        Some(Inside {
            directory: labels.get(DIRECTORY)?.into(),
            handler: labels.get(HANDLER).cloned().unwrap_or_default(),
            paths: paths.split(':').filter(|path| !path.is_empty()).map(PathBuf::from).collect(),
        })
    }

    /// The labels that say so.
    fn labels(&self) -> BTreeMap<String, String> {
        let paths: Vec<_> = self.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        [
            (DIRECTORY, self.directory.to_string_lossy().into_owned()),
            (HANDLER, self.handler.clone()),
            (PATHS, paths.join(":")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

/// The program that runs a language in a container, before its arguments.
pub(crate) fn interpreter(runtime: &Runtime) -> Option<String> {
    match runtime {
        Runtime::Python(None) => Some("python3".to_owned()),
        Runtime::Python(Some(version)) => {
            // An image has `python3.11`, never `python3.11.4`.
            let release: Vec<&str> = version.split('.').take(2).collect();
            Some(format!("python{}", release.join(".")))
        }
        Runtime::Nodejs => Some("node".to_owned()),
        Runtime::Shell | Runtime::Binary | Runtime::Wasm | Runtime::Image | Runtime::Webhook => None,
    }
}

/// The image that has what `needs` asks for, on the image `base`.
pub(super) fn with_needs(base: &str, facts: &ImageFacts, needs: &Needs) -> String {
    let mut file = Dockerfile::from(base);
    file.user("0");
    needs.write(&mut file);
    file.user(&facts.user);
    file.text()
}

/// The image that runs the function of `launch` by itself: its Dockerfile and labels. The context has the package in
/// `package/` and the wrappers of the languages in `runtime/`.
pub(super) fn of_function(
    launch: &Launch,
    base: &str,
    facts: &ImageFacts,
    needs: Option<&Needs>,
) -> Result<(String, BTreeMap<String, String>), String> {
    let runtime = &launch.spec.runtime;
    let package = format!("{HOME}/package");
    let (words, variables) = match (
        interpreter(runtime),
        wrapper_command(runtime, Path::new(&format!("{HOME}/runtime"))),
    ) {
        (Some(program), Some((arguments, variables))) => {
            (std::iter::once(program).chain(arguments).collect::<Vec<_>>(), variables)
        }
        _ if *runtime == Runtime::Binary => (vec![program(launch, &package)], Vec::new()),
        _ => {
            return Err(format!(
                "the runtime {runtime} has no worker that could be put into an image; python, nodejs and binary have"
            ));
        }
    };
    let mut file = Dockerfile::from(base);
    file.user("0");
    if let Some(needs) = needs {
        needs.write(&mut file);
    }
    if !variables.is_empty() {
        file.copy("runtime/", &format!("{HOME}/runtime/"));
    }
    file.copy("package/", &format!("{package}/")).workdir(&package);
    for (name, value) in &variables {
        file.env(name, value);
    }
    file.user(&facts.user).entrypoint(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let paths = needs.map(|needs| needs.paths.iter().map(PathBuf::from).collect()).unwrap_or_default();
    let inside = Inside { directory: package.into(), handler: launch.spec.handler.clone(), paths };
    Ok((file.text(), inside.labels()))
}

/// The program of a binary function whose package the container sees at `package`: a file of it, or one that the image has.
pub(crate) fn program(launch: &Launch, package: &str) -> String {
    let handler = launch.spec.handler.as_str();
    let is_file = !handler.is_empty() && !handler.starts_with('/') && launch.directory.join(handler).is_file();
    if is_file { format!("{package}/{handler}") } else { handler.to_owned() }
}

/// A name for images of a function, without a tag: what a name of an image cannot hold becomes `-`.
pub(super) fn image_name(function: &FunctionRef) -> String {
    let plain = |text: &str| {
        let mut name = String::new();
        for c in text.chars().map(|c| c.to_ascii_lowercase()) {
            match c {
                'a'..='z' | '0'..='9' => name.push(c),
                // One separator at a time.
                _ if name.ends_with('-') => {}
                _ => name.push('-'),
            }
        }
        name.trim_matches('-').to_owned()
    };
    format!("tidemill/{}-{}", plain(function.project.as_str()), plain(function.name.as_str()))
}

#[cfg(test)]
mod tests {
    use tidemill_core::spec::{Build, FunctionSpec};

    use super::*;
    use crate::container::tests::launch;

    fn function(runtime: Runtime, handler: &str, build: Build) -> Launch {
        let mut spec = FunctionSpec::new(runtime);
        (spec.handler, spec.build) = (handler.to_owned(), build);
        launch(spec.into())
    }

    #[test]
    fn an_image_of_a_function_says_where_it_lies() {
        let build = Build { requirements: vec!["requests".to_owned()], ..Build::default() };
        let launch = function(Runtime::Python(Some("3.11.4".into())), "main:run", build);
        let needs = Needs::of(&launch.spec.runtime, &launch.spec.build, &launch.directory).unwrap();
        let facts = ImageFacts { user: "app".to_owned(), ..ImageFacts::default() };
        let (file, labels) = of_function(&launch, "python:3.11", &facts, needs.as_ref()).unwrap();
        for part in [
            "FROM python:3.11\nUSER 0\nWORKDIR /opt/tidemill/needs\nCOPY [\"needs/\"",
            "\nCOPY [\"runtime/\",\"/opt/tidemill/runtime/\"]\nCOPY [\"package/\",\"/opt/tidemill/package/\"]\nWORKDIR /opt/tidemill/package\n",
            "\nENV PYTHONPATH=\"/opt/tidemill/runtime/python\"\n",
            "\nUSER app\nENTRYPOINT [\"python3.11\",\"-m\",\"tidemill_worker\"]\nCMD []\n",
        ] {
            assert!(file.contains(part), "{part:?} is not in\n{file}");
        }
        let inside = Inside {
            directory: "/opt/tidemill/package".into(),
            handler: "main:run".to_owned(),
            paths: vec!["/opt/tidemill/python".into()],
        };
        assert_eq!(Inside::read(&labels), Some(inside));
        assert_eq!(Inside::read(&BTreeMap::new()), None);
    }

    #[test]
    fn each_runtime_has_its_program() {
        let facts = ImageFacts::default();
        let entry = |runtime, handler: &str| {
            let launch = function(runtime, handler, Build::default());
            let (file, _) = of_function(&launch, "x", &facts, None)?;
            Ok::<_, String>(file.lines().find(|line| line.starts_with("ENTRYPOINT")).unwrap_or_default().to_owned())
        };
        assert_eq!(entry(Runtime::Python(None), "").unwrap(), r#"ENTRYPOINT ["python3","-m","tidemill_worker"]"#);
        let node = r#"ENTRYPOINT ["node","/opt/tidemill/runtime/nodejs/worker.mjs"]"#;
        assert_eq!(entry(Runtime::Nodejs, "").unwrap(), node);
        assert_eq!(entry(Runtime::Binary, "server").unwrap(), r#"ENTRYPOINT ["server"]"#);
        assert!(entry(Runtime::Shell, "run.sh").unwrap_err().contains("the runtime shell has no worker"));
    }

    #[test]
    fn names_of_functions_become_names_of_images() {
        for (function, name) in [
            ("hello", "tidemill/default-hello"),
            ("Shop:Hello_World", "tidemill/shop-hello-world"),
            ("TACC-PROD:a--b.c", "tidemill/tacc-prod-a-b-c"),
        ] {
            assert_eq!(image_name(&function.parse().unwrap()), name);
        }
    }
}
