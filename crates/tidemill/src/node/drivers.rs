//! Where workers live: processes of this machine, containers, and other people's servers.

use std::{
    fs, io,
    os::unix::{ffi::OsStrExt, fs::DirBuilderExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use tidemill_core::ports::{Driver, Rng};
use tidemill_sandbox::{Controller, Finding, Launcher};
use tidemill_worker::{
    BuildLimits, ContainerConfig, ContainerDriver, DriverConfig, ProcessDriver, RouterDriver, Sandbox, SandboxConfig,
    SandboxMode, WebhookConfig, WebhookDriver,
};

use crate::{config::Settings, failure::Failure};

/// What an operator should know when there is none.
const NO_SANDBOX: &str =
    "functions are built and run with the rights of this user, without a sandbox: deploy only code you trust";
/// The file in the data folder that holds the name of the containers that belong to it.
const INSTANCE: &str = "instance";
/// The longest path that sockets may stand in, in bytes: a socket's own path has 108 at most.
const RUNTIME_DIR_BYTES_MAX: usize = 64;

/// The sandbox of workers that are processes and of builds, as the settings have it. `None` when it is off. Blocks for some
/// milliseconds. What is to be shown must be there, and be neither all of the machine nor of the data.
pub fn sandbox(data: &Path, settings: &Settings) -> Result<Option<Arc<Sandbox>>, Failure> {
    let mode = match settings.word("sandbox").as_str() {
        "off" => SandboxMode::Off,
        "strict" => SandboxMode::Strict,
        _ => SandboxMode::On,
    };
    let named = settings.list("workers.cgroups");
    let shown = shown(data, settings)?;
    let config = SandboxConfig {
        scratch_bytes: settings.size("workers.scratch"),
        processes_max: settings.count("workers.processes").into(),
        shown,
        unseen: vec![data.to_owned()],
        controllers: Controller::ALL.into_iter().filter(|it| named.iter().any(|name| name == it.name())).collect(),
        ..SandboxConfig::new(mode, Launcher::this())
    };
    Sandbox::open(config).map_err(|error| Failure::broken(format!("the sandbox cannot be made: {error}")))
}

/// What all functions see beside the usual. `data` has no links in it.
fn shown(data: &Path, settings: &Settings) -> Result<Vec<PathBuf>, Failure> {
    const KEY: &str = "workers.shown";
    let paths: Vec<PathBuf> = settings.list(KEY).into_iter().map(PathBuf::from).collect();
    for path in &paths {
        let wrong = |reason: &str| settings.wrong(KEY, &format!("{} {reason}", path.display()));
        let place = fs::canonicalize(path).map_err(|error| wrong(&format!("cannot be shown: {error}")))?;
        if place.parent().is_none() {
            return Err(wrong("is all of this machine").hint("name the folders that functions need"));
        }
        if place.starts_with(data) {
            let data = data.display();
            return Err(wrong(&format!("is in the data folder {data}, which no function may see")));
        }
    }
    Ok(paths)
}

/// What a build may use, as the settings have it.
pub fn build_limits(settings: &Settings) -> BuildLimits {
    BuildLimits {
        memory_bytes: settings.some_size("builds.memory"),
        processes_max: settings.count("builds.processes").into(),
        disk_bytes: settings.size("builds.disk"),
        concurrency: settings.count("builds.concurrency"),
    }
}

/// The most memory of a worker that is a process, in bytes.
pub fn worker_memory(settings: &Settings) -> Option<u64> {
    settings.some_size("workers.memory").or_else(half_of_memory)
}

/// Half of what this process may have of the machine's memory, in bytes; in whole MiB, as people say it.
fn half_of_memory() -> Option<u64> {
    tidemill_sandbox::machine_memory().map(|bytes| (bytes / 2).max(1 << 20) & !((1 << 20) - 1))
}

/// All drivers behind one, and what an operator should know of the sandbox of processes.
pub fn all(
    data: &Path,
    settings: &Settings,
    process: DriverConfig,
    rng: &dyn Rng,
) -> io::Result<(Arc<dyn Driver>, Vec<String>)> {
    let instance = instance(data, rng)?;
    let mut config = ContainerConfig::new(instance.clone(), runtime_dir(data, &instance)?);
    config.address = settings.some_text("docker.address");
    config.allow_privileged = settings.switch("docker.privileged");
    config.allow_mounts = settings.list("docker.mounts").into_iter().map(PathBuf::from).collect();
    config.memory_bytes_default = settings.some_size("docker.memory");
    config.nano_cpus_default = settings.some_cores("docker.cpus");
    config.leave_containers = settings.switch("docker.leave_containers");
    let process = ProcessDriver::new(process)?;
    let notes = notes(process.sandbox());
    let process: Arc<dyn Driver> = Arc::new(process);
    let container: Arc<dyn Driver> = Arc::new(ContainerDriver::new(config)?);
    // Where everybody may do everything, a private address gives nobody anything new.
    let webhook = WebhookConfig { allow_private: settings.word("auth.mode") == "none" };
    let webhook: Arc<dyn Driver> = Arc::new(WebhookDriver::with(webhook));
    let router = RouterDriver::new(process, Some(container), webhook).with_wasm(wasm(data, settings)?);
    Ok((Arc::new(router), notes))
}

/// A line a mechanism.
fn notes(sandbox: Option<&[Finding]>) -> Vec<String> {
    match sandbox {
        None => vec![NO_SANDBOX.to_owned()],
        Some(findings) => findings.iter().map(|finding| format!("sandbox, {finding}")).collect(),
    }
}

#[cfg(feature = "wasm")]
fn wasm(data: &Path, settings: &Settings) -> io::Result<Option<Arc<dyn Driver>>> {
    let mut config = tidemill_wasm::WasmConfig::new(data);
    config.mounts = settings.list("wasm.mounts").into_iter().map(PathBuf::from).collect();
    config.instances_max = settings.count("wasm.instances_max");
    let half = half_of_memory();
    config.compiler_bytes_max = half.unwrap_or(config.compiler_bytes_max);
    config.memory_bytes_max = settings.some_size("wasm.memory").or(half).unwrap_or(config.memory_bytes_max);
    config.compiled_bytes_max = settings.size("wasm.compiled");
    Ok(Some(Arc::new(tidemill_wasm::WasmDriver::new(config)?)))
}

#[cfg(not(feature = "wasm"))]
fn wasm(_: &Path, _: &Settings) -> io::Result<Option<Arc<dyn Driver>>> {
    Ok(None)
}

/// Names the containers of this data folder, wherever it is moved.
fn instance(data: &Path, rng: &dyn Rng) -> io::Result<String> {
    let file = data.join(INSTANCE);
    match fs::read_to_string(&file) {
        Ok(name) if is_name(name.trim()) => return Ok(name.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let name = format!("{:012x}", rng.bits() & 0xffff_ffff_ffff);
    let part = data.join(format!("{INSTANCE}.part"));
    fs::write(&part, format!("{name}\n"))?;
    fs::rename(&part, &file)?;
    Ok(name)
}

fn is_name(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A folder for sockets: in the data folder, or, where its path is too long, beside those of other programs.
fn runtime_dir(data: &Path, instance: &str) -> io::Result<PathBuf> {
    let own = data.join("run");
    if own.as_os_str().as_bytes().len() <= RUNTIME_DIR_BYTES_MAX {
        return Ok(own);
    }
    let other = std::env::temp_dir().join(format!("tidemill-{instance}"));
    match fs::DirBuilder::new().mode(0o700).create(&other) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    Ok(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use crate::{config::Sources, system::SystemRng};

    #[test]
    fn a_data_folder_keeps_its_name() {
        let data = tempfile::tempdir().unwrap();
        let name = instance(data.path(), &SystemRng).unwrap();
        assert!(is_name(&name));
        assert_eq!(instance(data.path(), &SystemRng).unwrap(), name);
        fs::write(data.path().join(INSTANCE), "").unwrap();
        assert!(is_name(&instance(data.path(), &SystemRng).unwrap()), "a file that broke off is made anew");
    }

    #[test]
    fn what_is_shown_is_there_and_holds_no_data() {
        let folder = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(folder.path()).unwrap();
        let data = home.join("data");
        for name in ["data/blobs", "tools"] {
            fs::create_dir_all(home.join(name)).unwrap();
        }
        std::os::unix::fs::symlink(&data, home.join("link")).unwrap();
        let file = home.join("tidemill.toml");
        let say = |path: &Path| {
            fs::write(&file, format!("\n[workers]\nshown = [{:?}]\n", path.display().to_string())).unwrap();
            let variables = BTreeMap::new();
            let sources = Sources { flags: BTreeMap::new(), config: Some(file.clone()), variables: &variables };
            Settings::load(&sources).and_then(|settings| shown(&data, &settings))
        };
        assert_eq!(say(&home.join("tools")).unwrap(), [home.join("tools")]);
        let place = format!("{}:3: workers.shown: ", file.display());
        for (path, reason) in [
            (home.join("data"), "in the data folder"),
            (home.join("data/blobs"), "in the data folder"),
            (home.join("link"), "in the data folder"),
            (home.join("nothing"), "cannot be shown: "),
            (PathBuf::from("/"), "all of this machine"),
            (PathBuf::from("rel/path"), "does not begin with /"),
        ] {
            let error = say(&path).unwrap_err().message;
            assert!(error.starts_with(&place) && error.contains(reason), "{error}");
        }
    }

    #[test]
    fn sockets_have_short_paths() {
        assert_eq!(runtime_dir(Path::new("/srv/mill"), "a").unwrap(), Path::new("/srv/mill/run"));
        let long = PathBuf::from(format!("/srv/{}", "x".repeat(80)));
        let other = runtime_dir(&long, "0123456789ab").unwrap();
        assert!(other.ends_with("tidemill-0123456789ab") && other.as_os_str().len() <= RUNTIME_DIR_BYTES_MAX);
        fs::remove_dir(other).unwrap();
    }
}
