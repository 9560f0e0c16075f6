//! The program of a shell or binary function.

use std::path::PathBuf;

use tidemill_core::{
    ports::{BuildError, Environment, Unpacked},
    spec::FunctionSpec,
};

use super::{
    interpreter::{find_program, is_program},
    package::Workshop,
};

/// Finds the script or program that `handler` names: a file of the package, also written `file:anything`, or a program in
/// `PATH`; with an empty handler the script that is there.
pub(crate) fn shell(shop: &Workshop, unpacked: &Unpacked, handler: &str) -> Result<PathBuf, BuildError> {
    if let Some(file) = named(unpacked, handler) {
        return Ok(file);
    }
    let program = handler.split(':').next().unwrap_or("");
    let in_path =
        || (!program.is_empty() && !program.contains('/')).then(|| find_program(&shop.search_path, program)).flatten();
    if let Some(found) = in_path() {
        return Ok(found);
    }
    let is_root = |file: &&String| !file.contains('/');
    let scripts: Vec<&String> = unpacked.files.iter().filter(is_root).filter(|file| file.ends_with(".sh")).collect();
    if program.is_empty() || program == unpacked.stem {
        let stem = format!("{}.sh", unpacked.stem);
        let usual = ["main.sh", "handler.sh", stem.as_str()];
        match scripts.as_slice() {
            [only] => return Ok(unpacked.directory.join(only)),
            [] => return only_program(unpacked, "script"),
            several => {
                if let Some(file) = several.iter().find(|file| usual.contains(&file.as_str())) {
                    return Ok(unpacked.directory.join(file));
                }
                let list = several.iter().map(|file| file.as_str()).collect::<Vec<_>>().join(", ");
                return Err(BuildError::Package(format!("the handler must say which script to run: {list}")));
            }
        }
    }
    Err(BuildError::Package(format!(
        "the handler {handler:?} is neither a file of the package nor a program in PATH; the package holds {}",
        listed(unpacked)
    )))
}

/// Finds the program of a binary function: the file that `handler` names, or the only program there is.
pub(crate) fn binary(unpacked: &Unpacked, handler: &str) -> Result<PathBuf, BuildError> {
    match named(unpacked, handler) {
        Some(file) if is_program(&file) => Ok(file),
        Some(file) => {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Err(BuildError::Package(format!("{name} is not executable: run `chmod +x {name}` before packing it")))
        }
        None => only_program(unpacked, "program"),
    }
}

/// Finds the module of a WebAssembly function: the file that the handler names, or the only one there is. Nothing is built.
pub(crate) fn wasm(unpacked: &Unpacked, spec: &FunctionSpec) -> Result<Environment, BuildError> {
    if !spec.build.commands.is_empty() || !spec.build.requirements.is_empty() {
        let what = "nothing is built for a wasm function: compile the module first, and leave build.commands and \
                    build.requirements out";
        return Err(BuildError::Package(what.to_owned()));
    }
    let is_module = |file: &&String| file.ends_with(".wasm") || file.ends_with(".wat");
    let modules: Vec<&String> = unpacked.files.iter().filter(is_module).collect();
    let program = match (named(unpacked, &spec.handler), modules.as_slice()) {
        (Some(file), _) => file,
        (None, [only]) if spec.handler.is_empty() => unpacked.directory.join(only),
        (None, _) => {
            let what = format!("the handler must say which module to run; the package holds {}", listed(unpacked));
            return Err(BuildError::Package(what));
        }
    };
    Ok(Environment { program, ..Environment::default() })
}

fn named(unpacked: &Unpacked, handler: &str) -> Option<PathBuf> {
    let handler = handler.trim_start_matches("./");
    let names = [handler, handler.rsplit_once(':').map_or("", |(file, _)| file)];
    let file = unpacked.files.iter().find(|file| names.contains(&file.as_str()))?;
    Some(unpacked.directory.join(file))
}

fn only_program(unpacked: &Unpacked, what: &str) -> Result<PathBuf, BuildError> {
    let paths = unpacked.files.iter().map(|file| unpacked.directory.join(file));
    let programs: Vec<PathBuf> = paths.filter(|path| is_program(path)).collect();
    match programs.as_slice() {
        [only] => Ok(only.clone()),
        [] => {
            Err(BuildError::Package(format!("the package holds no {what} that can be run, only {}", listed(unpacked))))
        }
        several => {
            let name = |path: &PathBuf| path.strip_prefix(&unpacked.directory).unwrap_or(path).display().to_string();
            let list = several.iter().map(name).take(10).collect::<Vec<_>>().join(", ");
            Err(BuildError::Package(format!("the handler must say which {what} to run: {list}")))
        }
    }
}

fn listed(unpacked: &Unpacked) -> String {
    let mut list = unpacked.files.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
    if unpacked.files.len() > 10 {
        list.push_str(", …");
    }
    list
}
