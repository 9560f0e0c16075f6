//! The environment variables of workers. The server's own are never among them, but for `PATH`.

use std::{ffi::OsStr, path::PathBuf};

use tidemill_core::ports::{Environment, Launch};

/// What every process gets, a spare interpreter too.
pub(crate) fn base_environment(search_path: &OsStr) -> Vec<(String, String)> {
    let entry = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![entry("PATH", &search_path.to_string_lossy()), entry("HOME", "/tmp"), entry("LANG", "C.UTF-8")]
}

/// What user code sees: the base, the function's own facts, then what its spec says, which wins.
pub(crate) fn function_environment(launch: &Launch, search_path: &OsStr) -> Vec<(String, String)> {
    let spec = &launch.spec;
    let mut path = search_path.to_owned();
    for folder in program_folders(&launch.environment) {
        let mut longer = folder.into_os_string();
        longer.push(":");
        longer.push(&path);
        path = longer;
    }
    let mut env = base_environment(&path);
    let name = launch.function.name.as_str();
    let version = launch.revision.to_string();
    for (key, value) in [
        ("NUCLIO_FUNCTION_NAME", name),
        ("NUCLIO_FUNCTION_DESCRIPTION", &spec.description),
        ("NUCLIO_FUNCTION_VERSION", &version),
        ("NUCLIO_FUNCTION_HANDLER", &spec.handler),
        ("NUCLIO_HANDLER", &spec.handler),
        ("TIDEMILL_FUNCTION", name),
        ("TIDEMILL_PROJECT", launch.function.project.as_str()),
        ("TIDEMILL_REVISION", &version),
    ] {
        env.push((key.to_owned(), value.to_owned()));
    }
    for variable in &spec.env {
        env.retain(|(key, _)| *key != variable.name);
        env.push((variable.name.clone(), variable.value.clone()));
    }
    env.retain(|(key, value)| is_passable(key, value));
    env
}

/// Whether the system takes it: one that it does not would keep the process from starting.
fn is_passable(key: &str, value: &str) -> bool {
    !key.is_empty() && !key.contains(['=', '\0']) && !value.contains('\0')
}

/// Folders with the programs of an environment: `bin` of a virtualenv, `.bin` of a `node_modules`.
fn program_folders(environment: &Environment) -> impl Iterator<Item = PathBuf> {
    environment.paths.iter().filter_map(|path| {
        let folder = match path.file_name()?.to_str()? {
            "node_modules" => path.join(".bin"),
            "site-packages" => path.ancestors().nth(3)?.join("bin"),
            _ => return None,
        };
        folder.is_dir().then_some(folder)
    })
}
