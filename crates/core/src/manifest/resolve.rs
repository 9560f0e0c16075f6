//! From a package and flags to the settings of a revision.

use super::{
    ManifestError, Overrides,
    check::check,
    decode, entry,
    keys::{ENVELOPE, Shape},
    naming,
    problem::{Path, Report, found},
    view::View,
    yaml::{self, Node, Value},
};
use crate::{
    name::FunctionRef,
    ports::{ManifestText, Unpacked},
    spec::{Container, DEPENDENCY_FILES, FunctionSpec, Runtime},
};

/// The key under which an inline configuration stands.
const INLINE_KEY: &str = "function.yaml";

/// A function as its package and flags describe it.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Its name and project.
    pub function: FunctionRef,
    /// Its settings, complete and checked.
    pub spec: FunctionSpec,
    /// What is accepted and yet may not do what its author expects, a line each.
    pub warnings: Vec<String>,
}

/// Works out what an unpacked package is: its configuration under the flags, with every default filled in.
///
/// # Errors
/// All that is wrong, at once.
pub fn resolve(unpacked: &Unpacked, overrides: &Overrides) -> Result<Manifest, ManifestError> {
    let text = unpacked.manifest.as_ref();
    let mut report = Report::new(
        text.map(|text| text.file.clone()),
        text.map_or(1, |text| text.first_line),
        text.is_some_and(|text| !text.inline),
    );
    let Some(node) = document(text, &mut report) else {
        return Err(report.finish().expect_err("a document that cannot be read has been reported"));
    };
    check(&node, &Shape::Object(ENVELOPE), Path::ROOT, &mut report);
    let root = View::root(&node);
    let (metadata, view) = (root.get_any(&["metadata", "meta"]), root.get("spec"));

    let function = naming::name(&metadata, &unpacked.stem, overrides, &mut report);
    let mut spec = FunctionSpec::new(Runtime::Binary);
    decode::basics(&metadata, &view, &mut spec, &mut report);
    decode::workers(&view, &mut spec, &mut report);
    decode::delivery(&view, &mut spec, &mut report);
    decode::triggers(&view, &mut spec, &mut report);
    decode::flags(overrides, &mut spec, &mut report);
    decode::subscriptions(&view, &function.name, &spec, &mut report);
    decode::state(&view, &function.name, &mut spec, &mut report);
    let asked = decode::container(&view, overrides, &mut report);
    if let Some((runtime, handler)) =
        entry_point(unpacked, overrides, &view, &function, &spec, asked.as_ref(), &mut report)
    {
        (spec.runtime, spec.handler) = (runtime, handler);
        let has_dockerfile = unpacked.files.iter().any(|file| file == decode::DOCKERFILE);
        decode::fit(&view, overrides, asked, has_dockerfile, &mut spec, &mut report);
        decode::capable(&view, &spec, &mut report);
        decode::of_runtime(&view, &spec.runtime, &mut report);
    }
    report.finish().map(|warnings| Manifest { function, spec, warnings })
}

/// The configuration's mapping; an empty one if the package has none. `None` if it cannot be read, which is reported.
fn document(text: Option<&ManifestText>, report: &mut Report) -> Option<Node> {
    let Some(text) = text else {
        return Some(Node::empty(yaml::Position::START));
    };
    let node = match yaml::parse(&text.text) {
        Ok(node) => node,
        Err(malformed) => {
            let prefix = if text.inline { "Failed to parse inline configuration: " } else { "" };
            report.at(malformed.at, "", format!("{prefix}{}", malformed.message), malformed.hint.map(str::to_owned));
            return None;
        }
    };
    let Value::Map(members) = node.value else {
        report.at(node.at, "", format!("expected a mapping with metadata and spec, found {}", found(&node)), None);
        return None;
    };
    if !text.inline {
        return Some(Node { at: node.at, value: Value::Map(members) });
    }
    let mut content = None;
    for member in members {
        if member.key == INLINE_KEY && content.is_none() {
            content = Some(member.node);
        } else {
            let hint = format!("an inline configuration has the one key {INLINE_KEY:?}");
            report.at(member.at, &member.key, "this key is not known", Some(hint));
        }
    }
    let node = content.filter(|node| !node.is_null());
    Some(node.unwrap_or_else(|| Node::empty(yaml::Position::START)))
}

fn entry_point(
    unpacked: &Unpacked,
    overrides: &Overrides,
    view: &View<'_>,
    function: &FunctionRef,
    spec: &FunctionSpec,
    container: Option<&Container>,
    report: &mut Report,
) -> Option<(Runtime, String)> {
    let runtime = said_runtime(overrides, view, report).ok()?;
    let handler = view.get("handler");
    let has_dependencies = !spec.build.commands.is_empty()
        || !spec.build.requirements.is_empty()
        || unpacked.files.iter().any(|file| DEPENDENCY_FILES.contains(&file.as_str()));
    let package = entry::Package {
        files: &unpacked.files,
        name: function.name.as_str(),
        has_dependencies,
        image: match view.get("container").get("contract").text() {
            Some("run" | "http") => entry::Image::Asked,
            _ if container.is_some() || view.get("image").is_given() => entry::Image::Known,
            _ => entry::Image::None,
        },
    };
    let wanted = overrides.handler.as_deref().or(handler.text());
    match package.entry(runtime, wanted) {
        Ok((Runtime::Image, _)) => {
            if handler.text().is_some_and(|text| !text.is_empty()) {
                report.warn(handler.at(), &handler, "has no effect: an image has an entry point of its own");
            }
            Some((Runtime::Image, String::new()))
        }
        Ok(entry) => Some(entry),
        Err(problem) => {
            match (&overrides.handler, handler.is_given()) {
                (Some(_), _) => report.general("--handler", problem.message, problem.hint),
                (None, true) => report.at(handler.at(), &handler, problem.message, problem.hint),
                (None, false) => report.general("", problem.message, problem.hint),
            }
            None
        }
    }
}

/// The runtime that flag or file name, if any. What is wrong with it is reported.
fn said_runtime(overrides: &Overrides, view: &View<'_>, report: &mut Report) -> Result<Option<Runtime>, ()> {
    let said = view.get("runtime");
    match (&overrides.runtime, said.text()) {
        (Some(word), _) => {
            entry::runtime(word).map(Some).map_err(|problem| report.general("--runtime", problem.message, problem.hint))
        }
        (None, Some(word)) => {
            entry::runtime(word).map(Some).map_err(|problem| report.at(said.at(), &said, problem.message, problem.hint))
        }
        // Given, but not a text: reported already.
        (None, None) if said.is_given() => Err(()),
        (None, None) => Ok(None),
    }
}
