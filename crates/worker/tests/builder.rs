//! Packages and environments through the builder's port.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::{
    io::{Cursor, Write},
    os::unix::fs::PermissionsExt,
};

use common::{Bench, Lines};
use flate2::{Compression, write::GzEncoder};
use tidemill_core::{
    ports::{BuildError, Builder, Environment, Package, Unpacked},
    spec::{FunctionSpec, Runtime},
};
use tidemill_worker::{SandboxConfig, SandboxMode};
use zip::{ZipWriter, write::SimpleFileOptions};

/// A zip with these files: name, mode, content.
fn zip(files: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, mode, content) in files {
        writer.start_file(*name, SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A tar entry: its header is written by hand, so that it may say anything.
fn tar_entry(name: &[u8], kind: tar::EntryType, mode: u32, link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(content.len() as u64);
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn tar_file(name: &str, content: &[u8]) -> Vec<u8> {
    tar_entry(name.as_bytes(), tar::EntryType::Regular, 0o644, "", content)
}

fn tar_gz(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&entries.concat()).unwrap();
    encoder.write_all(&[0; 1024]).unwrap();
    encoder.finish().unwrap()
}

/// A zip with a file and these links, in this order: name, target.
fn zip_of_links(links: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("main.py", SimpleFileOptions::default()).unwrap();
    for (name, target) in links {
        writer.add_symlink(*name, *target, SimpleFileOptions::default()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The same as a tar.
fn tar_of_links(links: &[(&str, &str)]) -> Vec<u8> {
    let link = |(name, target): &(&str, &str)| tar_entry(name.as_bytes(), tar::EntryType::Symlink, 0o644, target, b"");
    tar_gz(&[vec![tar_file("main.py", b"")], links.iter().map(link).collect()].concat())
}

async fn unpack(bench: &Bench, file_name: &str, content: Vec<u8>) -> Result<Unpacked, BuildError> {
    bench.builder.unpack(Package { file_name: file_name.to_owned(), content: content.into() }).await
}

async fn refusal(bench: &Bench, file_name: &str, content: Vec<u8>) -> String {
    match unpack(bench, file_name, content).await {
        Err(BuildError::Package(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_same_files_give_the_same_digest_however_they_were_packed() {
    let bench = Bench::new();
    let script: &[u8] = b"#!/bin/sh\n";
    let zipped = zip(&[("main.py", 0o644, b"pass"), ("lib/run.sh", 0o755, script)]);
    let tarred = tar_gz(&[tar_file("./lib/run.sh", script), tar_file("main.py", b"pass")]);
    let folded = tar_gz(&[tar_file("thing/main.py", b"pass"), tar_file("thing/lib/run.sh", script)]);
    let first = unpack(&bench, "thing.zip", zipped).await.unwrap();
    for content in [tarred, folded] {
        let other = unpack(&bench, "thing.tar.gz", content).await.unwrap();
        assert_eq!((&other.digest, &other.directory), (&first.digest, &first.directory));
    }
    assert_eq!(first.files, ["lib/run.sh", "main.py"]);
    assert_eq!(first.stem, "thing");
    let mode = std::fs::metadata(first.directory.join("lib/run.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    let opened = bench.builder.open(&first.digest).await.unwrap();
    assert_eq!((opened.files, opened.stem), (first.files, first.stem));
    assert!(bench.builder.open(&"0".repeat(64).parse().unwrap()).await.is_err());
}

#[tokio::test]
async fn nobody_changes_the_name_of_a_package_by_handing_in_its_files_again() {
    let bench = Bench::new();
    let files = zip(&[("hello.sh", 0o644, b"echo hello"), ("other.sh", 0o644, b"echo other")]);
    let mine = unpack(&bench, "hello.zip", files.clone()).await.unwrap();
    let of_stranger = unpack(&bench, "other.zip", files).await.unwrap();
    assert_ne!(mine.digest, of_stranger.digest);
    let mut spec = FunctionSpec::new(Runtime::Shell);
    spec.handler = "hello".to_owned();
    let opened = bench.builder.open(&mine.digest).await.unwrap();
    assert_eq!(opened.stem, "hello");
    assert_eq!(bench.environment(&opened, &spec).await.program, mine.directory.join("hello.sh"));
}

#[tokio::test]
async fn a_single_file_is_a_package_and_its_comment_a_configuration() {
    let bench = Bench::new();
    let source = "# @nuclio.configure\n# function.yaml:\n#   spec:\n#     handler: hello:run";
    let unpacked = bench.unpack("hello.py", source).await;
    assert_eq!((unpacked.stem.as_str(), &unpacked.files[..]), ("hello", &["hello.py".to_owned()][..]));
    let manifest = unpacked.manifest.unwrap();
    assert_eq!((manifest.file.as_str(), manifest.first_line, manifest.inline), ("hello.py", 2, true));
    assert_eq!(manifest.text, "function.yaml:\n  spec:\n    handler: hello:run\n");

    let both = zip(&[("function.yaml", 0o644, b"spec: {}\n"), ("hello.py", 0o644, source.as_bytes())]);
    let manifest = unpack(&bench, "both.zip", both).await.unwrap().manifest.unwrap();
    assert_eq!(
        (manifest.file.as_str(), manifest.text.as_str(), manifest.inline),
        ("function.yaml", "spec: {}\n", false)
    );

    let twice = zip(&[("a.py", 0o644, source.as_bytes()), ("b.py", 0o644, source.as_bytes())]);
    assert_eq!(refusal(&bench, "twice.zip", twice).await, "a.py and b.py both hold an inline configuration");
}

#[tokio::test]
async fn dangerous_and_damaged_archives_are_refused_by_name() {
    let bench = Bench::new();
    let entry = |name: &str, kind, link: &str| {
        tar_gz(&[tar_file("ok.py", b"x"), tar_entry(name.as_bytes(), kind, 0o644, link, b"")])
    };
    let mut truncated = zip(&[("a.py", 0o644, &[7; 5000])]);
    truncated.truncate(truncated.len() / 2);
    let big_tar = tar_gz(&[tar_file("a.bin", &[7; 5000])]);
    let mut flipped = zip(&[("a.py", 0o644, b"hello hello")]);
    flipped[36] ^= 0xff;
    let many: Vec<Vec<u8>> = (0..10_001).map(|index| tar_file(&format!("f{index}"), b"")).collect();
    let bomb = zip(&[("zeros.bin", 0o644, &vec![0; 40 << 20])]);
    let name_bomb = tar_entry(b"././@LongLink", tar::EntryType::GNULongName, 0o644, "", &vec![b'n'; 8 << 20]);
    // Made at the root of the package by way of the other, the first would lead to a file of the server.
    let deep = ("a/a/a/a/a/a/a/a/a/a/function.yaml", "../../../../../../../../../../etc/passwd");
    let around = ("a", ".");
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("slip.zip", zip(&[("../../etc/cron.d/x", 0o644, b"x")]), "\"../../etc/cron.d/x\" leads out of the package"),
        ("abs.zip", zip(&[("/etc/passwd", 0o644, b"x")]), "is an absolute path"),
        ("back.zip", zip(&[("a\\..\\b", 0o644, b"x")]), "holds a backslash"),
        ("slip.tgz", tar_gz(&[tar_file("a/../../x", b"x")]), "\"a/../../x\" leads out of the package"),
        ("link.tgz", entry("etc", tar::EntryType::Symlink, "/etc"), "\"etc\" is a link that may lead out"),
        ("up.tgz", entry("a/up", tar::EntryType::Symlink, "../../x"), "is a link that may lead out"),
        ("hard.tgz", entry("hard", tar::EntryType::Link, "ok.py"), "\"hard\" is a hard link"),
        ("device.tgz", entry("null", tar::EntryType::Char, ""), "\"null\" is neither file, folder nor link"),
        ("fifo.tgz", entry("pipe", tar::EntryType::Fifo, ""), "\"pipe\" is neither file, folder nor link"),
        ("twice.tgz", tar_gz(&[tar_file("a", b"1"), tar_file("./a", b"2")]), "\"./a\" is there twice"),
        (
            "both.tgz",
            tar_gz(&[tar_file("a", b"1"), tar_file("a/b", b"2")]),
            "\"a/b\" lies in something that is no folder",
        ),
        ("other.tgz", tar_gz(&[tar_file("a/b", b"1"), tar_file("a", b"2")]), "\"a\" is a file and a folder"),
        (
            "through.tgz",
            tar_gz(&[tar_entry(b"d", tar::EntryType::Symlink, 0o644, "e", b""), tar_file("d/x", b"1")]),
            "\"d/x\" lies in something that is no folder",
        ),
        ("deep.zip", zip_of_links(&[deep, around]), "\"a\" is a file and a folder"),
        ("deep.tgz", tar_of_links(&[deep, around]), "\"a\" is a file and a folder"),
        ("around.zip", zip_of_links(&[around, deep]), "lies in something that is no folder"),
        ("around.tgz", tar_of_links(&[around, deep]), "lies in something that is no folder"),
        ("name.tgz", tar_gz(&[tar_entry(b"a\xffb", tar::EntryType::Regular, 0o644, "", b"x")]), "is not UTF-8"),
        ("many.tgz", tar_gz(&many), "it has more than 10000 entries"),
        ("bomb.zip", bomb, "\"zeros.bin\" makes the package larger than"),
        ("names.tgz", tar_gz(&[name_bomb, tar_file("a", b"x")]), "the record of an entry is too large"),
        ("half.zip", truncated, "the zip archive cannot be read"),
        ("half.tgz", big_tar[..big_tar.len() / 2].to_vec(), "half.tgz: "),
        ("flipped.zip", flipped, "\"a.py\" is damaged"),
        ("empty.zip", zip(&[]), "it holds no files"),
        ("empty.tgz", tar_gz(&[]), "it holds no files"),
        ("empty.py", Vec::new(), "it is empty"),
        ("text.zip", b"hello".to_vec(), "its name says that it is a zip archive, but it is not"),
    ];
    for (name, content, expected) in cases {
        let reason = refusal(&bench, name, content).await;
        assert!(reason.contains(expected) && reason.contains(name), "{name}: {reason}");
    }
    let left = std::fs::read_dir(bench.directory.path().join("packages")).unwrap().count();
    assert_eq!(left, 0, "a refused package leaves nothing behind");
}

#[tokio::test]
async fn a_function_without_files_has_an_empty_package_and_no_environment() {
    let bench = Bench::new();
    let (first, second) = (Package::empty("ab-12.v3"), Package::empty("other"));
    let (first, second) = tokio::join!(bench.builder.unpack(first), bench.builder.unpack(second));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!((first.stem.as_str(), second.stem.as_str()), ("ab-12.v3", "other"));
    assert_eq!(first.digest, second.digest);
    assert!(first.files.is_empty() && first.manifest.is_none() && first.directory.is_dir());
    assert!(bench.builder.open(&first.digest).await.unwrap().files.is_empty());
    for runtime in [Runtime::Image, Runtime::Webhook] {
        let spec = FunctionSpec::new(runtime);
        let environment = bench.builder.environment(&bench.project, &first, &spec, &Lines::default()).await.unwrap();
        assert_eq!(environment, Environment::default());
    }
    let mut contained = FunctionSpec::new(Runtime::Python(Some("9.99".to_owned())));
    contained.container = Some(Box::default());
    let environment = bench.builder.environment(&bench.project, &first, &contained, &Lines::default()).await.unwrap();
    assert_eq!(environment, Environment::default());
}

#[tokio::test]
async fn a_module_is_found_and_nothing_is_built_for_it() {
    let bench = Bench::new();
    let unpacked = bench.unpack("upper.wat", "(module)").await;
    let mut spec = FunctionSpec::new(Runtime::Wasm);
    for handler in ["", "upper.wat"] {
        spec.handler = handler.to_owned();
        assert_eq!(bench.environment(&unpacked, &spec).await.program, unpacked.directory.join("upper.wat"));
    }
    spec.handler = "lower.wasm".to_owned();
    let error = environment_error(&bench, &unpacked, &spec).await.to_string();
    assert!(error.contains("which module to run; the package holds upper.wat"), "{error}");
    spec.build.commands = vec!["make".to_owned()];
    let error = environment_error(&bench, &unpacked, &spec).await.to_string();
    assert!(error.contains("nothing is built for a wasm function"), "{error}");
}

#[tokio::test]
async fn a_name_that_is_there_twice_in_a_zip_is_refused() {
    let bench = Bench::new();
    // The two names differ while they are written and are made the same afterwards.
    let mut content = zip(&[("aa.py", 0o644, b"1"), ("ab.py", 0o644, b"2")]);
    for at in 0..content.len() - 5 {
        if &content[at..at + 5] == b"ab.py" {
            content[at + 1] = b'a';
        }
    }
    let reason = refusal(&bench, "twice.zip", content).await;
    assert!(reason.contains("twice"), "{reason}");
}

#[tokio::test]
async fn links_within_the_package_are_kept() {
    let bench = Bench::new();
    let link = tar_entry(b"lib/current.py", tar::EntryType::Symlink, 0o644, "../main.py", b"");
    let content = tar_gz(&[link, tar_file("main.py", b"pass")]);
    let unpacked = unpack(&bench, "linked.tgz", content).await.unwrap();
    assert_eq!(std::fs::read(unpacked.directory.join("lib/current.py")).unwrap(), b"pass");
}

#[tokio::test]
async fn unpacking_at_the_same_time_gives_one_package() {
    let bench = Bench::new();
    let content = zip(&[("main.py", 0o644, b"pass")]);
    let (a, b, c) = tokio::join!(
        unpack(&bench, "x.zip", content.clone()),
        unpack(&bench, "x.zip", content.clone()),
        unpack(&bench, "x.zip", content)
    );
    assert_eq!(a.unwrap().directory, b.unwrap().directory);
    assert!(c.unwrap().directory.is_dir());
}

#[tokio::test]
async fn leftovers_of_a_crash_are_removed_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let draft = directory.path().join("packages/.draft-1-1");
    let partial = directory.path().join("environments/00");
    std::fs::create_dir_all(draft.join("x")).unwrap();
    std::fs::create_dir_all(partial.join("bin")).unwrap();
    let config = tidemill_worker::BuilderConfig::new(directory.path());
    tidemill_worker::PackageBuilder::new(config).unwrap();
    assert!(!draft.exists() && !partial.exists());
}

async fn environment_error(bench: &Bench, unpacked: &Unpacked, spec: &FunctionSpec) -> BuildError {
    bench.builder.environment(&bench.project, unpacked, spec, &Lines::default()).await.err().unwrap()
}

#[tokio::test]
async fn interpreters_are_found_or_missed_by_version() {
    let bench = Bench::new();
    let unpacked = bench.unpack("a.py", "pass").await;
    let python = bench.environment(&unpacked, &FunctionSpec::new(Runtime::Python(None))).await;
    assert!(python.program.is_absolute() && python.version.starts_with("3."), "{python:?}");
    assert!(python.paths.is_empty());
    let release = python.version.rsplit_once('.').unwrap().0.to_owned();
    let same = bench.environment(&unpacked, &FunctionSpec::new(Runtime::Python(Some(release)))).await;
    assert_eq!(same.version, python.version);
    let missing = FunctionSpec::new(Runtime::Python(Some("3.99".to_owned())));
    let error = environment_error(&bench, &unpacked, &missing).await.to_string();
    assert!(error.starts_with("there is no Python 3.99: ") && error.contains(&python.version), "{error}");
    let node = bench.environment(&unpacked, &FunctionSpec::new(Runtime::Nodejs)).await;
    assert!(node.program.is_absolute() && !node.version.is_empty());
}

#[tokio::test]
async fn programs_of_shell_and_binary_functions_are_found_or_listed() {
    let bench = Bench::new();
    let spec = |runtime, handler: &str| {
        let mut spec = FunctionSpec::new(runtime);
        spec.handler = handler.to_owned();
        spec
    };
    let content = zip(&[("one.sh", 0o644, b"echo 1"), ("two.sh", 0o644, b"echo 2"), ("data.txt", 0o644, b"x")]);
    let scripts = unpack(&bench, "scripts.zip", content).await.unwrap();
    for (handler, program) in [("one.sh", "one.sh"), ("two.sh:main", "two.sh")] {
        let found = bench.environment(&scripts, &spec(Runtime::Shell, handler)).await;
        assert_eq!(found.program, scripts.directory.join(program));
    }
    let found = bench.environment(&scripts, &spec(Runtime::Shell, "cat")).await;
    assert!(found.program.ends_with("cat") && found.program.is_absolute());
    let error = environment_error(&bench, &scripts, &spec(Runtime::Shell, "")).await.to_string();
    assert_eq!(error, "the handler must say which script to run: one.sh, two.sh");
    let error = environment_error(&bench, &scripts, &spec(Runtime::Shell, "three.sh")).await.to_string();
    assert!(error.contains("\"three.sh\" is neither a file of the package nor a program in PATH"), "{error}");
    let error = environment_error(&bench, &scripts, &spec(Runtime::Binary, "data.txt")).await.to_string();
    assert!(error.contains("chmod +x data.txt"), "{error}");
    let error = environment_error(&bench, &scripts, &spec(Runtime::Binary, "")).await.to_string();
    assert!(error.contains("no program that can be run, only data.txt, one.sh, two.sh"), "{error}");
    let single = bench.unpack("worker", "\x7fELF...").await;
    let found = bench.environment(&single, &spec(Runtime::Binary, "echo")).await;
    assert_eq!(found.program, single.directory.join("worker"));
}

/// A package for pip that needs no network: a folder with a `setup.py` would need build tools, a wheel is a zip.
fn wheel(name: &str) -> Vec<u8> {
    wheel_of(name, b"VALUE = 42\n")
}

/// The same with another module.
fn wheel_of(name: &str, module: &[u8]) -> Vec<u8> {
    let info = format!("{name}-1.0.dist-info");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n");
    let record = format!("{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n");
    zip(&[
        (&format!("{name}.py"), 0o644, module),
        (&format!("{info}/METADATA"), 0o644, metadata.as_bytes()),
        (
            &format!("{info}/WHEEL"),
            0o644,
            b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        ),
        (&format!("{info}/RECORD"), 0o644, record.as_bytes()),
    ])
}

#[tokio::test]
async fn requirements_are_installed_once_and_a_failure_shows_what_pip_said() {
    let bench = Bench::new();
    let source: &[u8] = b"import lowtide\ndef handler(context, event):\n    return str(lowtide.VALUE)\n";
    let wheel = wheel("lowtide");
    let content = zip(&[
        ("main.py", 0o644, source),
        ("requirements.txt", 0o644, b"# ours\n./lowtide-1.0-py3-none-any.whl\n"),
        ("lowtide-1.0-py3-none-any.whl", 0o644, &wheel),
    ]);
    let unpacked = unpack(&bench, "needs.zip", content).await.unwrap();
    let spec = FunctionSpec::new(Runtime::Python(None));
    let (first, second) = (Lines::default(), Lines::default());
    let (one, two) = tokio::join!(
        bench.builder.environment(&bench.project, &unpacked, &spec, &first),
        bench.builder.environment(&bench.project, &unpacked, &spec, &second)
    );
    let environment = one.unwrap();
    assert_eq!(environment, two.unwrap());
    assert!(environment.paths[0].join("lowtide.py").is_file());
    let builds = [&first, &second].iter().filter(|lines| !lines.0.lock().is_empty()).count();
    assert_eq!(builds, 1, "two deployments share one build");

    use tidemill_core::ports::Driver;
    let launch = bench.launch_of(&unpacked.directory, environment, spec.clone());
    let worker = bench.driver.launch(launch).await.unwrap();
    assert_eq!(common::reply(&worker.call(&common::call("")).await).body, "42");

    let broken = zip(&[("main.py", 0o644, b"pass"), ("requirements.txt", 0o644, b"./missing-1.0-py3-none-any.whl\n")]);
    let broken = unpack(&bench, "broken.zip", broken).await.unwrap();
    match environment_error(&bench, &broken, &spec).await {
        BuildError::Command { step, reason, output } => {
            assert_eq!(step, "pip install -r requirements.txt");
            assert_eq!(reason, "it exited with code 1");
            assert!(output.contains("missing-1.0"), "{output}");
        }
        other => panic!("{other:?}"),
    }
    let environments = bench.directory.path().join("environments");
    let kept = || std::fs::read_dir(&environments).unwrap().count();
    common::wait_for("the failed environment is gone", || kept() == 1).await;
}

#[tokio::test]
async fn node_dependencies_are_installed() {
    let bench = Bench::new();
    let dependency: &[u8] = br#"{"name": "lowtide", "version": "1.0.0", "main": "index.js"}"#;
    let tarball =
        tar_gz(&[tar_file("package/package.json", dependency), tar_file("package/index.js", b"module.exports = 42\n")]);
    let place = bench.shown().join("lowtide.tgz");
    std::fs::write(&place, tarball).unwrap();
    let manifest = format!(r#"{{"name": "f", "dependencies": {{"lowtide": "file:{}"}}}}"#, place.display());
    let source = "exports.handler = (context, event) => String(require('lowtide'))\n";
    let content = zip(&[("main.js", 0o644, source.as_bytes()), ("package.json", 0o644, manifest.as_bytes())]);
    let unpacked = unpack(&bench, "needs.zip", content).await.unwrap();
    let spec = FunctionSpec::new(Runtime::Nodejs);
    let environment = bench.environment(&unpacked, &spec).await;
    assert!(environment.paths[0].join("lowtide/index.js").is_file());

    use tidemill_core::ports::Driver;
    let worker = bench.driver.launch(bench.launch_of(&unpacked.directory, environment, spec)).await.unwrap();
    assert_eq!(common::reply(&worker.call(&common::call("")).await).body, "42");
}

#[tokio::test]
async fn build_commands_run_and_their_time_is_limited() {
    let bench = Bench::new();
    let unpacked = bench.unpack("run.sh", "#!/bin/sh\ntrue\n").await;
    let mut spec = FunctionSpec::new(Runtime::Shell);
    spec.build.commands = vec!["echo made > here; echo shown".to_owned()];
    let lines = Lines::default();
    let environment = bench.builder.environment(&bench.project, &unpacked, &spec, &lines).await.unwrap();
    assert_eq!(std::fs::read_to_string(environment.paths[0].join("here")).unwrap(), "made\n");
    assert_eq!(*lines.0.lock(), ["$ echo made > here; echo shown", "shown"]);
    spec.build.commands = vec!["echo begun; sleep 600".to_owned()];
    spec.build.build_timeout_seconds = Some(1);
    match environment_error(&bench, &unpacked, &spec).await {
        BuildError::Command { reason, output, .. } => {
            assert_eq!((reason.as_str(), output.as_str()), ("it took longer than the build timeout", "begun"));
        }
        other => panic!("{other:?}"),
    }
}

/// A bench whose pip finds the package `lowtide`, and nothing else.
fn bench_with_an_index() -> (Bench, tempfile::TempDir) {
    let index = tempfile::tempdir().unwrap();
    std::fs::write(index.path().join("lowtide-1.0-py3-none-any.whl"), wheel("lowtide")).unwrap();
    let settings = [("PIP_NO_INDEX", "1".into()), ("PIP_FIND_LINKS", index.path().as_os_str().to_owned())];
    let variables = std::env::vars_os().chain(settings.map(|(name, value)| (name.into(), value)));
    let bench = Bench::with_variables(SandboxConfig::new(SandboxMode::On, common::launcher()), variables);
    (bench, index)
}

async fn lowtide(bench: &Bench, unpacked: &Unpacked) -> (Environment, String) {
    let environment = bench.environment(unpacked, &FunctionSpec::new(Runtime::Python(None))).await;
    let module = std::fs::read_to_string(environment.paths[0].join("lowtide.py")).unwrap();
    (environment, module)
}

#[tokio::test]
async fn a_package_cannot_put_its_own_pip_into_the_environment_of_others() {
    let (mut bench, _index) = bench_with_an_index();
    let false_pip: &[u8] = b"import os, pathlib, sys\n\
        for folder in pathlib.Path(os.environ['VIRTUAL_ENV']).glob('lib/*/site-packages'):\n\
        \x20   (folder / 'lowtide.py').write_text('VALUE = 13\\n')\n\
        sys.exit(0)\n";
    let stranger = zip(&[
        ("main.py", 0o644, b"pass"),
        ("requirements.txt", 0o644, b"lowtide\n"),
        ("pip.py", 0o644, false_pip),
        ("venv.py", 0o644, false_pip),
    ]);
    let stranger = unpack(&bench, "stranger.zip", stranger).await.unwrap();
    let honest = zip(&[("main.py", 0o644, b"pass"), ("requirements.txt", 0o644, b"# the same\nlowtide\n")]);
    let honest = unpack(&bench, "honest.zip", honest).await.unwrap();
    let (of_stranger, module) = lowtide(&bench, &stranger).await;
    assert_eq!(module, "VALUE = 42\n");
    let (of_honest, module) = lowtide(&bench, &honest).await;
    assert_eq!((of_honest, module.as_str()), (of_stranger.clone(), "VALUE = 42\n"));
    bench.project = "another".parse().unwrap();
    assert_ne!(lowtide(&bench, &honest).await.0.paths, of_stranger.paths, "projects share nothing");
}

#[tokio::test]
async fn requirements_of_one_text_and_other_files_are_other_environments() {
    let (bench, _index) = bench_with_an_index();
    let name = "lowtide-1.0-py3-none-any.whl";
    for text in [
        format!("{name}\n"),
        format!("lowtide @ file:///proc/self/cwd/{name}\n"),
        format!("--no-index\u{b}{name}\n"),
        format!("--no-index\u{2028}{name}\n"),
    ] {
        let mut places = Vec::new();
        for module in [&b"VALUE = 13\n"[..], b"VALUE = 7\n"] {
            let content = zip(&[
                ("main.py", 0o644, b"pass"),
                ("requirements.txt", 0o644, text.as_bytes()),
                (name, 0o644, &wheel_of("lowtide", module)),
            ]);
            let unpacked = unpack(&bench, "files.zip", content).await.unwrap();
            let (environment, found) = lowtide(&bench, &unpacked).await;
            assert_eq!(found.as_bytes(), module, "{text:?}");
            places.push(environment.paths);
        }
        assert_ne!(places[0], places[1], "{text:?}");
    }
}

#[tokio::test]
async fn commands_see_nothing_of_the_package_and_share_an_environment() {
    let bench = Bench::new();
    let mut spec = FunctionSpec::new(Runtime::Python(None));
    let packages = bench.directory.path().join("packages");
    spec.build.commands = vec![format!("cat {}/*/main.py > seen 2> /dev/null; true", packages.display())];
    let mut paths = Vec::new();
    for source in ["evil = 1\n", "good = 1\n"] {
        let unpacked = bench.unpack("main.py", source).await;
        paths.push(bench.environment(&unpacked, &spec).await.paths);
    }
    assert_eq!(paths[0], paths[1]);
    let seen = paths[0][0].ancestors().nth(3).unwrap().join("seen");
    assert_eq!(std::fs::read_to_string(seen).unwrap(), "");
}

#[tokio::test]
async fn whoever_waits_for_the_build_of_another_waits_no_longer_than_its_own_may_take() {
    let bench = Bench::new();
    let unpacked = bench.unpack("run.sh", "#!/bin/sh\ntrue\n").await;
    let mut slow = FunctionSpec::new(Runtime::Shell);
    slow.build.commands = vec!["echo begun; sleep 600".to_owned()];
    slow.build.build_timeout_seconds = Some(-1);
    let mut quick = slow.clone();
    quick.build.build_timeout_seconds = Some(1);
    let lines = Lines::default();
    let second = async {
        common::wait_for("the first build", || lines.0.lock().iter().any(|line| line == "begun")).await;
        environment_error(&bench, &unpacked, &quick).await.to_string()
    };
    tokio::select! {
        first = bench.builder.environment(&bench.project, &unpacked, &slow, &lines) => panic!("{first:?}"),
        error = second => assert!(error.contains("another build of the same environment"), "{error}"),
    }
}
