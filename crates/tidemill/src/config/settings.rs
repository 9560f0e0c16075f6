//! The settings in effect, and where each came from.

use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use tidemill_core::ProjectName;

use super::{KEYS, Key, Kind, file, nearest, value};
use crate::{failure::Failure, moment};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// A configuration file.
    File {
        /// The file, as it was named.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// Nobody set it.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(flag) => write!(f, "flag {flag}"),
            Origin::Variable(variable) => f.write_str(variable),
            Origin::File { file, line } => write!(f, "{}:{line}", file.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// One setting in effect.
#[derive(Clone)]
pub struct Setting {
    /// Which.
    pub key: &'static Key,
    /// Its value; `None` when nobody set it and it has no fixed default.
    pub text: Option<String>,
    /// Where it came from.
    pub origin: Origin,
}

impl Setting {
    /// Its value for people: that of a secret is left out.
    pub fn shown(&self) -> Option<String> {
        let shown = |text: &String| if self.key.kind == Kind::Secret { "(set)".to_owned() } else { text.clone() };
        self.text.as_ref().map(shown)
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting").field("key", &self.key.name).field("text", &self.shown()).finish_non_exhaustive()
    }
}

/// Values given as flags, by the key's name.
pub type Flags = BTreeMap<&'static str, String>;

/// What settings are read from, so that tests can stand in for the machine.
pub struct Sources<'a> {
    /// Flags.
    pub flags: Flags,
    /// The file given with `--config`.
    pub config: Option<PathBuf>,
    /// Environment variables.
    pub variables: &'a BTreeMap<String, String>,
}

/// Every setting with its value.
#[derive(Clone, Debug)]
pub struct Settings {
    settings: Vec<Setting>,
    /// Variables that look like ours and are not.
    unknown_variables: Vec<String>,
}

/// Variables that begin with our prefix and are no settings: Tidemill gives them to the functions it runs.
const GIVEN_TO_FUNCTIONS: &[&str] = &[
    "TIDEMILL_FUNCTION",
    "TIDEMILL_PROJECT",
    "TIDEMILL_REVISION",
    "TIDEMILL_SEND_FILE",
    "TIDEMILL_STATE_FILE",
    "TIDEMILL_WORKER",
    "TIDEMILL_WORKER_MEMORY",
    "TIDEMILL_WORKER_PROTOCOL",
    "TIDEMILL_WORKER_SOCKET",
];

impl Settings {
    /// Merges flags over environment over file over defaults. Wrong values and unknown keys of the file are errors.
    pub fn load(sources: &Sources<'_>) -> Result<Settings, Failure> {
        let from_file = match config_file(sources) {
            Some((path, text)) => file::read(&path, &text?)?,
            None => Vec::new(),
        };
        let mut settings = Vec::new();
        for key in KEYS {
            let given = given(key, sources)?.or_else(|| from_file.iter().find(|s| s.key.name == key.name).cloned());
            settings.push(given.unwrap_or_else(|| Setting {
                key,
                text: default_text(key, sources.variables),
                origin: Origin::Default,
            }));
        }
        Ok(Settings { settings, unknown_variables: unknown_variables(sources.variables) })
    }

    /// All of them, in the order of the table.
    pub fn all(&self) -> &[Setting] {
        &self.settings
    }

    /// Lines about environment variables that were perhaps meant as settings.
    pub fn warnings(&self) -> Vec<String> {
        let warn = |name: &String| match nearest(name, KEYS.iter().map(|key| key.variable)) {
            Some(near) => format!("the variable {name} has no effect; did you mean {near}?"),
            None => format!("the variable {name} has no effect"),
        };
        self.unknown_variables.iter().map(warn).collect()
    }

    fn text(&self, name: &str) -> Option<&str> {
        let setting = self.settings.iter().find(|setting| setting.key.name == name);
        setting.expect("code asks for keys of the table only").text.as_deref()
    }

    fn read<T>(&self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> T {
        let text = self.text(name).expect("the key has a default");
        read(text).unwrap_or_else(|error| unreachable!("{name} was checked when it was loaded: {error}"))
    }

    fn read_some<T>(&self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        self.text(name).map(|_| self.read(name, read))
    }

    /// A duration, when there is one.
    pub fn some_duration(&self, name: &str) -> Option<Duration> {
        self.read_some(name, moment::duration)
    }

    /// A count, when there is one.
    pub fn some_count(&self, name: &str) -> Option<u32> {
        self.read_some(name, value::count)
    }

    /// A size in bytes, when there is one.
    pub fn some_size(&self, name: &str) -> Option<u64> {
        self.read_some(name, value::size)
    }

    /// Cores in thousand-millionths, when there are some.
    pub fn some_cores(&self, name: &str) -> Option<u64> {
        self.read_some(name, value::cores)
    }

    /// Free text, when there is some.
    pub fn some_text(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    /// Texts.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.read(name, value::list)
    }

    /// The name of a project.
    pub fn project_named(&self, name: &str) -> ProjectName {
        self.read(name, |text| text.parse().map_err(|error| format!("{error}")))
    }

    /// An address.
    pub fn address(&self, name: &str) -> SocketAddr {
        self.read(name, value::address)
    }

    /// A switch.
    pub fn switch(&self, name: &str) -> bool {
        self.read(name, value::switch)
    }

    /// A duration.
    pub fn duration(&self, name: &str) -> Duration {
        self.read(name, moment::duration)
    }

    /// A count.
    pub fn count(&self, name: &str) -> u32 {
        self.read(name, value::count)
    }

    /// A size in bytes.
    pub fn size(&self, name: &str) -> u64 {
        self.read(name, value::size)
    }

    /// Words and free text.
    pub fn word(&self, name: &str) -> String {
        self.read(name, |text| Ok(text.to_owned()))
    }

    /// Names of hosts.
    pub fn hosts(&self, name: &str) -> Vec<String> {
        self.read(name, value::hosts)
    }

    /// A path, when there is one.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// The project that commands work in.
    pub fn project(&self) -> ProjectName {
        self.project_named("project")
    }

    /// That the value of `name` is wrong, for a reason that shows when it is used, as it is told of values wrong in themselves.
    pub fn wrong(&self, name: &str, reason: &str) -> Failure {
        match self.origin(name) {
            Origin::Flag(flag) => Failure::usage(format!("{flag}: {reason}")),
            Origin::File { .. } => Failure::usage(format!("{}: {name}: {reason}", self.origin(name))),
            other => Failure::usage(format!("{other}: {reason}")),
        }
    }

    /// Where `name` came from.
    pub fn origin(&self, name: &str) -> &Origin {
        let setting = self.settings.iter().find(|setting| setting.key.name == name);
        &setting.expect("code asks for keys of the table only").origin
    }
}

/// The file to read and its text: the one asked for, else the user's own if it is there.
fn config_file(sources: &Sources<'_>) -> Option<(PathBuf, Result<String, Failure>)> {
    if let Some(path) = &sources.config {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read the configuration file {}: {error}", path.display())));
        return Some((path.clone(), text));
    }
    let folder = base_folder(sources.variables, "XDG_CONFIG_HOME", ".config")?;
    let path = folder.join("tidemill").join("tidemill.toml");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => Err(Failure::usage(format!("cannot read the configuration file {}: {error}", path.display()))),
    };
    Some((path, text))
}

/// A folder of the XDG base directory rules: the variable if it is absolute, else below the home folder.
fn base_folder(variables: &BTreeMap<String, String>, variable: &str, below_home: &str) -> Option<PathBuf> {
    let given = variables.get(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    given.or_else(|| variables.get("HOME").filter(|home| !home.is_empty()).map(|home| Path::new(home).join(below_home)))
}

fn default_text(key: &Key, variables: &BTreeMap<String, String>) -> Option<String> {
    match key.name {
        "data" => base_folder(variables, "XDG_DATA_HOME", ".local/share")
            .map(|folder| folder.join("tidemill").display().to_string()),
        _ => key.default.map(str::to_owned),
    }
}

fn given(key: &'static Key, sources: &Sources<'_>) -> Result<Option<Setting>, Failure> {
    let flag = sources.flags.get(key.name).map(|text| (text, Origin::Flag(key.flag.unwrap_or("?"))));
    let variable = sources.variables.get(key.variable).filter(|text| !text.is_empty());
    let found = flag.or_else(|| variable.map(|text| (text, Origin::Variable(key.variable))));
    let Some((text, origin)) = found else { return Ok(None) };
    value::check(key.kind, text).map_err(|reason| {
        let place = match &origin {
            Origin::Flag(flag) => (*flag).to_owned(),
            other => other.to_string(),
        };
        Failure::usage(format!("{place}: {reason}"))
    })?;
    let text = if key.kind == Kind::Switch { switch_text(text) } else { text.clone() };
    Ok(Some(Setting { key, text: Some(text), origin }))
}

fn switch_text(text: &str) -> String {
    value::switch(text).map_or_else(|_| text.to_owned(), |on| on.to_string())
}

fn unknown_variables(variables: &BTreeMap<String, String>) -> Vec<String> {
    let is_ours = |name: &str| KEYS.iter().any(|key| key.variable == name) || GIVEN_TO_FUNCTIONS.contains(&name);
    variables.keys().filter(|name| name.starts_with("TIDEMILL_") && !is_ours(name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn load(
        flags: &[(&'static str, &str)],
        config: Option<&Path>,
        pairs: &[(&str, &str)],
    ) -> Result<Settings, Failure> {
        let flags = flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let variables = variables(pairs);
        Settings::load(&Sources { flags, config: config.map(Path::to_owned), variables: &variables })
    }

    #[test]
    fn nothing_at_all_gives_a_local_server() {
        let settings = load(&[], None, &[("HOME", "/home/ada")]).unwrap();
        assert_eq!(settings.address("listen").to_string(), "127.0.0.1:7070");
        assert_eq!(settings.path("data").unwrap(), Path::new("/home/ada/.local/share/tidemill"));
        assert!(settings.all().iter().all(|setting| setting.origin == Origin::Default));
    }

    #[test]
    fn flags_win_over_environment_over_file_over_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tidemill.toml");
        std::fs::write(&file, "drain_grace = \"1s\"\nlisten = \"127.0.0.1:1\"\n[log]\nlevel = \"warn\"\n").unwrap();
        let env = [("TIDEMILL_LISTEN", "127.0.0.1:2"), ("TIDEMILL_LOG", "debug"), ("TIDEMILL_DATA", "")];
        let settings = load(&[("listen", "127.0.0.1:3")], Some(&file), &env).unwrap();
        let shown: Vec<(String, String)> = ["listen", "log.level", "drain_grace", "url"]
            .iter()
            .map(|name| (settings.word(name), settings.origin(name).to_string()))
            .collect();
        let expected = [
            ("127.0.0.1:3", "flag --listen".to_owned()),
            ("debug", "TIDEMILL_LOG".to_owned()),
            ("1s", format!("{}:1", file.display())),
            ("http://127.0.0.1:7070", "default".to_owned()),
        ];
        assert_eq!(shown, expected.map(|(value, origin)| (value.to_owned(), origin)));
    }

    #[test]
    fn the_users_own_file_is_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tidemill")).unwrap();
        std::fs::write(folder.path().join("tidemill/tidemill.toml"), "project = \"shop\"\n").unwrap();
        let home = folder.path().display().to_string();
        let settings = load(&[], None, &[("XDG_CONFIG_HOME", &home)]).unwrap();
        assert_eq!(settings.project().as_str(), "shop");
    }

    #[test]
    fn wrong_values_name_their_place() {
        let error = load(&[], None, &[("TIDEMILL_DRAIN_GRACE", "soon")]).unwrap_err();
        assert!(error.message.starts_with("TIDEMILL_DRAIN_GRACE: \"soon\" is not a duration"), "{}", error.message);
        let error = load(&[("listen", "here")], None, &[]).unwrap_err();
        assert!(error.message.starts_with("--listen: "), "{}", error.message);
        assert!(load(&[], Some(Path::new("/nonexistent.toml")), &[]).is_err());
    }

    #[test]
    fn mistyped_variables_are_told() {
        let settings = load(&[], None, &[("TIDEMILL_LISTN", "x"), ("TIDEMILL_FUNCTION", "x")]).unwrap();
        assert_eq!(settings.warnings(), ["the variable TIDEMILL_LISTN has no effect; did you mean TIDEMILL_LISTEN?"]);
    }
}
