//! What builds run is somebody else's code: what it may do in its sandbox, and that without one it could do the rest.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    io::{Cursor, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use common::{Bench, Lines, call, reply, wait_for};
use flate2::{Compression, write::GzEncoder};
use rustix::process::{Pid, Signal, kill_process};
use tidemill_core::{
    ports::{BuildError, Builder, Driver, Environment, Unpacked},
    spec::{FunctionSpec, Runtime},
};
use tidemill_sandbox::Launcher;
use tidemill_worker::{BuildLimits, SandboxConfig, SandboxMode};
use zip::{ZipWriter, write::SimpleFileOptions};

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar_gz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

fn on() -> SandboxConfig {
    SandboxConfig::new(SandboxMode::On, Launcher::at(env!("CARGO_BIN_EXE_tidemill-launcher")))
}

/// With the sandbox and without.
fn both() -> [(Bench, bool); 2] {
    [(Bench::with(on()), true), (Bench::with(SandboxConfig::off()), false)]
}

/// Builds the environment of a shell function by `commands`.
async fn build(bench: &Bench, commands: &[&str]) -> Result<(Environment, Vec<String>), BuildError> {
    let unpacked = bench.unpack("run.sh", "#!/bin/sh\ntrue\n").await;
    let mut spec = FunctionSpec::new(Runtime::Shell);
    spec.build.commands = commands.iter().map(|&command| command.to_owned()).collect();
    let lines = Lines::default();
    let environment = bench.builder.environment(&bench.project, &unpacked, &spec, &lines).await?;
    let said = lines.0.into_inner().into_iter().filter(|line| !line.starts_with('$')).collect();
    Ok((environment, said))
}

/// What there is to be had outside.
struct Prey {
    /// A file of the server.
    secret: PathBuf,
    /// The package of another function.
    other: PathBuf,
    /// A file that does not exist yet.
    target: PathBuf,
    /// A file that a build could make through a link that the server follows.
    victim: PathBuf,
}

const SECRET: &str = "the-key-of-the-server";

async fn prey(bench: &Bench) -> Prey {
    let data = bench.directory.path();
    let secret = data.join("secrets.key");
    std::fs::write(&secret, SECRET).unwrap();
    let other = bench.unpack("other.py", "def main(): pass\n").await.directory.join("other.py");
    Prey { secret, other, target: data.join("written"), victim: data.join("victim") }
}

/// The processes with `word` in their command lines.
fn processes(word: &str) -> Vec<Pid> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).split('\0').any(|own| own == word) {
            found.extend(Pid::from_raw(pid));
        }
    }
    found
}

/// A time to sleep that no other test sleeps, by which its process is known.
fn nap(number: u32) -> String {
    format!("{}{number:03}", 1_000_000 + std::process::id())
}

#[tokio::test]
async fn commands_reach_nothing_of_the_server() {
    let own = std::process::id();
    for (bench, is_held) in both() {
        let Prey { secret, other, target, victim } = prey(&bench).await;
        let nap = nap(u32::from(is_held));
        let cases = [
            format!("cat {}", secret.display()),
            format!("cat {}", other.display()),
            format!("ls {}", bench.directory.path().join("packages").display()),
            format!("tr '\\0' '\\n' < /proc/{own}/environ"),
            format!("ls /proc/{own}/fd"),
            format!("kill -0 {own}"),
        ];
        for case in cases {
            let tried = format!("({case}) > /dev/null 2>&1 && echo reached || echo held");
            let (_, said) = build(&bench, &[&tried]).await.unwrap();
            assert_eq!(said, [if is_held { "held" } else { "reached" }], "{case}");
        }
        let write = format!("(echo x > {}; true) 2> /dev/null", target.display());
        let link = format!("ln -s {} .complete", victim.display());
        // In a session of its own before its command ends: the rest of that one's group ends with it.
        let apart = format!("touch apart; exec sleep {nap}");
        let stay = format!("setsid sh -c '{apart}' > /dev/null 2>&1 & until [ -e apart ]; do :; done");
        build(&bench, &[&write, &link, &stay]).await.unwrap();
        assert_eq!(target.exists(), !is_held, "what was written");
        assert!(!victim.exists(), "the server follows no link that a build has left");
        let left = processes(&nap);
        assert_eq!(left.is_empty(), is_held, "a process that stays");
        for pid in left {
            kill_process(pid, Signal::KILL).unwrap();
        }
        let left = std::fs::read_dir(bench.directory.path().join("builds")).unwrap().count();
        assert_eq!(left, 0, "a build leaves its environment and nothing else");
    }
}

/// A package whose installation runs a program of its own, as a `setup.py` is one: here as the tool that builds the package, which needs
/// nothing of the network. It puts what it has found into the module that it installs.
const BUILDER: &str = r#"
import os, subprocess, zipfile

def loot():
    def read(path):
        try:
            with open(path, "rb") as file:
                return bool(file.read())
        except OSError:
            return False
    def kill():
        try:
            os.kill(SERVER, 0)
            return True
        except OSError:
            return False
    def write():
        try:
            with open(TARGET, "w") as file:
                file.write("x")
        except OSError:
            pass
    write()
    subprocess.Popen(["sleep", NAP], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)
    return {
        "secret": read(SECRET), "package": read(OTHER), "environment": read(f"/proc/{SERVER}/environ"),
        "signal": kill(), "variables": sorted(name for name in os.environ if "SECRET" in name),
    }

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "loot-1.0-py3-none-any.whl"
    info = "loot-1.0.dist-info"
    open("beside-the-source", "w").close()
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.writestr("loot.py", f"FOUND = {loot()!r}\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: loot\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"loot.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return name
"#;
const PROJECT: &str = "[build-system]\nrequires = []\nbuild-backend = \"builder\"\nbackend-path = [\".\"]\n[project]\nname = \"loot\"\nversion = \"1.0\"\n";
const HANDLER: &[u8] =
    b"import json, loot\ndef handler(context, event):\n    return json.dumps(loot.FOUND, sort_keys=True)\n";

fn builder(prey: &Prey, nap: &str) -> String {
    let own = std::process::id();
    let text = |path: &Path| format!("{:?}", path.to_str().unwrap());
    format!(
        "SERVER = {own}\nSECRET = {}\nOTHER = {}\nTARGET = {}\nNAP = {nap:?}\n{BUILDER}",
        text(&prey.secret),
        text(&prey.other),
        text(&prey.target)
    )
}

/// Installs the requirements of the Python package in `content`, runs its function and gives what it answers.
async fn answer(bench: &Bench, unpacked: &Unpacked) -> String {
    let spec = FunctionSpec::new(Runtime::Python(None));
    let environment = bench.environment(unpacked, &spec).await;
    let worker = bench.driver.launch(bench.launch_of(&unpacked.directory, environment, spec)).await.unwrap();
    String::from_utf8(reply(&worker.call(&call("")).await).body.to_vec()).unwrap()
}

#[tokio::test]
async fn what_pip_runs_of_strangers_reaches_nothing_of_the_server() {
    for (bench, is_held) in both() {
        let prey = prey(&bench).await;
        let nap = nap(10 + u32::from(is_held));
        let source = builder(&prey, &nap);
        let stranger = tar_gz(&[
            ("loot-1.0/pyproject.toml", PROJECT.as_bytes()),
            ("loot-1.0/builder.py", source.as_bytes()),
            ("loot-1.0/PKG-INFO", b"Metadata-Version: 2.1\nName: loot\nVersion: 1.0\n"),
        ]);
        let content =
            zip(&[("main.py", HANDLER), ("requirements.txt", b"./loot-1.0.tar.gz\n"), ("loot-1.0.tar.gz", &stranger)]);
        let unpacked = bench.unpack("stranger.zip", content).await;
        let found = answer(&bench, &unpacked).await;
        let word = if is_held { "false" } else { "true" };
        let expected = format!(
            "{{\"environment\": {word}, \"package\": {word}, \"secret\": {word}, \"signal\": {word}, \"variables\": []}}"
        );
        assert_eq!(found, expected);
        assert_eq!(prey.target.exists(), !is_held, "what was written");
        let left = processes(&nap);
        assert_eq!(left.is_empty(), is_held, "a process that stays");
        for pid in left {
            kill_process(pid, Signal::KILL).unwrap();
        }
    }
}

#[tokio::test]
async fn sources_of_the_package_are_installed_without_a_change_to_it() {
    let bench = Bench::with(on());
    let prey = prey(&bench).await;
    let source = builder(&prey, "0");
    let content = zip(&[
        ("main.py", HANDLER),
        ("requirements.txt", b"./lib\n"),
        ("lib/pyproject.toml", PROJECT.as_bytes()),
        ("lib/builder.py", source.as_bytes()),
    ]);
    let unpacked = bench.unpack("sources.zip", content).await;
    assert!(answer(&bench, &unpacked).await.contains("\"secret\": false"));
    assert!(!unpacked.directory.join("lib/beside-the-source").exists());
}

#[tokio::test]
async fn scripts_of_npm_packages_reach_nothing_of_the_server() {
    for (bench, is_held) in both() {
        let Prey { secret, target, .. } = prey(&bench).await;
        let script = format!("cat {} > found 2>&1 ; echo x > {} ; true", secret.display(), target.display());
        let manifest = serde_json::json!({
            "name": "lowtide", "version": "1.0.0", "main": "index.js", "scripts": {"postinstall": script},
        });
        let tarball = tar_gz(&[
            ("package/package.json", manifest.to_string().as_bytes()),
            ("package/index.js", b"module.exports = 42\n"),
        ]);
        let place = bench.shown().join("lowtide.tgz");
        std::fs::write(&place, tarball).unwrap();
        let manifest = format!(r#"{{"name": "f", "dependencies": {{"lowtide": "file:{}"}}}}"#, place.display());
        let source: &[u8] = b"exports.handler = (context, event) => String(require('lowtide'))\n";
        let content = zip(&[("main.js", source), ("package.json", manifest.as_bytes())]);
        let unpacked = bench.unpack("needs.zip", content).await;
        let spec = FunctionSpec::new(Runtime::Nodejs);
        let environment = bench.environment(&unpacked, &spec).await;
        let found = std::fs::read_to_string(environment.paths[0].join("lowtide/found")).unwrap();
        assert_eq!(found == SECRET, !is_held, "{found}");
        assert_eq!(target.exists(), !is_held, "what was written");
        let worker = bench.driver.launch(bench.launch_of(&unpacked.directory, environment, spec)).await.unwrap();
        assert_eq!(reply(&worker.call(&call("")).await).body, "42");
    }
}

#[tokio::test]
async fn what_was_built_is_the_servers_own_and_has_no_power() {
    let bench = Bench::with(on());
    let commands = [
        "cp /bin/sh shell; chmod 6755 shell; mkdir -p a/b; echo 1 > a/b/c; chmod 0 a/b",
        "chmod 700 a/b; chmod 600 a/b/c; chmod 0 a; ln -s /etc/shadow link",
    ];
    let (environment, _) = build(&bench, &commands).await.unwrap();
    let home = &environment.paths[0];
    let mode = |name: &str| std::fs::metadata(home.join(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("shell"), mode("a"), mode("a/b")), (0o755, 0o755, 0o755));
    use std::os::unix::fs::MetadataExt;
    for name in ["", "shell", "a/b/c", "link"] {
        let metadata = std::fs::symlink_metadata(home.join(name)).unwrap();
        assert_eq!(metadata.uid(), rustix::process::geteuid().as_raw(), "{name:?}");
    }
    let other = build(&bench, &["echo x > again; cat again"]).await.unwrap();
    assert_eq!(other.1, ["x"]);
}

#[tokio::test]
async fn a_build_has_a_place_of_its_own_and_what_the_servers_variables_name() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("pip.conf");
    std::fs::write(&settings, "[global]\n").unwrap();
    std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(0o600)).unwrap();
    let certificates = folder.path().join("own certificates.pem");
    std::fs::write(&certificates, "certificate\n").unwrap();
    let variables = [
        ("PATH", std::env::var_os("PATH").unwrap()),
        ("HOME", folder.path().into()),
        ("PIP_CONFIG_FILE", settings.into()),
        ("PIP_CACHE_DIR", folder.path().join("cache").into()),
        ("SSL_CERT_FILE", certificates.into()),
        ("TIDEMILL_SECRETS_KEY", SECRET.into()),
        ("AWS_SECRET_ACCESS_KEY", SECRET.into()),
    ];
    let bench = Bench::with_variables(on(), variables.map(|(name, value)| (name.into(), value)));
    let (_, said) = build(
        &bench,
        &[
            "echo $HOME $TMPDIR; echo kept > ~/file; echo also > /dev/shm/x",
            "cat ~/file; cat $PIP_CONFIG_FILE \"$SSL_CERT_FILE\"; env | grep -e SECRET -e CACHE; true",
            "test -r /etc/resolv.conf && test -r /etc/hosts && test ! -e /etc/ssl/private && echo network",
            "test -w $PIP_CONFIG_FILE || test -w \"$SSL_CERT_FILE\" || echo closed",
        ],
    )
    .await
    .unwrap();
    assert_eq!(said, ["/tmp /tmp", "kept", "[global]", "certificate", "network", "closed"]);
}

#[tokio::test]
async fn a_build_that_fills_the_disk_is_ended() {
    let bench = Bench::with_limits(on(), BuildLimits { disk_bytes: 32 << 20, ..BuildLimits::default() });
    let two = "for i in 1 2; do dd if=/dev/zero of=/tmp/$i bs=1M count=20 2> /dev/null; done";
    // However soon a command has ended, or how little each of them has made.
    let quick = "fallocate -l 20M /tmp/1; fallocate -l 20M 2; true";
    let each = ["fallocate -l 20M /tmp/1", "fallocate -l 20M 2"];
    for commands in [&[format!("echo filling; {two}; sleep 600").as_str()][..], &[quick], &each] {
        match build(&bench, commands).await {
            Err(BuildError::Command { reason, output, .. }) => {
                assert!(reason.contains("more than 32 MiB on disk") && reason.contains("(builds.disk)"), "{reason}");
                assert_eq!(output, if commands[0].starts_with("echo") { "filling" } else { "" });
            }
            other => panic!("{other:?}"),
        }
    }
    nothing_is_left(&bench).await;
}

#[tokio::test]
async fn a_build_may_not_make_a_file_larger_than_its_disk() {
    let bench = Bench::with_limits(on(), BuildLimits { disk_bytes: 32 << 20, ..BuildLimits::default() });
    match build(&bench, &["exec fallocate -l 18G big"]).await {
        Err(BuildError::Command { reason, .. }) => {
            assert!(reason.contains("it wrote a file that is larger than builds may have (builds.disk)"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    nothing_is_left(&bench).await;
}

/// Waits until what builds have left that failed is gone.
async fn nothing_is_left(bench: &Bench) {
    for folder in ["environments", "builds"] {
        let folder = bench.directory.path().join(folder);
        wait_for("the leftovers are gone", || std::fs::read_dir(&folder).unwrap().count() == 0).await;
    }
}

#[tokio::test]
async fn a_build_may_not_start_processes_without_end() {
    let bench = Bench::with_limits(on(), BuildLimits { processes_max: 40, ..BuildLimits::default() });
    let command = "for i in 1 2 3 4 5 6 7 8; do for j in 1 2 3 4 5 6 7 8; do sleep 600 & done; done; echo done";
    // The shell gives up when it cannot fork, or says so and goes on.
    match build(&bench, &[command]).await {
        Err(BuildError::Command { output, .. }) => assert!(output.contains("ork"), "{output}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_build_that_nobody_waits_for_any_more_ends() {
    let bench = Bench::with(on());
    let nap = nap(20);
    let command = format!("setsid sleep {nap} & sleep {nap}");
    let commands = [command.as_str()];
    {
        let building = std::pin::pin!(build(&bench, &commands));
        tokio::select! {
            built = building => panic!("{built:?}"),
            () = wait_for("the build runs", || processes(&nap).len() == 2) => {}
        }
    }
    wait_for("its processes have ended", || processes(&nap).is_empty()).await;
    nothing_is_left(&bench).await;
    // The next one waits for that.
    build(&bench, &["true"]).await.unwrap();
}

#[tokio::test]
async fn a_strict_sandbox_builds_nothing_where_it_is_refused() {
    let bench = Bench::with(SandboxConfig::new(SandboxMode::Strict, Launcher::at("/bin/false")));
    let error = build(&bench, &["echo made"]).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("the sandbox is strict") && error.contains("user namespace, mount namespace, "), "{error}");
}

#[tokio::test]
async fn settings_that_a_failed_build_did_not_see_are_named() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".pip")).unwrap();
    let settings = home.path().join(".pip/pip.conf");
    std::fs::write(&settings, "").unwrap();
    let variables = [("PATH", std::env::var_os("PATH").unwrap()), ("HOME", home.path().into())];
    let bench = Bench::with_variables(on(), variables.map(|(name, value)| (name.into(), value)));
    let content = zip(&[("main.py", b"pass"), ("requirements.txt", b"./missing-1.0-py3-none-any.whl\n")]);
    let unpacked = bench.unpack("broken.zip", content).await;
    let spec = FunctionSpec::new(Runtime::Python(None));
    let error =
        bench.builder.environment(&bench.project, &unpacked, &spec, &Lines::default()).await.map(|_| ()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("missing-1.0") && text.contains(&format!("do not see {}", settings.display())), "{text}");
}
