//! From a function's settings to a container's. Pure; what the function may have is decided here.
//!
//! No container is privileged, sees the engine's socket or uses the host's network unless the server's settings allow that.
//! Every container loses capabilities that hardly any program needs, cannot gain rights, and has a limit on processes.

use std::path::{Path, PathBuf};

use tidemill_core::{
    limits::CONTAINER_PIDS_MAX,
    ports::Launch,
    spec::{Container, Mount, is_reserved_target},
};

use super::{
    config::ContainerConfig,
    engine::{ContainerSettings, HostMount},
    run::{LIMIT, is_fit},
};

/// Taken from Docker's own list, which is short already: raw sockets, device files, the audit log, and rights of files.
const CAP_DROP: [&str; 4] = ["AUDIT_WRITE", "MKNOD", "NET_RAW", "SETFCAP"];
/// Where programs look for the engine's socket.
const USUAL_SOCKET: &str = "/var/run/docker.sock";

/// What is needed of this machine beside the settings.
pub(crate) struct Host<'a> {
    /// The engine's socket, when it is one.
    pub engine_socket: Option<&'a Path>,
    /// For each mount of the function, in order: its source with links followed, or why it is not there.
    pub sources: &'a [Result<PathBuf, String>],
}

/// The container of a function, but for its name, its own labels, variables and mounts. The error is one line that names the
/// setting.
pub(crate) fn container_settings(
    config: &ContainerConfig,
    launch: &Launch,
    image: &str,
    host: &Host<'_>,
) -> Result<ContainerSettings, String> {
    let default = Container::default();
    let container = launch.spec.container.as_deref().unwrap_or(&default);
    if container.privileged && !config.allow_privileged {
        return Err("spec.container.privileged: the server's settings do not allow privileged containers".to_owned());
    }
    if let Some(variable) = launch.spec.env.iter().find(|variable| !is_fit(&variable.name, &variable.value)) {
        return Err(format!("spec.env: the value of {:?} is one {LIMIT}, which no variable can hold", variable.name));
    }
    let mut mounts = Vec::with_capacity(container.mounts.len() + 1);
    for (mount, source) in container.mounts.iter().zip(host.sources) {
        mounts.push(checked_mount(config, container, mount, source, host)?);
    }
    if let Some(socket) = host.engine_socket.filter(|_| container.privileged) {
        mounts.push(HostMount {
            source: socket.to_string_lossy().into_owned(),
            target: USUAL_SOCKET.to_owned(),
            read_only: false,
        });
    }
    for network in &container.networks {
        check_network(config, container, network)?;
    }
    let resources = &launch.spec.resources;
    let nano_cpus = resources.cpu_millis.map(|millis| u64::from(millis) * 1_000_000);
    Ok(ContainerSettings {
        image: image.to_owned(),
        entrypoint: container.entrypoint.clone(),
        command: container.command.clone(),
        user: container.user.clone(),
        mounts,
        networks: container.networks.clone(),
        memory_bytes: resources.memory_bytes.or(config.memory_bytes_default),
        nano_cpus: nano_cpus.or(config.nano_cpus_default),
        pids_max: container.pids_max.unwrap_or(CONTAINER_PIDS_MAX),
        privileged: container.privileged,
        cap_drop: if container.privileged { Vec::new() } else { CAP_DROP.map(str::to_owned).into() },
        no_new_privileges: !container.privileged,
        ..ContainerSettings::default()
    })
}

fn checked_mount(
    config: &ContainerConfig,
    container: &Container,
    mount: &Mount,
    source: &Result<PathBuf, String>,
    host: &Host<'_>,
) -> Result<HostMount, String> {
    let refused = |why: String| Err(format!("spec.container.mounts: {} {why}", mount.source));
    let target = Path::new(&mount.target);
    let is_plain = target.components().all(|part| !matches!(part, std::path::Component::ParentDir));
    if !target.is_absolute() || !is_plain || target == Path::new("/") {
        return refused(format!("cannot be mounted at {:?}: give an absolute path below /", mount.target));
    }
    if is_reserved_target(&mount.target) {
        return refused(format!("cannot be mounted at {:?}, where Tidemill puts its own files", mount.target));
    }
    if !Path::new(&mount.source).is_absolute() {
        return refused("is not an absolute path".to_owned());
    }
    let source = match source {
        Ok(source) => source,
        Err(why) => return refused(format!("cannot be mounted: {why}")),
    };
    if !config.allow_mounts.iter().any(|allowed| source.starts_with(allowed)) {
        return refused("is in no folder that the server's settings allow to mount".to_owned());
    }
    let holds = |inner: Option<&Path>| inner.is_some_and(|inner| inner.starts_with(source));
    if !container.privileged && (holds(host.engine_socket) || source.ends_with("docker.sock")) {
        return refused("holds the engine's socket, which gives all rights of the host".to_owned());
    }
    if holds(Some(&config.runtime_dir)) || source.starts_with(&config.runtime_dir) {
        return refused("holds the files of other executions".to_owned());
    }
    Ok(HostMount {
        source: source.to_string_lossy().into_owned(),
        target: mount.target.clone(),
        read_only: mount.read_only,
    })
}

fn check_network(config: &ContainerConfig, container: &Container, network: &str) -> Result<(), String> {
    let refused = |why: &str| Err(format!("spec.container.networks: {network:?} {why}"));
    let is_name = network.starts_with(|c: char| c.is_ascii_alphanumeric())
        && network.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    if !is_name {
        return refused("is not the name of a network");
    }
    match network {
        "host" if !(container.privileged && config.allow_privileged) => {
            refused("is the network of the host, for privileged containers only")
        }
        "none" | "host" if container.networks.len() > 1 => refused("does not go together with other networks"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::container::tests::launch;
    use tidemill_core::spec::{EnvVar, FunctionSpec, Resources, Runtime};

    fn config() -> ContainerConfig {
        ContainerConfig {
            allow_mounts: vec!["/srv".into(), "/run".into(), "/data".into()],
            memory_bytes_default: Some(1 << 30),
            nano_cpus_default: Some(2_000_000_000),
            ..ContainerConfig::new("i", "/run/tidemill")
        }
    }

    fn settings(
        config: &ContainerConfig,
        container: Container,
        resources: Resources,
    ) -> Result<ContainerSettings, String> {
        let sources: Vec<_> = container.mounts.iter().map(|mount| source(&mount.source)).collect();
        let spec =
            FunctionSpec { container: Some(Box::new(container)), resources, ..FunctionSpec::new(Runtime::Image) };
        let host = Host { engine_socket: Some(Path::new("/run/docker.sock")), sources: &sources };
        container_settings(config, &launch(Arc::new(spec)), "sha256:1", &host)
    }

    fn source(path: &str) -> Result<PathBuf, String> {
        match path {
            "/srv/link" => Ok("/etc".into()),
            "/srv/none" => Err("it is not there".to_owned()),
            path => Ok(path.into()),
        }
    }

    fn mount(source: &str, target: &str) -> Container {
        let mount = Mount { source: source.to_owned(), target: target.to_owned(), read_only: true };
        Container { mounts: vec![mount], ..Container::default() }
    }

    #[test]
    fn a_container_has_limits_and_few_rights() {
        let plain = settings(&config(), Container::default(), Resources::default()).unwrap();
        assert_eq!((plain.memory_bytes, plain.nano_cpus, plain.pids_max), (Some(1 << 30), Some(2_000_000_000), 512));
        assert!(!plain.privileged && plain.no_new_privileges && plain.mounts.is_empty() && plain.networks.is_empty());
        assert_eq!(plain.cap_drop, CAP_DROP);
        let resources = Resources { memory_bytes: Some(64 << 20), cpu_millis: Some(250) };
        let container = Container {
            pids_max: Some(9),
            user: "1000:100".to_owned(),
            entrypoint: Some(vec!["/e".to_owned()]),
            command: Some(vec!["c".to_owned()]),
            networks: vec!["none".to_owned()],
            ..Container::default()
        };
        let own = settings(&config(), container, resources).unwrap();
        assert_eq!((own.memory_bytes, own.nano_cpus, own.pids_max), (Some(64 << 20), Some(250_000_000), 9));
        assert_eq!((own.user.as_str(), own.networks), ("1000:100", vec!["none".to_owned()]));
        assert_eq!((own.entrypoint, own.command), (Some(vec!["/e".to_owned()]), Some(vec!["c".to_owned()])));
    }

    #[test]
    fn privileges_need_the_servers_leave() {
        let privileged = Container { privileged: true, ..Container::default() };
        let error = settings(&config(), privileged.clone(), Resources::default()).unwrap_err();
        assert!(error.starts_with("spec.container.privileged:"), "{error}");
        let allowed = ContainerConfig { allow_privileged: true, ..config() };
        let given = settings(&allowed, privileged, Resources::default()).unwrap();
        assert!(given.privileged && !given.no_new_privileges && given.cap_drop.is_empty());
        assert_eq!(
            (given.mounts[0].source.as_str(), given.mounts[0].target.as_str()),
            ("/run/docker.sock", USUAL_SOCKET)
        );
        let plain = settings(&allowed, Container::default(), Resources::default()).unwrap();
        assert!(!plain.privileged && plain.mounts.is_empty());
    }

    #[test]
    fn only_allowed_folders_are_mounted() {
        for (source, target, refusal) in [
            ("/srv/data", "/data", None),
            ("/srv", "/a/b", None),
            ("/srvx", "/data", Some("is in no folder that the server's settings allow")),
            ("/etc", "/data", Some("is in no folder")),
            ("/srv/link", "/data", Some("is in no folder")),
            ("/srv/none", "/data", Some("cannot be mounted: it is not there")),
            ("srv", "/data", Some("is not an absolute path")),
            ("/srv/a", "data", Some("give an absolute path")),
            ("/srv/a", "/", Some("give an absolute path")),
            ("/srv/a", "/a/../b", Some("give an absolute path")),
            ("/srv/a", "/_tidemill/x", Some("where Tidemill puts its own files")),
            ("/srv/a", "/./_tidemill", Some("where Tidemill puts its own files")),
            ("/srv/a", "/tidemillion", None),
            ("/srv/a", "/_abaco_results.sock", Some("where Tidemill puts its own files")),
            ("/run", "/run", Some("holds the engine's socket")),
            ("/run/docker.sock", "/d", Some("holds the engine's socket")),
            ("/srv/docker.sock", "/d", Some("holds the engine's socket")),
            ("/run/tidemill", "/d", Some("holds the files of other executions")),
            ("/run/tidemill/x", "/d", Some("holds the files of other executions")),
        ] {
            let answer = settings(&config(), mount(source, target), Resources::default());
            match (refusal, answer) {
                (None, Ok(settings)) => assert!(settings.mounts[0].read_only && settings.mounts[0].source == source),
                (Some(part), Err(error)) => assert!(error.contains(part), "{source}: {error}"),
                (_, answer) => panic!("{source} at {target}: {answer:?}"),
            }
        }
        let none = ContainerConfig { allow_mounts: Vec::new(), ..config() };
        assert!(settings(&none, mount("/srv", "/x"), Resources::default()).is_err());
    }

    #[test]
    fn variables_fit_into_the_environment() {
        for (value, is_refused) in [("x".to_owned(), false), ("x".repeat(131_000), true), ("a\0b".to_owned(), true)] {
            let mut spec = FunctionSpec::new(Runtime::Image);
            spec.env.push(EnvVar { name: "BIG".to_owned(), value });
            let host = Host { engine_socket: None, sources: &[] };
            let answer = container_settings(&config(), &launch(Arc::new(spec)), "sha256:1", &host);
            assert_eq!(answer.is_err(), is_refused);
            assert!(answer.err().is_none_or(|error| error.starts_with("spec.env: the value of \"BIG\"")));
        }
    }

    #[test]
    fn networks_are_names_and_the_hosts_is_guarded() {
        for (networks, refusal) in [
            (vec!["bridge"], None),
            (vec!["a_1", "b.c-d"], None),
            (vec!["none"], None),
            (vec!["container:abc"], Some("is not the name of a network")),
            (vec![""], Some("is not the name")),
            (vec!["host"], Some("for privileged containers only")),
            (vec!["none", "bridge"], Some("does not go together")),
        ] {
            let networks: Vec<String> = networks.into_iter().map(str::to_owned).collect();
            let container = Container { networks: networks.clone(), ..Container::default() };
            let error = settings(&config(), container, Resources::default()).err();
            assert_eq!(error.is_some(), refusal.is_some(), "{networks:?}: {error:?}");
            assert!(error.unwrap_or_default().contains(refusal.unwrap_or_default()), "{networks:?}");
        }
        let allowed = ContainerConfig { allow_privileged: true, ..config() };
        let host = Container { privileged: true, networks: vec!["host".to_owned()], ..Container::default() };
        assert!(settings(&allowed, host, Resources::default()).is_ok());
    }
}
