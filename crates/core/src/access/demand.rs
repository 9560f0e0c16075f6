//! What of a function's settings not everybody may ask for, and not every server gives.

use std::{fmt, path::Path};

use crate::spec::{Container, FunctionSpec, Runtime};

/// Something that reaches beyond the function's own container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// It runs, or is built, as a process of the server's own user: there is no sandbox around it.
    Process,
    /// All rights of the host.
    Privileged,
    /// A folder or file of the host.
    Mount(String),
    /// An image that is built from the package's own `Dockerfile`, whose steps the engine runs.
    Build,
    /// The network of the host or of another container.
    Network(String),
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Demand::Process => f.write_str("code that runs as a process of the server's user"),
            Demand::Privileged => f.write_str("a privileged container"),
            Demand::Mount(path) => write!(f, "the mount of {path}"),
            Demand::Build => f.write_str("an image that is built from a Dockerfile"),
            Demand::Network(name) => write!(f, "the network {name:?}"),
        }
    }
}

/// All that a function asks for beyond its own container.
pub fn demands(spec: &FunctionSpec) -> Vec<Demand> {
    let mut demands = Vec::new();
    // A container of another runtime is still built by commands that run beside the server.
    if !matches!(spec.runtime, Runtime::Image | Runtime::Webhook | Runtime::Wasm) {
        demands.push(Demand::Process);
    }
    if spec.runtime == Runtime::Image && spec.container.as_ref().is_none_or(|container| container.image.is_empty()) {
        demands.push(Demand::Build);
    }
    if spec.runtime == Runtime::Wasm {
        demands.extend(wasm_mounts(spec).map(|source| Demand::Mount(source.to_owned())));
    }
    let Some(container) = spec.container.as_deref() else { return demands };
    if container.privileged {
        demands.push(Demand::Privileged);
    }
    demands.extend(container.mounts.iter().map(|mount| Demand::Mount(mount.source.clone())));
    let is_foreign = |name: &&String| *name == "host" || name.starts_with("container:");
    demands.extend(container.networks.iter().filter(is_foreign).cloned().map(Demand::Network));
    demands
}

/// The folders of the host that a WebAssembly function asks for; those of its own package are relative.
fn wasm_mounts(spec: &FunctionSpec) -> impl Iterator<Item = &str> {
    let grants = spec.runtime_attributes.get("wasm").and_then(|wasm| wasm.get("mounts"));
    let mounts = grants.and_then(serde_json::Value::as_array).into_iter().flatten();
    mounts.filter_map(|mount| mount.get("source")?.as_str()).filter(|source| source.starts_with('/'))
}

/// What a server gives to containers, whoever asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerRules {
    /// Whether containers may be privileged.
    pub privileged: bool,
    /// What of the host may be mounted: these paths and what is below them.
    pub mounts: Vec<String>,
}

impl ContainerRules {
    /// What this server does not give to a container.
    pub fn refused(&self, container: &Container) -> Option<Demand> {
        if container.privileged && !self.privileged {
            return Some(Demand::Privileged);
        }
        let is_allowed = |source: &str| {
            let source = Path::new(source);
            let is_plain = !source.components().any(|part| part == std::path::Component::ParentDir);
            is_plain && self.mounts.iter().any(|allowed| source.starts_with(allowed))
        };
        let refused = container.mounts.iter().find(|mount| !is_allowed(&mount.source))?;
        Some(Demand::Mount(refused.source.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Mount;

    #[test]
    fn webassembly_asks_for_folders_of_the_host_only() {
        let mut spec = FunctionSpec::new(Runtime::Wasm);
        assert!(demands(&spec).is_empty());
        let mounts = serde_json::json!({"mounts": [{"source": "data"}, {"source": "/etc"}]});
        spec.runtime_attributes.insert("wasm".to_owned(), mounts);
        assert_eq!(demands(&spec), [Demand::Mount("/etc".to_owned())]);
    }

    fn image(change: impl FnOnce(&mut Container)) -> FunctionSpec {
        let mut container = Container { image: "busybox".to_owned(), ..Container::default() };
        change(&mut container);
        let mut spec = FunctionSpec::new(Runtime::Image);
        spec.container = Some(Box::new(container));
        spec
    }

    fn mount(source: &str) -> Mount {
        Mount { source: source.to_owned(), target: "/in".to_owned(), read_only: true }
    }

    #[test]
    fn demands_are_found() {
        assert_eq!(demands(&image(|_| {})), []);
        assert_eq!(demands(&FunctionSpec::new(Runtime::Webhook)), []);
        assert_eq!(demands(&FunctionSpec::new(Runtime::Shell)), [Demand::Process]);
        assert_eq!(demands(&image(|c| c.privileged = true)), [Demand::Privileged]);
        assert_eq!(demands(&image(|c| c.mounts.push(mount("/data")))), [Demand::Mount("/data".to_owned())]);
        assert_eq!(demands(&FunctionSpec::new(Runtime::Image)), [Demand::Build]);
        assert_eq!(demands(&image(|c| c.image.clear())), [Demand::Build]);
        for user in ["", "1000", "root", "0:0"] {
            // Most images say root themselves, so naming it asks for nothing more.
            assert_eq!(demands(&image(|c| c.user = user.to_owned())), [], "{user}");
        }
        for (network, is_foreign) in [("none", false), ("mine", false), ("host", true), ("container:db", true)] {
            let found = demands(&image(|c| c.networks.push(network.to_owned())));
            assert_eq!(!found.is_empty(), is_foreign, "{network}");
        }
    }

    #[test]
    fn a_server_gives_what_its_settings_say() {
        let rules = ContainerRules { privileged: false, mounts: vec!["/data".to_owned(), "/srv/in".to_owned()] };
        for (source, is_given) in [
            ("/data", true),
            ("/data/a/b", true),
            ("/srv/in/", true),
            ("/database", false),
            ("/srv", false),
            ("/data/../etc", false),
            ("/", false),
        ] {
            let container = Container { mounts: vec![mount(source)], ..Container::default() };
            assert_eq!(rules.refused(&container).is_none(), is_given, "{source}");
        }
        let privileged = Container { privileged: true, ..Container::default() };
        assert_eq!(rules.refused(&privileged), Some(Demand::Privileged));
        assert_eq!(ContainerRules { privileged: true, ..rules }.refused(&privileged), None);
    }
}
