//! Containers: what `container`, `image` and `--image` say, and what of it fits the runtime.

use crate::{
    manifest::{
        Overrides,
        problem::{Report, quote},
        view::View,
    },
    spec::{Container, Contract, FunctionSpec, Mount, Pull, Runtime, is_reserved_target},
};

/// The file of a package from which an image is built.
pub(in crate::manifest) const DOCKERFILE: &str = "Dockerfile";
/// The longest name of an image.
const IMAGE_BYTES_MAX: usize = 512;
/// The folder in a container that Tidemill uses itself.
/// Networks that exclude others.
const LONE_NETWORKS: &[&str] = &["none", "host"];

/// The container that is asked for, whatever the runtime will be; `None` for none.
pub(in crate::manifest) fn container(view: &View<'_>, flags: &Overrides, report: &mut Report) -> Option<Container> {
    let view = view.get("container");
    if !view.is_given() && flags.image.is_none() {
        return None;
    }
    let mut container = Container {
        contract: match view.get("contract").text() {
            Some("worker") => Contract::Worker,
            Some("http") => Contract::Http,
            _ => Contract::Run,
        },
        pull: match view.get("pull").text() {
            Some("always") => Pull::Always,
            Some("never") => Pull::Never,
            _ => Pull::Missing,
        },
        entrypoint: view.get("entrypoint").is_given().then(|| view.get("entrypoint").texts()),
        command: view.get("command").is_given().then(|| view.get("command").texts()),
        mounts: mounts(&view.get("mounts"), report),
        networks: networks(&view.get("networks"), report),
        privileged: view.get("privileged").bool().unwrap_or(false),
        pids_max: view.get("pids").unsigned(),
        port: view.get("port").unsigned().and_then(|port| u16::try_from(port).ok()),
        ..Container::default()
    };
    let user = view.get("user");
    container.user = user.text().unwrap_or_default().to_owned();
    if !container.user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte)) {
        report.at(user.at(), &user, "it is not a user; write it as in 1000, 1000:1000 or nobody", None);
    }
    match &flags.image {
        Some(name) => {
            if let Some(message) = bad_image(name) {
                report.general("--image", message, None);
            }
            container.image.clone_from(name);
        }
        None => container.image = image(&view.get("image"), report).unwrap_or_default(),
    }
    Some(container)
}

/// The name of an image, checked.
fn image(view: &View<'_>, report: &mut Report) -> Option<String> {
    let name = view.text()?;
    if let Some(message) = bad_image(name) {
        report.at(view.at(), view, message, None);
    }
    Some(name.to_owned())
}

fn bad_image(name: &str) -> Option<String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/@-".contains(&byte);
    let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let is_good = bytes.len() <= IMAGE_BYTES_MAX && bytes.iter().copied().all(is_allowed);
    (!is_good || !is_edge(bytes.first()) || !is_edge(bytes.last()))
        .then(|| format!("{} is not the name of an image; write it as in alpine:3.20", quote(name)))
}

fn mounts(view: &View<'_>, report: &mut Report) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = Vec::new();
    for item in view.items() {
        let (source, target) = (item.get("source"), item.get("target"));
        for path in [&source, &target] {
            if path.text().is_some_and(|text| !is_path(text)) {
                report.at(path.at(), path, "it is not an absolute path without '..' and ':'", None);
            }
        }
        let (Some(from), Some(to)) = (source.text(), target.text()) else { continue };
        let to = if to.len() > 1 { to.trim_end_matches('/') } else { to };
        if to == "/" || is_reserved_target(to) {
            report.at(target.at(), &target, format!("nothing can be mounted at {to}: Tidemill needs it itself"), None);
        } else if mounts.iter().any(|mount| mount.target == to) {
            report.at(target.at(), &target, format!("two mounts have the target {to}"), None);
        }
        let read_only = item.get("readOnly").bool().unwrap_or(false);
        mounts.push(Mount { source: from.to_owned(), target: to.to_owned(), read_only });
    }
    mounts
}

fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && !text.contains(':')
        && !text.chars().any(char::is_control)
        && text.split('/').all(|part| part != "..")
}

fn networks(view: &View<'_>, report: &mut Report) -> Vec<String> {
    let networks = view.texts();
    for item in view.items() {
        let is_name = |text: &str| {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) && !text.is_empty()
        };
        if item.text().is_some_and(|text| !is_name(text)) {
            report.at(item.at(), &item, "it is not the name of a network", None);
        }
    }
    if networks.len() > 1 && networks.iter().any(|name| LONE_NETWORKS.contains(&name.as_str())) {
        report.at(view.at(), view, "none and host stand alone", None);
    }
    networks
}

/// Gives the spec its container, once the runtime is known, and says what of it does not fit.
pub(in crate::manifest) fn fit(
    view: &View<'_>,
    flags: &Overrides,
    asked: Option<Container>,
    has_dockerfile: bool,
    spec: &mut FunctionSpec,
    report: &mut Report,
) {
    let place = view.get("container");
    let short = view.get("image");
    match spec.runtime {
        Runtime::Shell | Runtime::Wasm | Runtime::Webhook => {
            lone_image(&short, report);
            if asked.is_some() {
                refuse(&spec.runtime, &place, report);
            }
            return;
        }
        Runtime::Image => {}
        Runtime::Python(_) | Runtime::Nodejs | Runtime::Binary => lone_image(&short, report),
    }
    let is_image = spec.runtime == Runtime::Image;
    let mut container = match asked {
        Some(container) => container,
        None if is_image => Container::default(),
        None => return,
    };
    if is_image && short.is_given() && flags.image.is_none() {
        let name = image(&short, report).unwrap_or_default();
        if !container.image.is_empty() && container.image != name {
            let hint = Some("leave one of them out".to_owned());
            report.at(short.at(), &short, format!("container.image says {}", quote(&container.image)), hint);
        }
        container.image = name;
    }
    if container.image.is_empty() && !has_dockerfile {
        let missing = place.get("image");
        let hint = Some("give container.image, or a Dockerfile at the root of the package".to_owned());
        if place.is_given() {
            report.at(missing.at(), &missing, "there is no image", hint);
        } else {
            report.general("", "there is no image to run", hint);
        }
    }
    if is_image {
        check_image(&place, &container, spec, report)
    } else {
        check_language(&place, spec, report)
    }
    if !is_image {
        container.contract = Contract::Worker;
    }
    spec.container = Some(Box::new(container));
}

/// `spec.image` of a function that runs from its package is output of Nuclio's build.
fn lone_image(short: &View<'_>, report: &mut Report) {
    if short.is_given() {
        report.warn(short.at(), short, "has no effect: a function in a language says its image in container.image");
    }
}

fn refuse(runtime: &Runtime, place: &View<'_>, report: &mut Report) {
    let (message, hint) = match runtime {
        Runtime::Shell => (
            "the runtime shell starts processes of this machine",
            "use the runtime image: a container an execution, with the event in its environment",
        ),
        Runtime::Wasm => (
            "the runtime wasm runs modules within the server, which gives them nothing that is not granted",
            "leave it out, or use the runtime image",
        ),
        _ => ("the runtime webhook has no workers to put in a container", "leave it out"),
    };
    if place.is_given() {
        report.at(place.at(), place, message, Some(hint.to_owned()));
    } else {
        report.general("--image", message, Some(hint.to_owned()));
    }
}

/// What only one contract knows.
fn check_image(place: &View<'_>, container: &Container, spec: &FunctionSpec, report: &mut Report) {
    let port = place.get("port");
    if port.is_given() && container.contract != Contract::Http {
        let hint = Some("add contract: http, or leave it out".to_owned());
        report.at(port.at(), &port, "only an HTTP server has a port", hint);
    }
    if !spec.build.commands.is_empty() || !spec.build.requirements.is_empty() {
        report
            .warn_general("spec.build has no effect: an image is used as it is, or built by its Dockerfile".to_owned());
    }
}

/// A language has its own program and its own way to talk.
fn check_language(place: &View<'_>, spec: &FunctionSpec, report: &mut Report) {
    let runtime = &spec.runtime;
    let contract = place.get("contract");
    if contract.text().is_some_and(|word| word != Contract::Worker.as_str()) {
        let hint = Some("leave it out, or use the runtime image".to_owned());
        report.at(contract.at(), &contract, format!("the runtime {runtime} speaks the worker protocol only"), hint);
    }
    for name in ["entrypoint", "command"] {
        let view = place.get(name);
        if view.is_given() {
            let hint = Some("leave it out, or use the runtime image".to_owned());
            report.at(view.at(), &view, format!("the runtime {runtime} starts its own program"), hint);
        }
    }
    let port = place.get("port");
    if port.is_given() {
        report.at(port.at(), &port, "only an HTTP server (runtime image, contract http) has a port", None);
    }
}
