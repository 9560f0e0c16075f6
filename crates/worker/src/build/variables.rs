//! Which variables of the server's environment builds get, and the files that these name.

use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Where to go, how to get there, whom to trust, and where compilers are.
const PASSED: [&str; 26] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "LANG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "GOPROXY",
    "GONOPROXY",
    "GOPRIVATE",
    "GOSUMDB",
    "GONOSUMDB",
    "GOINSECURE",
    "GOTOOLCHAIN",
    "GOROOT",
    "JAVA_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
];
const PASSED_PREFIXES: [&str; 6] = ["PIP_", "NPM_CONFIG_", "npm_config_", "CARGO_HTTP_", "CARGO_NET_", "LC_"];
/// What is passed only where there is no sandbox: folders of the server's user.
const OWN: [&str; 3] = ["HOME", "TMPDIR", "XDG_CACHE_HOME"];
/// Of those that have a passed prefix: folders to write, which are not there in a sandbox.
const WRITTEN: [&str; 3] = ["PIP_CACHE_DIR", "NPM_CONFIG_CACHE", "NPM_CONFIG_PREFIX"];
/// Those whose values are files or folders to read; several of them are parted by white space or colons.
const NAMING: [&str; 18] = [
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_FIND_LINKS",
    "PIP_CONSTRAINT",
    "PIP_BUILD_CONSTRAINT",
    "NPM_CONFIG_CAFILE",
    "NPM_CONFIG_CERTFILE",
    "NPM_CONFIG_KEYFILE",
    "GOROOT",
    "JAVA_HOME",
    "RUSTUP_HOME",
];
/// Those that name a file of settings, which may be closed to others and so is copied.
const SETTINGS: [&str; 3] = ["PIP_CONFIG_FILE", "NPM_CONFIG_USERCONFIG", "NPM_CONFIG_GLOBALCONFIG"];
/// Settings for all users of a machine.
const OF_MACHINE: [&str; 3] = ["/etc/pip.conf", "/etc/xdg/pip/pip.conf", "/etc/npmrc"];
/// The variable that names others instead, and where a user's are below the home folder.
const OF_USER: [(&str, &str); 3] = [
    ("PIP_CONFIG_FILE", ".config/pip/pip.conf"),
    ("PIP_CONFIG_FILE", ".pip/pip.conf"),
    ("NPM_CONFIG_USERCONFIG", ".npmrc"),
];
/// What machine this is: installers choose packages by it.
const MACHINE: [&str; 5] =
    ["/etc/os-release", "/etc/lsb-release", "/etc/debian_version", "/etc/redhat-release", "/etc/alpine-release"];
/// Settings of compilers that distributions keep apart from them: what entries of `/etc` begin with.
const COMPILERS: [&str; 2] = ["java", "maven"];
/// Larger files are no settings.
const SETTINGS_BYTES_MAX: u64 = 256 << 10;

/// A variable and its value.
pub(crate) type Variable = (OsString, OsString);

/// Whether builds get the variable called `name`.
pub(crate) fn is_passed(name: &str) -> bool {
    PASSED.contains(&name) || OWN.contains(&name) || PASSED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// npm takes its own in both cases.
fn is_one_of(name: &OsStr, names: &[&str]) -> bool {
    name.to_str().is_some_and(|name| {
        let name = if name.starts_with("npm_config_") { name.to_ascii_uppercase() } else { name.to_owned() };
        names.contains(&name.as_str())
    })
}

/// Those of `variables` that a build in a sandbox gets.
pub(crate) fn inside(variables: &[Variable]) -> impl Iterator<Item = &Variable> {
    variables.iter().filter(|(name, _)| !is_one_of(name, &OWN) && !is_one_of(name, &WRITTEN))
}

/// Whether `name` is that of a variable that names a file of settings.
pub(crate) fn names_settings(name: &OsStr) -> bool {
    is_one_of(name, &SETTINGS)
}

/// The files and folders that `variables` name for reading.
pub(crate) fn named(variables: &[Variable]) -> Vec<PathBuf> {
    let values = variables.iter().filter(|(name, _)| is_one_of(name, &NAMING)).filter_map(|(_, value)| value.to_str());
    let words = values.flat_map(|value| value.split([':', ' ', '\t', '\n']).chain([value]));
    let mut found = Vec::new();
    for path in words.map(Path::new) {
        let is_there = path.is_absolute() && path.parent().is_some() && is_plain(path) && path.exists();
        if is_there && !found.iter().any(|known| known == path) {
            found.push(path.to_owned());
        }
    }
    found
}

fn is_plain(path: &Path) -> bool {
    path.components().skip(1).all(|part| matches!(part, std::path::Component::Normal(_)))
}

/// Settings of this machine that builds may read: of pip and npm those that everybody here may read and that hold nothing that
/// opens a door.
pub(crate) fn settings_of_machine() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = OF_MACHINE.iter().map(PathBuf::from).filter(|path| is_harmless(path)).collect();
    found.extend(MACHINE.map(PathBuf::from));
    for entry in fs::read_dir("/etc").into_iter().flatten().flatten() {
        if COMPILERS.iter().any(|compiler| entry.file_name().to_string_lossy().starts_with(compiler)) {
            found.push(entry.path());
        }
    }
    found
}

fn is_harmless(path: &Path) -> bool {
    let is_open = |metadata: fs::Metadata| {
        metadata.is_file() && metadata.len() <= SETTINGS_BYTES_MAX && metadata.permissions().mode() & 0o004 != 0
    };
    fs::metadata(path).is_ok_and(is_open) && fs::read_to_string(path).is_ok_and(|text| !holds_secret(&text))
}

/// Whether settings seem to hold a password, a token or a user in an address.
fn holds_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let has_user = |address: &str| address.split(['/', ' ', '\n']).next().unwrap_or("").contains('@');
    ["password", "token", "_auth", "secret"].iter().any(|word| text.contains(word))
        || text.split("://").skip(1).any(has_user)
}

/// Files of settings that the tool of `command` would read without a sandbox and does not in one, and the variables that name such.
pub(crate) fn unseen(command: &str, variables: &[Variable]) -> Vec<(PathBuf, &'static str)> {
    let tool = if command.starts_with("npm") { "NPM" } else { "PIP" };
    let has = |wanted: &str| variables.iter().any(|(name, _)| is_one_of(name, &[wanted]));
    let home = variables.iter().find(|(name, _)| name == "HOME").map(|(_, value)| PathBuf::from(value));
    let users = OF_USER.iter().filter_map(|(variable, place)| Some((home.as_ref()?.join(place), *variable)));
    let machines = OF_MACHINE.iter().map(PathBuf::from).filter(|path| !is_harmless(path));
    let variable = if tool == "NPM" { "NPM_CONFIG_USERCONFIG" } else { "PIP_CONFIG_FILE" };
    let machines = machines.filter(|path| path.ends_with("npmrc") == (tool == "NPM")).map(|path| (path, variable));
    let all = users.filter(|(_, variable)| variable.starts_with(tool)).chain(machines);
    all.filter(|(path, variable)| path.is_file() && !has(variable)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<Variable> {
        pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn builds_get_what_leads_to_registries_and_nothing_of_the_servers_user() {
        for name in ["PIP_INDEX_URL", "npm_config_registry", "HTTPS_PROXY", "SSL_CERT_FILE", "GOPROXY", "LC_ALL"] {
            assert!(is_passed(name), "{name}");
        }
        for name in ["TIDEMILL_TOKEN", "TIDEMILL_SECRETS_KEY", "AWS_SECRET_ACCESS_KEY", "PATH", "SSH_AUTH_SOCK"] {
            assert!(!is_passed(name), "{name}");
        }
        let all = variables(&[("HOME", "/root"), ("PIP_CACHE_DIR", "/c"), ("npm_config_cache", "/c"), ("LANG", "C")]);
        assert_eq!(inside(&all).collect::<Vec<_>>(), [&("LANG".into(), "C".into())]);
    }

    #[test]
    fn files_are_found_in_the_variables_that_name_files_only() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().to_str().unwrap();
        let links = format!("https://example.org/x {text} /nowhere /");
        let all = variables(&[("PIP_FIND_LINKS", &links), ("PIP_TARGET", text), ("HOME", text)]);
        assert_eq!(named(&all), [folder.path()]);
        let all = variables(&[("npm_config_cafile", text), ("SSL_CERT_DIR", &format!("/nowhere:{text}"))]);
        assert_eq!(named(&all), [folder.path()]);
    }

    #[test]
    fn settings_with_secrets_are_known() {
        assert!(!holds_secret("[global]\nindex-url = https://pypi.example.org/simple\ncert = /etc/a@b.pem\n"));
        for text in ["index-url = https://me:pass@example.org/", "//r.example.org/:_authToken=x", "PASSWORD=1"] {
            assert!(holds_secret(text), "{text}");
        }
    }

    #[test]
    fn settings_out_of_sight_are_named_with_the_variable_that_shows_others() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(".npmrc"), "").unwrap();
        fs::create_dir(home.path().join(".pip")).unwrap();
        fs::write(home.path().join(".pip/pip.conf"), "").unwrap();
        let text = home.path().to_str().unwrap();
        let all = variables(&[("HOME", text), ("PIP_CONFIG_FILE", "/x")]);
        let of_home = |command| {
            let found = unseen(command, &all).into_iter().filter(|(path, _)| path.starts_with(home.path()));
            found.collect::<Vec<_>>()
        };
        assert_eq!(of_home("npm ci"), [(home.path().join(".npmrc"), "NPM_CONFIG_USERCONFIG")]);
        assert_eq!(of_home("pip install"), []);
    }
}
