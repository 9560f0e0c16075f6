//! Environments for Python: a virtualenv when the package or its spec asks for something to be installed.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tidemill_core::{
    ports::{BuildError, Environment, Progress, Unpacked},
    spec::Build,
};

use super::{
    command::{Step, deadline},
    environments::{Claim, Vacant},
    interpreter::Interpreter,
    package::{Key, Workshop},
    reading,
    site::Site,
};

const REQUIREMENTS: &str = "requirements.txt";
/// The spec's own requirements, written into the environment.
const FURTHER: &str = "further-requirements.txt";

/// Makes the environment, or finds it.
pub(crate) async fn environment(
    shop: &Workshop,
    unpacked: &Unpacked,
    build: &Build,
    wish: Option<&str>,
    progress: &dyn Progress,
) -> Result<Environment, BuildError> {
    let python = shop.interpreters.python(wish).await?;
    let Some(needs) = Needs::of(unpacked, build)? else {
        return Ok(Environment { paths: Vec::new(), program: python.program, version: python.version });
    };
    let directory = match shop.environments.claim(&needs.key(&python).digest()).await? {
        Claim::Ready(directory) => directory,
        Claim::Vacant(vacant) => {
            needs.install(shop, &python, &vacant, progress).await?;
            vacant.complete()?
        }
    };
    let (major, minor) = python.release();
    let packages = directory.join(format!("lib/python{major}.{minor}/site-packages"));
    Ok(Environment { paths: vec![packages], program: python.program, version: python.version })
}

struct Needs<'a> {
    unpacked: &'a Unpacked,
    build: &'a Build,
    /// The text of `requirements.txt`, when there is one.
    requirements: Option<String>,
}

impl Needs<'_> {
    fn of<'a>(unpacked: &'a Unpacked, build: &'a Build) -> Result<Option<Needs<'a>>, BuildError> {
        let requirements =
            reading::text(&unpacked.directory, REQUIREMENTS)?.filter(|text| lines(text).next().is_some());
        let has_needs = requirements.is_some() || !build.requirements.is_empty() || !build.commands.is_empty();
        Ok(has_needs.then_some(Needs { unpacked, build, requirements }))
    }

    fn key(&self, python: &Interpreter) -> Key {
        let text = self.requirements.as_deref().unwrap_or("");
        let further = &self.build.requirements;
        let mut key = Key::new("python");
        key.field(&python.program.to_string_lossy()).field(&python.version);
        key.list(lines(text)).list(further.iter().map(String::as_str));
        key.list(self.build.commands.iter().map(String::as_str));
        if self.installs_files() {
            key.field(self.unpacked.digest.as_str());
        }
        key
    }

    /// Whether something of the package is installed, whose content then counts.
    fn installs_files(&self) -> bool {
        let text = self.requirements.as_deref().unwrap_or("");
        lines(text).chain(self.build.requirements.iter().map(String::as_str)).any(names_a_file)
    }

    async fn install(
        &self,
        shop: &Workshop,
        python: &Interpreter,
        vacant: &Vacant,
        progress: &dyn Progress,
    ) -> Result<(), BuildError> {
        let home = vacant.path();
        let until = deadline(self.build.build_timeout_seconds);
        progress.line(&format!("making an environment for Python {}", python.version));
        let mut site = shop.sites.open(home)?;
        site.show_program(&python.program);
        let package = self.place(&mut site)?;
        let requirements = self.requirements(&mut site)?;
        let environment = site.environment(&home.join("bin"), &shop.search_path, &[("VIRTUAL_ENV", home)]);
        let step = |name: &str, program: &Path, directory: &Path, arguments: &[&str]| Step {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments: arguments.iter().map(Into::into).collect(),
            directory: directory.to_owned(),
            environment: environment.clone(),
        };
        let place = home.to_string_lossy();
        // The interpreter's own pip can install into another environment, which saves installing pip there first. The
        // spec's commands may use pip, so for them there must be one.
        let borrows_pip = self.build.commands.is_empty() && can_borrow_pip(&python.program).await;
        let mut arguments = vec!["-m", "venv", &place];
        if borrows_pip {
            arguments.insert(2, "--without-pip");
        }
        step("python -m venv", &python.program, home, &arguments).run(&mut site, until, progress).await?;
        shop.run_commands(&mut site, &self.build.commands, home, &environment, until, progress).await?;
        let Some((name, requirements)) = requirements else { return site.finish().await };
        let own = home.join("bin/python");
        let own_text = own.to_string_lossy();
        let mut arguments = vec!["-m", "pip"];
        if borrows_pip {
            arguments.extend(["--python", &own_text]);
        }
        arguments.extend(["install", "--disable-pip-version-check", "--no-input"]);
        arguments.extend(requirements.iter().map(String::as_str));
        let program = if borrows_pip { &python.program } else { &own };
        step(&name, program, &package, &arguments).run(&mut site, until, progress).await?;
        site.finish().await
    }

    /// Where pip finds the package. It writes beside the sources that it installs.
    fn place(&self, site: &mut Site) -> Result<PathBuf, BuildError> {
        if self.installs_files() {
            return site.lend(&self.unpacked.directory);
        }
        site.show(&self.unpacked.directory);
        Ok(self.unpacked.directory.clone())
    }

    /// What to call the installation, and its arguments; `None` when there is nothing to install.
    fn requirements(&self, site: &mut Site) -> Result<Option<(String, Vec<String>)>, BuildError> {
        let mut name = "pip install".to_owned();
        let mut arguments = Vec::new();
        if self.requirements.is_some() {
            name.push_str(" -r requirements.txt");
            arguments.extend(["-r".to_owned(), REQUIREMENTS.to_owned()]);
        }
        if !self.build.requirements.is_empty() {
            let further = site.leave(FURTHER, &(self.build.requirements.join("\n") + "\n"))?;
            name = format!("{name} {}", self.build.requirements.join(" "));
            arguments.extend(["-r".to_owned(), further.to_string_lossy().into_owned()]);
        }
        Ok((!arguments.is_empty()).then_some((name, arguments)))
    }
}

/// The first pip that has the option `--python`.
const BORROWED_PIP_MIN: (u32, u32) = (22, 3);

/// Whether the interpreter has a pip that can install into another environment. It is asked outside of the sandbox, so it must load
/// nothing but what belongs to it.
async fn can_borrow_pip(program: &Path) -> bool {
    let mut command = tokio::process::Command::new(program);
    command.args(["-I", "-c", "import pip; print(pip.__version__)"]).current_dir("/").env_clear();
    command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let Ok(output) = command.output().await else { return false };
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.trim().split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= BORROWED_PIP_MIN
}

/// The lines that say something.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let line = |line: &'_ str| line.split(" #").next().unwrap_or("").trim().len();
    text.lines().filter(move |text| line(text) > 0 && !text.trim_start().starts_with('#')).map(str::trim)
}

/// Whether a requirement may point at a file of the package, whose content then counts.
pub(crate) fn names_a_file(line: &str) -> bool {
    let is_option = ["-r", "-c", "-e", "--requirement", "--constraint", "--editable", "--find-links", "-f"];
    is_option.iter().any(|option| line.starts_with(option))
        || (line.contains('/') && !line.contains("://"))
        || line.starts_with('.')
}
