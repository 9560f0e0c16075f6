//! What programs in general need to see.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::plan::{View, is_within};

/// Folders of programs and libraries, or links to such below `/usr`.
const SYSTEM: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/libx32"];
/// What of `/etc` says nothing about this machine's users and secrets.
const SETTINGS: [&str; 17] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/mime.types",
    "/etc/magic",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates",
    "/etc/fonts",
    "/etc/terminfo",
];
/// What of it tells of the network.
const NETWORK: [&str; 4] = ["/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf"];
const PASSWD: &str = "root:x:0:0:root:/:/bin/sh\n\
    worker:x:1000:1000:worker:/tmp:/bin/sh\n\
    nobody:x:65534:65534:nobody:/:/bin/sh\n";
const GROUP: &str = "root:x:0:\nworker:x:1000:\nnogroup:x:65534:\n";
const NSSWITCH: &str = "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n";
const HOSTS: &str = "127.0.0.1 localhost tidemill\n::1 localhost\n";
/// Parts of an installation that holds an interpreter.
const INSTALLED: [&str; 5] = ["bin", "lib", "lib64", "libexec", "include"];
/// One more part, except where an installation is in the folder of the next name: there it holds what a user's programs keep.
const SHARE: &str = "share";
const USERS_OWN: &str = ".local";
/// Installations that one leads to.
const LEADS_MAX: usize = 8;

impl View {
    /// The machine's programs, libraries and harmless settings, and `scratch_bytes` of scratch space; with what names hosts, when
    /// there is a network.
    pub fn of_machine(has_network: bool, scratch_bytes: u64) -> View {
        let mut view = View { scratch_bytes, ..View::default() };
        for path in SYSTEM.map(PathBuf::from) {
            match fs::read_link(&path) {
                Ok(target) => view.links.push((path, target)),
                Err(_) if path.is_dir() => view.shown.push(path),
                Err(_) => {}
            }
        }
        view.shown.extend(SETTINGS.map(PathBuf::from));
        let mut files = vec![("/etc/passwd", PASSWD), ("/etc/group", GROUP), ("/etc/nsswitch.conf", NSSWITCH)];
        if has_network {
            view.shown.extend(NETWORK.map(PathBuf::from));
        } else {
            files.push(("/etc/hosts", HOSTS));
        }
        view.files = files.into_iter().map(|(path, text)| (path.into(), text.to_owned())).collect();
        view
    }

    /// Shows the file or folder `path` too.
    pub fn show(&mut self, path: impl Into<PathBuf>) {
        let path = path.into();
        if !self.shows(&path) {
            self.shown.push(path);
        }
    }

    /// Shows what the interpreter or program `program` belongs to: its installation when it lies in the `bin` of one, else
    /// the file alone. A virtual environment leads to the installation that it was made from; so `program` must not be in
    /// the hands of whom the view is for.
    pub fn show_program(&mut self, program: &Path) {
        let mut leads = vec![program.to_owned()];
        for _ in 0..LEADS_MAX {
            let Some(lead) = leads.pop() else { return };
            leads.extend(fs::canonicalize(&lead).ok().filter(|real| *real != lead));
            if self.shows(&lead) {
                continue;
            }
            let Some(home) = installation(&lead) else {
                self.show(lead);
                continue;
            };
            let shares = !home.ends_with(USERS_OWN);
            let parts = INSTALLED.into_iter().chain(shares.then_some(SHARE));
            parts.map(|part| home.join(part)).filter(|part| part.is_dir()).for_each(|part| self.show(part));
            let config = home.join("pyvenv.cfg");
            if let Ok(text) = fs::read_to_string(&config) {
                self.show(config);
                let name = lead.file_name().unwrap_or_default();
                leads.extend(base_of(&text).map(|base| base.join(name)));
            }
        }
    }

    fn shows(&self, path: &Path) -> bool {
        self.shown.iter().any(|shown| self.shows_by(shown, path))
            || is_within(path, self.links.iter().map(|(link, _)| link))
    }

    /// Whether `path` is to be seen because `shown` is.
    pub(crate) fn shows_by(&self, shown: &Path, path: &Path) -> bool {
        path.starts_with(shown) && !self.unseen.iter().any(|unseen| path.starts_with(unseen) && hides(unseen, shown))
    }

    /// The folders that must be covered, because they lie in one that is shown.
    pub(crate) fn covered(&self) -> impl Iterator<Item = &PathBuf> {
        self.unseen.iter().filter(|unseen| self.shown.iter().any(|shown| hides(unseen, shown)))
    }
}

/// Whether `unseen` takes something away from what is seen of `shown`.
fn hides(unseen: &Path, shown: &Path) -> bool {
    unseen.starts_with(shown) && unseen != shown
}

/// The folder that holds the `bin` in which `program` lies, if it looks like an installation.
fn installation(program: &Path) -> Option<&Path> {
    let bin = program.parent()?;
    let home = bin.parent().filter(|home| home.parent().is_some())?;
    (bin.file_name()? == "bin" && home.join("lib").is_dir()).then_some(home)
}

/// The folder of the interpreter that a virtual environment was made from.
fn base_of(config: &str) -> Option<PathBuf> {
    let home = config.lines().find_map(|line| line.strip_prefix("home")?.trim_start().strip_prefix('='))?;
    Some(PathBuf::from(home.trim())).filter(|home| home.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unseen_is_covered_where_it_would_be_seen_and_what_is_shown_in_it_is_not() {
        let mut view =
            View { shown: vec!["/usr".into()], unseen: vec!["/usr/data".into(), "/data".into()], ..View::default() };
        assert!(view.shows(Path::new("/usr/lib")) && !view.shows(Path::new("/usr/data/packages/1")));
        view.show("/usr/data/packages/1");
        view.show("/data/packages/1");
        assert!(
            view.shows(Path::new("/usr/data/packages/1/main.py")) && !view.shows(Path::new("/usr/data/secrets.key"))
        );
        assert_eq!(view.covered().collect::<Vec<_>>(), ["/usr/data"]);
    }

    #[test]
    fn what_a_users_programs_keep_is_no_part_of_an_installation() {
        let home = tempfile::tempdir().unwrap();
        for folder in [".local/bin", ".local/lib", ".local/share/keys", "own/bin", "own/lib", "own/share"] {
            fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        let mut view = View::default();
        view.show_program(&home.path().join(".local/bin/python3"));
        view.show_program(&home.path().join("own/bin/python3"));
        let expected = [".local/bin", ".local/lib", "own/bin", "own/lib", "own/share"].map(|it| home.path().join(it));
        assert_eq!(view.shown, expected);
    }

    #[test]
    fn an_interpreter_brings_its_installation_and_a_virtual_environment_its_base() {
        let home = tempfile::tempdir().unwrap();
        let at = |path: &str| home.path().join(path);
        for folder in ["base/bin", "base/lib", "base/secrets", "venv/bin", "venv/lib", "alone"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for file in ["base/bin/python3", "venv/bin/python3", "alone/tool"] {
            fs::write(at(file), "").unwrap();
        }
        fs::write(at("venv/pyvenv.cfg"), format!("home = {}\nversion = 3\n", at("base/bin").display())).unwrap();
        let mut view = View::default();
        view.show_program(&at("venv/bin/python3"));
        view.show_program(&at("alone/tool"));
        view.shown.sort();
        let expected = ["alone/tool", "base/bin", "base/lib", "venv/bin", "venv/lib", "venv/pyvenv.cfg"].map(at);
        assert_eq!(view.shown, expected);
    }
}
