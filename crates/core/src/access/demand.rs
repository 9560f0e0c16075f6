//! What of a function's settings not everybody may ask for, and not every server gives.

use std::{fmt, path::Path};

use super::Role;
use crate::{
    address,
    spec::{Container, DEPENDENCY_FILES, FunctionSpec, Runtime},
};

/// Something that reaches beyond the function's own container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// It runs as a process of the server's machine.
    Process,
    /// Its process has the network of the server's machine, with whatever answers there without asking who is there.
    ProcessNetwork,
    /// Commands of its own or of what it depends on run when it is built, and have that network too.
    ProcessBuild,
    /// All rights of the host.
    Privileged,
    /// A folder or file of the host.
    Mount(String),
    /// An image that is built from the package's own `Dockerfile`, whose steps the engine runs.
    Build,
    /// The network of the host or of another container.
    Network(String),
    /// Requests to a host that is not of the internet, from within the server.
    PrivateHost(String),
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Demand::Process => f.write_str("code that runs as a process of the server's machine"),
            Demand::ProcessNetwork => f.write_str("a process with the network of the server's machine"),
            Demand::ProcessBuild => f.write_str("a package whose build runs commands on the server's machine"),
            Demand::Privileged => f.write_str("a privileged container"),
            Demand::Mount(path) => write!(f, "the mount of {path}"),
            Demand::Build => f.write_str("an image that is built from a Dockerfile"),
            Demand::Network(name) => write!(f, "the network {name:?}"),
            Demand::PrivateHost(host) => write!(f, "a function that may reach {host:?}, which is not of the internet"),
        }
    }
}

/// The weakest roles that may deploy code which runs as a process of the server's machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessRoles {
    /// When it has no network and nothing of it runs when it is built.
    pub closed: Role,
    /// When it has, or something does.
    pub open: Role,
}

impl ProcessRoles {
    /// The same for both.
    pub fn all(role: Role) -> ProcessRoles {
        ProcessRoles { closed: role, open: role }
    }

    /// Without a setting. A sandbox that keeps processes apart in every way lets anybody who may deploy at all deploy what stays in it. With the
    /// network of the machine it could still speak to what trusts the machine, as a cloud's metadata address does.
    pub fn usual(is_apart: bool) -> ProcessRoles {
        ProcessRoles { closed: if is_apart { Role::User } else { Role::Privileged }, open: Role::Privileged }
    }

    /// The role for `demand`, if it is one of a process.
    pub fn needed(self, demand: &Demand) -> Option<Role> {
        match demand {
            Demand::Process => Some(self.closed),
            Demand::ProcessNetwork | Demand::ProcessBuild | Demand::PrivateHost(_) => Some(self.open),
            Demand::Privileged | Demand::Mount(_) | Demand::Build | Demand::Network(_) => None,
        }
    }
}

/// All that a function of a package with `files` asks for beyond its own container or sandbox.
pub fn demands(spec: &FunctionSpec, files: &[String]) -> Vec<Demand> {
    let mut demands = Vec::new();
    if !matches!(spec.runtime, Runtime::Image | Runtime::Webhook | Runtime::Wasm) {
        demands.push(Demand::Process);
        // Whether they ask for anything is not looked at.
        let is_installed = files.iter().any(|file| DEPENDENCY_FILES.contains(&file.as_str()));
        let is_built = is_installed || !spec.build.commands.is_empty() || !spec.build.requirements.is_empty();
        // The image of a language is always built.
        if is_built || spec.is_contained() {
            demands.push(Demand::ProcessBuild);
        }
        if spec.sandbox.network {
            demands.push(Demand::ProcessNetwork);
        }
    }
    if spec.runtime == Runtime::Image && spec.container.as_ref().is_none_or(|container| container.image.is_empty()) {
        demands.push(Demand::Build);
    }
    if spec.runtime == Runtime::Wasm {
        demands.extend(wasm_mounts(spec).map(|source| Demand::Mount(source.to_owned())));
        demands.extend(wasm_private_hosts(spec).map(|host| Demand::PrivateHost(host.to_owned())));
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

/// What a WebAssembly function asks to reach that is not of the internet. Names lead to public addresses only.
fn wasm_private_hosts(spec: &FunctionSpec) -> impl Iterator<Item = &str> {
    let grants = spec.runtime_attributes.get("wasm").and_then(|wasm| wasm.get("allowHosts"));
    let hosts = grants.and_then(serde_json::Value::as_array).into_iter().flatten().filter_map(|host| host.as_str());
    hosts.filter(|text| address::split(text).is_some_and(|(host, _)| address::is_private_host(host)))
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
        assert!(demands(&spec, &[]).is_empty());
        let mounts = serde_json::json!({"mounts": [{"source": "data"}, {"source": "/etc"}]});
        spec.runtime_attributes.insert("wasm".to_owned(), mounts);
        assert_eq!(demands(&spec, &[]), [Demand::Mount("/etc".to_owned())]);
    }

    #[test]
    fn webassembly_asks_for_hosts_that_are_not_of_the_internet() {
        let mut spec = FunctionSpec::new(Runtime::Wasm);
        let hosts =
            ["*", "example.org", "*.example.net:8080", "93.184.216.34", "127.0.0.1:80", "[::1]:80", "localhost:7070"];
        spec.runtime_attributes.insert("wasm".to_owned(), serde_json::json!({ "allowHosts": hosts }));
        let found = demands(&spec, &[]);
        assert_eq!(found, [hosts[4], hosts[5], hosts[6]].map(|host| Demand::PrivateHost(host.to_owned())));
        assert_eq!(ProcessRoles::usual(true).needed(&found[0]), Some(Role::Privileged));
        assert_eq!(ProcessRoles::usual(false).needed(&found[0]), Some(Role::Privileged));
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
        let found = |spec: &FunctionSpec| super::demands(spec, &[]);
        assert_eq!(found(&image(|_| {})), []);
        assert_eq!(found(&FunctionSpec::new(Runtime::Webhook)), []);
        assert_eq!(found(&FunctionSpec::new(Runtime::Shell)), [Demand::Process]);
        assert_eq!(found(&image(|c| c.privileged = true)), [Demand::Privileged]);
        assert_eq!(found(&image(|c| c.mounts.push(mount("/data")))), [Demand::Mount("/data".to_owned())]);
        assert_eq!(found(&FunctionSpec::new(Runtime::Image)), [Demand::Build]);
        assert_eq!(found(&image(|c| c.image.clear())), [Demand::Build]);
        for user in ["", "1000", "root", "0:0"] {
            // Most images say root themselves, so naming it asks for nothing more.
            assert_eq!(found(&image(|c| c.user = user.to_owned())), [], "{user}");
        }
        for (network, is_foreign) in [("none", false), ("mine", false), ("host", true), ("container:db", true)] {
            let asked = found(&image(|c| c.networks.push(network.to_owned())));
            assert_eq!(!asked.is_empty(), is_foreign, "{network}");
        }
    }

    #[test]
    fn processes_that_are_built_or_have_the_network_ask_for_more() {
        let found = |change: fn(&mut FunctionSpec), files: &[&str]| {
            let mut spec = FunctionSpec::new(Runtime::Python(None));
            change(&mut spec);
            super::demands(&spec, &files.iter().map(|file| (*file).to_owned()).collect::<Vec<_>>())
        };
        let (process, build) = (Demand::Process, Demand::ProcessBuild);
        assert_eq!(found(|_| {}, &["main.py", "data/requirements.txt"]), std::slice::from_ref(&process));
        assert_eq!(found(|_| {}, &["main.py", "requirements.txt"]), [process.clone(), build.clone()]);
        assert_eq!(found(|spec| spec.build.commands.push("make".to_owned()), &[]), [process.clone(), build.clone()]);
        assert_eq!(found(|spec| spec.build.requirements.push("six".to_owned()), &[]), [process.clone(), build.clone()]);
        assert_eq!(found(|spec| spec.container = Some(Box::default()), &[]), [process.clone(), build.clone()]);
        let network = found(|spec| spec.sandbox.network = true, &[]);
        assert_eq!(network, [process.clone(), Demand::ProcessNetwork]);
        let needed = |roles: ProcessRoles| [&process, &build, &network[1]].map(|demand| roles.needed(demand));
        let (user, privileged, admin) = (Some(Role::User), Some(Role::Privileged), Some(Role::Admin));
        assert_eq!(needed(ProcessRoles::usual(true)), [user, privileged, privileged]);
        assert_eq!(needed(ProcessRoles::usual(false)), [privileged; 3]);
        assert_eq!(needed(ProcessRoles::all(Role::Admin)), [admin; 3]);
        assert_eq!(ProcessRoles::usual(true).needed(&Demand::Build), None);
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
