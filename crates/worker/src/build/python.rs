//! Environments for Python: a virtualenv when the package or its spec asks for something to be installed.
//!
//! Most packages ask for names and versions, and share one environment with all of their project that ask for the same. So that nobody
//! can put something else into it, such a build sees nothing of the package: pip gets the lines that the key is made of, word by word, in a file
//! of the server's. All other lines may lead pip to files of the package, whatever they look like; then the build gets a copy of the whole
//! package, and the key has its digest. Pip and venv load modules of the interpreter only (`-I`), never of the folder they run in.

use std::{path::Path, process::Stdio};

use tidemill_core::{
    ports::{BuildError, Environment, Progress},
    spec::PYTHON_REQUIREMENTS,
};

use super::{
    command::{Step, deadline},
    environments::{Claim, Vacant},
    interpreter::{ASK_TIMEOUT, Interpreter},
    package::{Key, Order, Workshop},
    reading,
};

/// The requirements that pip is given in a file of the server's.
const GIVEN: &str = "further-requirements.txt";

/// Makes the environment, or finds it.
pub(crate) async fn environment(
    shop: &Workshop,
    order: Order<'_>,
    wish: Option<&str>,
    progress: &dyn Progress,
) -> Result<Environment, BuildError> {
    let python = shop.interpreters.python(wish).await?;
    let Some(needs) = Needs::of(order)? else {
        return Ok(Environment { paths: Vec::new(), program: python.program, version: python.version });
    };
    let until = deadline(order.build.build_timeout_seconds);
    let directory = match shop.environments.claim(&needs.key(&python).digest(), until).await? {
        Claim::Ready(directory) => directory,
        Claim::Vacant(vacant) => {
            needs.install(shop, &python, &vacant, progress).await?;
            vacant.complete().await?
        }
    };
    let (major, minor) = python.release();
    let packages = directory.join(format!("lib/python{major}.{minor}/site-packages"));
    Ok(Environment { paths: vec![packages], program: python.program, version: python.version })
}

struct Needs<'a> {
    order: Order<'a>,
    /// What the installation is called.
    name: String,
    /// The text that pip is given.
    given: String,
    /// Whether it gets the package too.
    sees_package: bool,
    /// Whether it reads the package's own `requirements.txt`, as it can only where it sees it.
    reads_own: bool,
}

impl Needs<'_> {
    fn of(order: Order<'_>) -> Result<Option<Needs<'_>>, BuildError> {
        let own = reading::text(&order.unpacked.directory, PYTHON_REQUIREMENTS)?.unwrap_or_default();
        let further = order.build.requirements.join("\n");
        let has_own = lines(&own).next().is_some();
        if !has_own && order.build.requirements.is_empty() && order.build.commands.is_empty() {
            return Ok(None);
        }
        let mut name = "pip install".to_owned();
        if has_own {
            name.push_str(" -r requirements.txt");
        }
        order.build.requirements.iter().for_each(|requirement| name.extend([" ", requirement.as_str()]));
        let all = || lines(&own).chain(lines(&further));
        let sees_package = all().any(names_a_file);
        let given = match sees_package {
            true => further.clone(),
            false => all().flat_map(|line| [line, "\n"]).collect(),
        };
        Ok(Some(Needs { order, name, given, sees_package, reads_own: has_own && sees_package }))
    }

    fn key(&self, python: &Interpreter) -> Key {
        let mut key = Key::new("python", self.order.project);
        key.field(&python.program.to_string_lossy()).field(&python.version).field(&self.given);
        key.list(self.order.build.commands.iter().map(String::as_str));
        if self.sees_package {
            key.field(self.order.unpacked.digest.as_str());
        }
        key
    }

    async fn install(
        &self,
        shop: &Workshop,
        python: &Interpreter,
        vacant: &Vacant,
        progress: &dyn Progress,
    ) -> Result<(), BuildError> {
        let home = vacant.path();
        let build = self.order.build;
        progress.line(&format!("making an environment for Python {}", python.version));
        let mut site = shop.sites.open(home).await?;
        let until = deadline(build.build_timeout_seconds);
        site.show_program(&python.program);
        // Where pip finds the package's files. It writes beside the sources that it installs.
        let folder = if self.sees_package { site.lend(&self.order.unpacked.directory).await? } else { home.to_owned() };
        let mut requirements = Vec::new();
        if self.reads_own {
            requirements.push(PYTHON_REQUIREMENTS.to_owned());
        }
        if !self.given.is_empty() {
            requirements.push(site.leave(GIVEN, &self.given)?.to_string_lossy().into_owned());
        }
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
        let borrows_pip = build.commands.is_empty() && can_borrow_pip(&python.program).await;
        let mut arguments = vec!["-I", "-m", "venv", &place];
        if borrows_pip {
            arguments.insert(3, "--without-pip");
        }
        step("python -m venv", &python.program, home, &arguments).run(&mut site, until, progress).await?;
        shop.run_commands(&mut site, &build.commands, home, &environment, until, progress).await?;
        if requirements.is_empty() {
            return site.finish().await;
        }
        let own = home.join("bin/python");
        let own_text = own.to_string_lossy();
        let mut arguments = vec!["-I", "-m", "pip"];
        if borrows_pip {
            arguments.extend(["--python", &own_text]);
        }
        arguments.extend(["install", "--disable-pip-version-check", "--no-input"]);
        arguments.extend(requirements.iter().flat_map(|file| ["-r", file.as_str()]));
        let program = if borrows_pip { &python.program } else { &own };
        step(&self.name, program, &folder, &arguments).run(&mut site, until, progress).await?;
        site.finish().await
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
    let Ok(Ok(output)) = tokio::time::timeout(ASK_TIMEOUT, command.output()).await else { return false };
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.trim().split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= BORROWED_PIP_MIN
}

/// The lines that say something.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// Ends of names that pip takes for files when there are such.
const ARCHIVES: [&str; 12] =
    [".whl", ".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz", ".xz", ".txz", ".lz", ".tlz", ".lzma"];

/// Whether a requirement may lead to a file of the package, whose content then counts: whatever is neither `name[extras] versions; marker`
/// nor an `https` address, with or without a name.
pub(crate) fn names_a_file(line: &str) -> bool {
    let is_printable = line.chars().all(|letter| matches!(letter, ' '..='~'));
    let rest = line.trim_start_matches(|letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter));
    let name = line[..line.len() - rest.len()].to_ascii_lowercase();
    let is_name = name.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && !ARCHIVES.iter().any(|archive| name.ends_with(archive));
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, rest)) => rest.trim_start(),
        None => rest,
    };
    let is_address = |text: &str| text.trim_start().starts_with("https://");
    let is_versions = rest.is_empty() || rest.starts_with(['<', '>', '=', '!', '~', '(', ';', '#']);
    let is_plain = match rest.strip_prefix('@') {
        Some(address) => is_address(address),
        None => is_versions && !rest.contains(['/', '\\']) && !rest.contains(" -"),
    };
    !(is_printable && (is_address(line) || is_name && is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_versions_and_addresses_are_no_files() {
        for line in [
            "six",
            "six==1.16.0",
            "zope.interface >= 5, < 7",
            "requests[security,socks] ~= 2.8 ; python_version < \"3.9\"",
            "numpy (>=1.0)",
            "six # what it is for",
            "tidy @ https://example.org/tidy-1.0-py3-none-any.whl",
            "https://example.org/tidy-1.0.tar.gz",
        ] {
            assert!(!names_a_file(line), "{line}");
        }
        for line in [
            "./lib",
            ".",
            "lib/",
            "/srv/lib",
            "helpers-1.0-py3-none-any.whl",
            "vendor.tar.gz",
            "Vendor.ZIP[extra]",
            "tidy @ file:///proc/self/cwd/lib",
            "tidy@lib",
            "file:lib",
            "git+https://example.org/tidy",
            "-e .",
            "-r other.txt",
            "--find-links wheels",
            "--index-url https://example.org/simple",
            "six --config-settings=a=b",
            "six \\",
            "six\r-r other.txt",
            "six\u{b}./lib",
            "six\u{2028}./lib",
            "six\u{85}./lib",
            "\u{feff}six",
            "sıx",
            "",
        ] {
            assert!(names_a_file(line), "{line:?}");
        }
    }

    #[test]
    fn lines_that_say_nothing_are_left_out() {
        let text = "\n# ours\n six \r\n\t\n  # none\n./lib # here\n";
        assert_eq!(lines(text).collect::<Vec<_>>(), ["six", "./lib # here"]);
    }
}
