//! The environment variables of workers. The server's own are never among them, but for `PATH`.

use std::{ffi::OsStr, path::PathBuf};

use tidemill_core::{
    ports::{Environment, Launch},
    variables::function_variables,
};

/// What every process gets, a spare interpreter too.
pub(crate) fn base_environment(search_path: &OsStr) -> Vec<(String, String)> {
    let entry = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![entry("PATH", &search_path.to_string_lossy()), entry("HOME", "/tmp"), entry("LANG", "C.UTF-8")]
}

/// What user code sees: the base, the function's own facts, then what its spec says, which wins.
pub(crate) fn function_environment(launch: &Launch, search_path: &OsStr) -> Vec<(String, String)> {
    let mut path = search_path.to_owned();
    for folder in program_folders(&launch.environment) {
        let mut longer = folder.into_os_string();
        longer.push(":");
        longer.push(&path);
        path = longer;
    }
    let mut env = base_environment(&path);
    let own = function_variables(&launch.function, launch.revision, &launch.spec);
    env.retain(|(key, _)| !own.iter().any(|(other, _)| other == key));
    env.extend(own);
    env
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
