//! What a function's language installs into an image.

use std::path::Path;

use tidemill_core::spec::{Build, NODE_MANIFEST, PYTHON_REQUIREMENTS, Runtime};

use super::{dockerfile::Dockerfile, recipe::HOME};
use crate::build::{has_dependencies, names_a_file, requirement_lines, text_of_package};

/// Nuclio's mark for commands that run after the code was copied: here that is where all of them run.
const POST_COPY: &str = "@nuclio.postCopy";
const FURTHER: &str = "further-requirements.txt";
const NODE_FILES: [&str; 4] = [NODE_MANIFEST, "package-lock.json", "npm-shrinkwrap.json", ".npmrc"];

/// What is to be installed, and where it then lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Files of the context, in the folder `needs/`.
    pub files: Vec<(String, Vec<u8>)>,
    /// Whether the steps read further files of the package.
    pub whole_package: bool,
    /// The programs to run, in order.
    steps: Vec<Vec<String>>,
    /// Folders of the image for the module search path.
    pub paths: Vec<String>,
}

impl Needs {
    /// What the package in `directory` and its settings ask for; `None` for nothing.
    pub fn of(runtime: &Runtime, build: &Build, directory: &Path) -> Result<Option<Needs>, String> {
        let mut needs = Needs::default();
        for command in build.commands.iter().filter(|command| command.trim() != POST_COPY) {
            needs.step(&["/bin/sh", "-c", command]);
            needs.whole_package = true;
        }
        match runtime {
            Runtime::Python(_) => needs.python(build, directory)?,
            Runtime::Nodejs => needs.node(build, directory)?,
            _ if !build.requirements.is_empty() => {
                return Err(format!("build.requirements are for python and nodejs; {runtime} functions have none"));
            }
            _ => {}
        }
        Ok((!needs.steps.is_empty()).then_some(needs))
    }

    fn step(&mut self, words: &[&str]) {
        self.steps.push(words.iter().map(|word| (*word).to_owned()).collect());
    }

    fn python(&mut self, build: &Build, directory: &Path) -> Result<(), String> {
        let text = read(directory, PYTHON_REQUIREMENTS)?.filter(|text| requirement_lines(text).next().is_some());
        let target = format!("{HOME}/python");
        let mut install = vec!["python3", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"];
        install.extend(["--no-cache-dir", "--target", &target]);
        let bare = install.len();
        let named = build.requirements.iter().map(String::as_str);
        self.whole_package |= text.iter().flat_map(|text| requirement_lines(text)).chain(named).any(names_a_file);
        if let Some(text) = text {
            self.files.push((PYTHON_REQUIREMENTS.to_owned(), text.into_bytes()));
            install.extend(["-r", PYTHON_REQUIREMENTS]);
        }
        if !build.requirements.is_empty() {
            self.files.push((FURTHER.to_owned(), (build.requirements.join("\n") + "\n").into_bytes()));
            install.extend(["-r", FURTHER]);
        }
        if install.len() > bare {
            self.step(&install);
            self.paths.push(target);
        }
        Ok(())
    }

    fn node(&mut self, build: &Build, directory: &Path) -> Result<(), String> {
        let mut asks = false;
        if let Some(manifest) = read(directory, NODE_MANIFEST)? {
            asks = has_dependencies(&manifest).map_err(|error| error.to_string())?
                && !directory.join("node_modules").is_dir();
        }
        if asks {
            for name in NODE_FILES {
                if let Some(text) = read(directory, name)? {
                    self.files.push((name.to_owned(), text.into_bytes()));
                }
            }
        }
        if !asks && build.requirements.is_empty() {
            return Ok(());
        }
        let is_locked = self.files.iter().any(|(name, _)| name.ends_with("lock.json") || name.ends_with("wrap.json"));
        let mut words = vec!["npm", if is_locked && build.requirements.is_empty() { "ci" } else { "install" }];
        words.extend(build.requirements.iter().map(String::as_str));
        words.extend(["--omit=dev", "--no-audit", "--no-fund", "--loglevel=warn"]);
        self.step(&words);
        self.paths.push(format!("{HOME}/needs/node_modules"));
        Ok(())
    }

    /// Writes the steps. The context has [`Needs::files`] in `needs/` and, when it is wanted, the package in `package/`.
    pub fn write(&self, file: &mut Dockerfile) {
        let folder = format!("{HOME}/needs/");
        file.workdir(folder.trim_end_matches('/'));
        if self.whole_package {
            file.copy("package/", &folder);
        }
        if !self.files.is_empty() {
            file.copy("needs/", &folder);
        }
        for step in &self.steps {
            file.run(&step.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
}

/// A text file of the package, if it is there.
fn read(directory: &Path, name: &str) -> Result<Option<String>, String> {
    text_of_package(directory, name).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn text(runtime: Runtime, build: &Build, files: &[(&str, &str)]) -> Option<(String, Vec<String>, bool)> {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let needs = Needs::of(&runtime, build, folder.path()).unwrap()?;
        let mut file = Dockerfile::from("x");
        needs.write(&mut file);
        Some((file.text(), needs.paths.clone(), needs.whole_package))
    }

    fn build(commands: &[&str], requirements: &[&str]) -> Build {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Build { commands: texts(commands), requirements: texts(requirements), ..Build::default() }
    }

    const PIP: &str = r#"RUN ["python3","-m","pip","install","--disable-pip-version-check","--no-input","--no-cache-dir","--target","/opt/tidemill/python""#;

    #[test]
    fn python_installs_requirements() {
        let python = || Runtime::Python(None);
        assert_eq!(text(python(), &Build::default(), &[("main.py", "")]), None);
        assert_eq!(text(python(), &Build::default(), &[("requirements.txt", "# none\n\n")]), None);
        let (file, paths, whole) = text(python(), &Build::default(), &[("requirements.txt", "numpy==2.0")]).unwrap();
        let copied = "FROM x\nWORKDIR /opt/tidemill/needs\nCOPY [\"needs/\",\"/opt/tidemill/needs/\"]\n";
        assert_eq!(file, format!("{copied}{PIP},\"-r\",\"requirements.txt\"]\n"));
        assert_eq!((paths, whole), (vec!["/opt/tidemill/python".to_owned()], false));
        let (_, _, whole) = text(python(), &Build::default(), &[("requirements.txt", "./own")]).unwrap();
        assert!(whole);
        let (file, _, _) = text(python(), &build(&["apt-get install -y x"], &["requests"]), &[]).unwrap();
        assert!(file.contains("RUN [\"/bin/sh\",\"-c\",\"apt-get install -y x\"]\nRUN [\"python3\""), "{file}");
        assert!(file.contains("\"-r\",\"further-requirements.txt\""), "{file}");
    }

    #[test]
    fn node_installs_dependencies() {
        let manifest = ("package.json", r#"{"dependencies": {"a": "1"}}"#);
        assert_eq!(text(Runtime::Nodejs, &Build::default(), &[("package.json", "{}")]), None);
        assert_eq!(text(Runtime::Nodejs, &Build::default(), &[manifest, ("node_modules/a/x.js", "")]), None);
        for (files, build, words) in [
            (&[manifest][..], build(&[], &[]), "\"npm\",\"install\",\"--omit=dev\""),
            (&[manifest, ("package-lock.json", "{}")], build(&[], &[]), "\"npm\",\"ci\","),
            (&[], build(&[], &["left@1"]), "\"npm\",\"install\",\"left@1\","),
        ] {
            let (file, paths, _) = text(Runtime::Nodejs, &build, files).unwrap();
            assert!(file.contains(words), "{file}");
            assert_eq!(paths, ["/opt/tidemill/needs/node_modules"]);
        }
    }

    #[test]
    fn other_runtimes_have_commands_only() {
        let (file, ..) = text(Runtime::Binary, &build(&["make", POST_COPY], &[]), &[]).unwrap();
        assert!(file.ends_with("RUN [\"/bin/sh\",\"-c\",\"make\"]\n"), "{file}");
        assert!(Needs::of(&Runtime::Binary, &build(&[], &["a"]), Path::new("/")).is_err());
    }
}
