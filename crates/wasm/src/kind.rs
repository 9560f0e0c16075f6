//! What a module is, found by looking at it.

use std::{borrow::Cow, fs, path::Path};

use tidemill_core::log;
use wasmtime::{Engine, component::Component, component::types::ComponentItem};

use crate::{bindings::HANDLER, limits};

/// The two forms of WebAssembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A core module.
    Module,
    /// A component.
    Component,
}

/// How a module is talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A core module with `_start`: the body is its stdin, its stdout is the reply.
    Command,
    /// The same as a component (`wasi:cli/run`).
    CommandComponent,
    /// A component with `wasi:http/incoming-handler`.
    Http,
    /// A component of `wit/tidemill.wit`.
    Function,
}

impl Kind {
    /// The word for it, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Command => "command module",
            Kind::CommandComponent => "command component",
            Kind::Http => "wasi:http component",
            Kind::Function => "tidemill:function component",
        }
    }
}

/// The largest module that can be compiled in so much memory. All in bytes.
pub(crate) fn module_bytes_max(bytes: u64) -> u64 {
    (bytes / limits::COMPILE_BYTES_PER_BYTE).clamp(limits::MODULE_BYTES_MIN, limits::MODULE_BYTES_MAX)
}

/// A name of an export as it is shown.
fn shown(name: &str) -> String {
    log::one_line(log::cut_text(name, 100))
}

/// Reads a module of at most so many bytes and assembles it when it is text. The error is one line.
pub(crate) fn read(file: &Path, most: u64) -> Result<(Vec<u8>, Form), String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let size = fs::metadata(file).map_err(|error| format!("{name}: {error}"))?.len();
    let too_large =
        |size: u64| Err(format!("{name} has {size} bytes, more than the {most} that this machine can compile"));
    if size > most {
        return too_large(size);
    }
    let bytes = fs::read(file).map_err(|error| format!("{name}: {error}"))?;
    if !bytes.starts_with(b"\0asm") && str::from_utf8(&bytes).is_err() {
        return Err(format!("{name} does not begin as WebAssembly does (\\0asm), nor is it text"));
    }
    // Without its path, which is of the server.
    let bytes = match wat::Parser::new().parse_bytes(None, &bytes) {
        Ok(Cow::Borrowed(_)) => bytes,
        Ok(Cow::Owned(assembled)) => assembled,
        Err(error) => return Err(format!("{name} is neither WebAssembly nor its text form: {}", trim(&error))),
    };
    // Text may say in few bytes what takes many.
    if bytes.len() as u64 > most {
        return too_large(bytes.len() as u64);
    }
    match bytes.get(4..8) {
        Some([1, 0, 0, 0]) => Ok((bytes, Form::Module)),
        Some([_, _, 1, 0]) => Ok((bytes, Form::Component)),
        _ => Err(format!("{name} is of a version of WebAssembly that this program does not know")),
    }
}

/// The first line of an error of the assembler, with the place.
fn trim(error: &wat::Error) -> String {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default().to_owned();
    match lines.next().and_then(|line| line.rsplit_once("<anon>:")) {
        Some((_, place)) => format!("{first} (line {place})"),
        None => first,
    }
}

/// What kind of component it is. The error is one line and a hint.
pub(crate) fn of_component(component: &Component, engine: &Engine) -> Result<Kind, String> {
    let kind = component.component_type();
    let exports: Vec<(String, ComponentItem)> =
        kind.exports(engine).map(|(name, item)| (name.to_owned(), item.ty.clone())).collect();
    let has = |interface: &str| {
        exports.iter().any(|(name, _)| name == interface || name.strip_prefix(interface).is_some_and(is_version))
    };
    if exports.iter().any(|(name, _)| name == HANDLER) {
        return Ok(Kind::Function);
    }
    if has("wasi:http/incoming-handler") {
        return Ok(Kind::Http);
    }
    if has("wasi:cli/run") {
        return Ok(Kind::CommandComponent);
    }
    let names: Vec<String> = exports.iter().map(|(name, _)| shown(name)).take(10).collect();
    Err(format!(
        "the component exports none of {HANDLER}, wasi:http/incoming-handler@0.2 and wasi:cli/run@0.2, but {}\nhint: \
         make it for a world with one of them, as for `function` in what `tidemill wit` prints",
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    ))
}

/// Whether it follows an interface's name: `@0.2.…`, all of which are compatible.
fn is_version(rest: &str) -> bool {
    rest.starts_with("@0.2.")
}

/// What kind of core module it is. The error is one line and a hint.
pub(crate) fn of_module(module: &wasmtime::Module) -> Result<Kind, String> {
    const HINT: &str = "hint: compile it as a program with a main function for WASI preview 1 (wasm32-wasip1), or make a \
                        component of it";
    if let Some(start) = module.get_export("_start").as_ref().and_then(|export| export.func().cloned()) {
        if start.params().len() + start.results().len() == 0 {
            return Ok(Kind::Command);
        }
        return Err(format!(
            "the module's function _start has parameters or results; that of a command has none\n{HINT}"
        ));
    }
    let names: Vec<String> = module.exports().map(|export| shown(export.name())).take(10).collect();
    Err(format!(
        "the module has no function _start, so it is no command; it exports {}\n{HINT}",
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_compiled_depends_on_the_machine() {
        let mib = [256, 1024, 2048, 65_536].map(|mib: u64| module_bytes_max(mib << 20) >> 20);
        assert_eq!(mib, [16, 34, 68, 128]);
    }

    #[test]
    fn a_name_without_end_is_cut() {
        assert!(shown(&"x".repeat(100_000)).len() <= 100);
        assert_eq!(shown("a\nb"), "a b");
    }
}
