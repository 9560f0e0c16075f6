//! Between our words and the API's.

use std::{collections::BTreeMap, time::Duration};

use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, ContainerStatsResponse,
    ContainerSummary as ListedContainer, ContainerSummaryStateEnum, EndpointSettings, HostConfig, HostConfigLogConfig,
    ImageInspect, Mount, MountBindOptions, MountType, NetworkSettings, NetworkingConfig, PortBinding,
};
use bollard::query_parameters::BuildImageOptions;
use bytes::Bytes;
use tidemill_core::Timestamp;

use crate::container::engine::{
    BuildImage, ContainerFacts, ContainerId, ContainerSettings, ContainerStatus, ContainerSummary, ImageFacts,
    LogChunk, LogSource, Usage,
};

/// A container's log on the engine's disk is rotated at this size, so that a flood does not fill the disk.
const LOG_FILE_SIZE: &str = "16m";
const LOG_FILES: &str = "2";

/// The image and its tag or digest, as a pull wants them; without one it is `latest`, never all tags.
pub(super) fn split_reference(name: &str) -> (&str, &str) {
    if let Some((image, digest)) = name.split_once('@') {
        return (image, digest);
    }
    let after_slash = name.rfind('/').map_or(0, |at| at + 1);
    match name[after_slash..].rfind(':') {
        Some(colon) => (&name[..after_slash + colon], &name[after_slash + colon + 1..]),
        None => (name, "latest"),
    }
}

/// The kernel's usual period that shares of cores are counted in, in microseconds.
const CPU_PERIOD_US: u64 = 100_000;

/// What is known of an image.
pub(super) fn image_facts(image: ImageInspect) -> ImageFacts {
    let config = image.config.unwrap_or_default();
    let variable = |text: String| {
        let (name, value) = text.split_once('=').unwrap_or((&text, ""));
        (name.to_owned(), value.to_owned())
    };
    ImageFacts {
        id: image.id.unwrap_or_default(),
        digests: image.repo_digests.unwrap_or_default(),
        env: config.env.unwrap_or_default().into_iter().map(variable).collect(),
        user: config.user.unwrap_or_default(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        has_no_program: config.entrypoint.unwrap_or_default().is_empty() && config.cmd.unwrap_or_default().is_empty(),
    }
}

/// What is asked for to build an image. Where the API has no room for a larger limit it is 2 GiB.
pub(super) fn build_options(build: &BuildImage) -> BuildImageOptions {
    let memory = build.memory_bytes.map(|bytes| i32::try_from(bytes).unwrap_or(i32::MAX));
    let quota = |nano: u64| i32::try_from(nano / (1_000_000_000 / CPU_PERIOD_US)).unwrap_or(i32::MAX);
    BuildImageOptions {
        dockerfile: build.dockerfile.clone(),
        t: Some(build.name.clone()),
        nocache: build.no_cache,
        pull: build.pull.then(|| "1".to_owned()),
        rm: true,
        forcerm: true,
        buildargs: Some(build.arguments.clone().into_iter().collect()),
        labels: Some(build.labels.clone().into_iter().collect()),
        memory,
        memswap: memory,
        cpuperiod: build.nano_cpus.map(|_| i32::try_from(CPU_PERIOD_US).unwrap_or(i32::MAX)),
        cpuquota: build.nano_cpus.map(quota),
        ..BuildImageOptions::default()
    }
}

/// The body of a request to make a container.
pub(super) fn create_body(settings: &ContainerSettings) -> ContainerCreateBody {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let endpoints = settings.networks.iter().map(|name| (name.clone(), EndpointSettings::default()));
    // One network goes by the mode alone, which knows `none` and `host`; engines before 25 take no more at creation.
    let networking =
        (settings.networks.len() > 1).then(|| NetworkingConfig { endpoints_config: Some(endpoints.collect()) });
    let exposed: Vec<String> = settings.publish.iter().map(|port| format!("{port}/tcp")).collect();
    ContainerCreateBody {
        image: Some(settings.image.clone()),
        user: given(&settings.user),
        working_dir: given(&settings.working_dir),
        env: Some(settings.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        entrypoint: settings.entrypoint.clone(),
        cmd: settings.command.clone(),
        labels: Some(settings.labels.clone().into_iter().collect()),
        exposed_ports: Some(exposed).filter(|ports| !ports.is_empty()),
        host_config: Some(host_config(settings)),
        networking_config: networking,
        ..ContainerCreateBody::default()
    }
}

fn host_config(settings: &ContainerSettings) -> HostConfig {
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let memory = settings.memory_bytes.map(signed);
    let binding = || PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: None };
    let bindings = settings.publish.iter().map(|port| (format!("{port}/tcp"), Some(vec![binding()])));
    let log_options =
        [("max-size".to_owned(), LOG_FILE_SIZE.to_owned()), ("max-file".to_owned(), LOG_FILES.to_owned())];
    HostConfig {
        memory,
        // As much as memory alone: no swap.
        memory_swap: memory,
        nano_cpus: settings.nano_cpus.map(signed),
        pids_limit: Some(i64::from(settings.pids_max)),
        privileged: Some(settings.privileged),
        cap_drop: Some(settings.cap_drop.clone()),
        security_opt: settings.no_new_privileges.then(|| vec!["no-new-privileges".to_owned()]),
        readonly_rootfs: Some(settings.read_only_root),
        init: Some(settings.init),
        network_mode: settings.networks.first().cloned(),
        port_bindings: Some(bindings.collect()).filter(|ports: &std::collections::HashMap<_, _>| !ports.is_empty()),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(log_options.into_iter().collect()),
        }),
        mounts: Some(settings.mounts.iter().map(mount).collect()),
        ..HostConfig::default()
    }
}

fn mount(mount: &crate::container::engine::HostMount) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(mount.source.clone()),
        target: Some(mount.target.clone()),
        read_only: Some(mount.read_only),
        // What is mounted below a read-only folder would be writable: it stays outside.
        bind_options: mount
            .read_only
            .then(|| MountBindOptions { non_recursive: Some(true), ..MountBindOptions::default() }),
        ..Mount::default()
    }
}

fn status(status: Option<ContainerStateStatusEnum>, is_running: bool) -> ContainerStatus {
    match status {
        Some(ContainerStateStatusEnum::CREATED) => ContainerStatus::Created,
        Some(
            ContainerStateStatusEnum::RUNNING
            | ContainerStateStatusEnum::PAUSED
            | ContainerStateStatusEnum::RESTARTING
            | ContainerStateStatusEnum::STOPPING,
        ) => ContainerStatus::Running,
        Some(
            ContainerStateStatusEnum::REMOVING | ContainerStateStatusEnum::EXITED | ContainerStateStatusEnum::DEAD,
        ) => ContainerStatus::Ended,
        Some(ContainerStateStatusEnum::EMPTY) | None if is_running => ContainerStatus::Running,
        Some(ContainerStateStatusEnum::EMPTY) | None => ContainerStatus::Ended,
    }
}

/// What an inspection says.
pub(super) fn facts(id: &ContainerId, answer: ContainerInspectResponse) -> ContainerFacts {
    let state = answer.state.unwrap_or_default();
    let (addresses, published) = answer.network_settings.map(network).unwrap_or_default();
    ContainerFacts {
        id: answer.id.map_or_else(|| id.clone(), ContainerId::new),
        status: status(state.status, state.running.unwrap_or(false)),
        exit_code: state.exit_code.unwrap_or(0),
        is_oom_killed: state.oom_killed.unwrap_or(false),
        error: state.error.clone().unwrap_or_default(),
        run_time: run_time(&state),
        state: serde_json::to_value(&state).unwrap_or_default(),
        addresses,
        published,
        labels: answer.config.and_then(|config| config.labels).unwrap_or_default().into_iter().collect(),
    }
}

fn network(settings: NetworkSettings) -> (BTreeMap<String, std::net::IpAddr>, BTreeMap<u16, u16>) {
    let networks = settings.networks.unwrap_or_default().into_iter();
    let addresses = networks.filter_map(|(name, end)| Some((name, end.ip_address?.parse().ok()?))).collect();
    let ports = settings.ports.unwrap_or_default().into_iter();
    let published = ports.filter_map(|(port, bindings)| {
        let inner = port.strip_suffix("/tcp")?.parse().ok()?;
        let outer = bindings?.into_iter().find_map(|binding| binding.host_port?.parse().ok())?;
        Some((inner, outer))
    });
    (addresses, published.collect())
}

/// The engine writes the year 1 for what did not happen yet.
fn run_time(state: &ContainerState) -> Option<Duration> {
    let moment = |text: &Option<String>| Timestamp::parse_rfc3339(text.as_deref()?).filter(|at| at.micros() > 0);
    let (started, finished) = (moment(&state.started_at)?, moment(&state.finished_at)?);
    (finished >= started).then(|| finished.since(started))
}

/// An entry of a list; none without an id.
pub(super) fn summary(listed: ListedContainer) -> Option<ContainerSummary> {
    let status = match listed.state {
        Some(ContainerSummaryStateEnum::CREATED) => ContainerStatus::Created,
        Some(
            ContainerSummaryStateEnum::RUNNING
            | ContainerSummaryStateEnum::PAUSED
            | ContainerSummaryStateEnum::RESTARTING
            | ContainerSummaryStateEnum::STOPPING,
        ) => ContainerStatus::Running,
        Some(
            ContainerSummaryStateEnum::REMOVING
            | ContainerSummaryStateEnum::EXITED
            | ContainerSummaryStateEnum::DEAD
            | ContainerSummaryStateEnum::EMPTY,
        )
        | None => ContainerStatus::Ended,
    };
    let name = listed.names.unwrap_or_default().into_iter().next().unwrap_or_default();
    Some(ContainerSummary {
        id: ContainerId::new(listed.id?),
        name: name.trim_start_matches('/').to_owned(),
        status,
        labels: listed.labels.unwrap_or_default().into_iter().collect(),
    })
}

/// A piece of log, which begins with the time the engine stamped it with.
pub(super) fn log_chunk(source: LogSource, message: Bytes) -> LogChunk {
    let space = message.iter().take(64).position(|byte| *byte == b' ');
    let stamp = space.and_then(|at| std::str::from_utf8(&message[..at]).ok());
    match stamp.and_then(|stamp| Some((Timestamp::parse_rfc3339(stamp)?, stamp.to_owned()))) {
        Some((time, stamp)) => {
            let bytes = message.slice(stamp.len() + 1..);
            LogChunk { source, time, stamp, bytes }
        }
        None => LogChunk { source, time: Timestamp(0), stamp: String::new(), bytes: message },
    }
}

/// The counters that matter.
pub(super) fn usage(sample: &ContainerStatsResponse) -> Usage {
    let cpu = sample.cpu_stats.as_ref().and_then(|cpu| cpu.cpu_usage.as_ref()?.total_usage);
    let networks = sample.networks.iter().flat_map(|networks| networks.values());
    let received: u64 = networks.filter_map(|network| network.rx_bytes).sum();
    let entries = sample.blkio_stats.iter().filter_map(|io| io.io_service_bytes_recursive.as_ref()).flatten();
    let is_read = |op: &Option<String>| op.as_deref().is_some_and(|op| op.eq_ignore_ascii_case("read"));
    let read: u64 = entries.filter(|entry| is_read(&entry.op)).filter_map(|entry| entry.value).sum();
    let memory = sample.memory_stats.as_ref();
    Usage {
        cpu_ns: cpu.unwrap_or(0),
        io_bytes: received + read,
        memory_bytes: memory.and_then(|memory| memory.max_usage.or(memory.usage)).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::engine::HostMount;

    #[test]
    fn builds_are_limited() {
        for (memory_bytes, nano_cpus, memory, quota) in [
            (None, None, None, None),
            (Some(1 << 30), Some(1_500_000_000), Some(1 << 30), Some(150_000)),
            // More than the API has room for.
            (Some(1 << 40), Some(u64::MAX), Some(i32::MAX), Some(i32::MAX)),
        ] {
            let options = build_options(&BuildImage { memory_bytes, nano_cpus, ..BuildImage::default() });
            assert_eq!((options.memory, options.memswap, options.cpuquota), (memory, memory, quota));
            assert_eq!(options.cpuperiod.is_some(), nano_cpus.is_some());
        }
    }

    #[test]
    fn references_have_a_tag_or_a_digest() {
        for (name, split) in [
            ("busybox", ("busybox", "latest")),
            ("busybox:1.36", ("busybox", "1.36")),
            ("localhost:5000/a/b", ("localhost:5000/a/b", "latest")),
            ("localhost:5000/a/b:v1", ("localhost:5000/a/b", "v1")),
            ("a/b@sha256:00ff", ("a/b", "sha256:00ff")),
        ] {
            assert_eq!(split_reference(name), split, "{name}");
        }
    }

    #[test]
    fn log_lines_carry_their_time() {
        let chunk = log_chunk(LogSource::Out, Bytes::from_static(b"2026-11-22T04:05:06.123456789Z hello world\n"));
        assert_eq!(chunk.bytes, "hello world\n");
        assert_eq!(chunk.stamp, "2026-11-22T04:05:06.123456789Z");
        assert_eq!(chunk.time.to_rfc3339(), "2026-11-22T04:05:06.123456Z");
        let bare = log_chunk(LogSource::Err, Bytes::from_static(b"no time\n"));
        assert_eq!((bare.bytes, bare.time), (Bytes::from_static(b"no time\n"), Timestamp(0)));
    }

    #[test]
    fn limits_reach_the_engine() {
        let settings = ContainerSettings {
            image: "x".to_owned(),
            memory_bytes: Some(64 << 20),
            nano_cpus: Some(500_000_000),
            pids_max: 7,
            cap_drop: vec!["NET_RAW".to_owned()],
            no_new_privileges: true,
            networks: vec!["none".to_owned()],
            mounts: vec![HostMount { source: "/a".to_owned(), target: "/b".to_owned(), read_only: true }],
            ..ContainerSettings::default()
        };
        let body = serde_json::to_value(create_body(&settings)).unwrap();
        let host = &body["HostConfig"];
        assert_eq!(host["Memory"], 64 << 20);
        assert_eq!(host["MemorySwap"], 64 << 20);
        assert_eq!(host["NanoCpus"], 500_000_000);
        assert_eq!(host["PidsLimit"], 7);
        assert_eq!(host["Privileged"], false);
        assert_eq!(host["CapDrop"], serde_json::json!(["NET_RAW"]));
        assert_eq!(host["SecurityOpt"], serde_json::json!(["no-new-privileges"]));
        assert_eq!(host["NetworkMode"], "none");
        assert_eq!(host["Mounts"][0]["ReadOnly"], true);
        assert_eq!(host["Mounts"][0]["BindOptions"]["NonRecursive"], true);
        assert_eq!(body.get("User"), None);
    }

    #[test]
    fn what_did_not_happen_took_no_time() {
        let state = |started: &str, finished: &str| ContainerState {
            started_at: Some(started.to_owned()),
            finished_at: Some(finished.to_owned()),
            ..ContainerState::default()
        };
        let whole = state("2026-11-22T04:00:00.5Z", "2026-11-22T04:00:02Z");
        assert_eq!(run_time(&whole), Some(Duration::from_millis(1500)));
        assert_eq!(run_time(&state("2026-11-22T04:00:00Z", "0001-01-01T00:00:00Z")), None);
    }
}
