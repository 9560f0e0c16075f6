//! Every case of the escape corpus, inside and outside: see `sandbox-corpus/README.md`.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::io::{FdFlags, fcntl_setfd};
use support::{SCRATCH_MIB, plan, python, run};

const SECRET: &str = concat!("CORPUS-", "SECRET");
/// Stands in the command line of what stands for the server, and is the name of its abstract socket.
const NAME: &str = "stands-for-the-server";
const DATA_MIB: u64 = 128;
const PROCESSES: u64 = 64;
/// Where cases that fill something up stop: well over what they may have inside.
const FILL_MIB: u64 = 256;
const FILL_PROCESSES: u64 = 300;

/// What stands for a server and its data.
struct Arrangement {
    home: tempfile::TempDir,
    server: Child,
    api: String,
    segment: String,
    natives: PathBuf,
    /// Open in this process and in all that it starts, as a careless service would have it.
    _open: fs::File,
}

impl Arrangement {
    fn new() -> Arrangement {
        let home = tempfile::tempdir().unwrap();
        let folders =
            ["packages/own", "packages/other", "other-tmp", "interpreter/bin", "interpreter/lib", "outside-tmp"];
        for folder in folders {
            fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        for file in ["server.db", "secrets.key", "packages/other/secret", "other-tmp/secret"] {
            fs::write(home.path().join(file), format!("{SECRET}\n")).unwrap();
        }
        fs::copy("/bin/sh", home.path().join("interpreter/bin/run")).unwrap();
        let open = fs::File::open(home.path().join("server.db")).unwrap();
        fcntl_setfd(&open, FdFlags::empty()).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/server.py");
        let mut server = Command::new(python());
        server.arg(script).arg(NAME).arg(home.path().join("service.sock")).env("SECRET", SECRET);
        let mut server = server.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let (api, segment) = said.trim().split_once(' ').unwrap();
        let (api, segment) = (api.to_owned(), segment.to_owned());
        let natives = home.path().join("natives");
        Arrangement { home, server, api, segment, natives, _open: open }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    fn variables(&self, tmp: &Path) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        let all = [
            ("CORPUS_SERVER", self.server.id().to_string()),
            ("CORPUS_SERVER_NAME", NAME.to_owned()),
            ("CORPUS_SERVER_FILE", text(self.at("server.db"))),
            ("CORPUS_SERVER_KEY", text(self.at("secrets.key"))),
            ("CORPUS_SOCKET", NAME.to_owned()),
            ("CORPUS_SOCKET_FILE", text(self.at("service.sock"))),
            ("CORPUS_SEGMENT", self.segment.clone()),
            ("CORPUS_OTHER_PACKAGE", text(self.at("packages/other"))),
            ("CORPUS_OTHER_TMP", text(self.at("other-tmp"))),
            ("CORPUS_PACKAGE", text(self.at("packages/own"))),
            ("CORPUS_INTERPRETER", text(self.at("interpreter/bin/run"))),
            ("CORPUS_API", self.api.clone()),
            ("CORPUS_TMP", text(tmp.to_owned())),
            ("CORPUS_FILL_MIB", FILL_MIB.to_string()),
            ("CORPUS_PROCESSES", FILL_PROCESSES.to_string()),
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
        ];
        all.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    /// The program that runs `case`, and its arguments; a case in C is compiled already.
    fn words(&self, case: &Path) -> Vec<String> {
        let words = match case.extension().and_then(|it| it.to_str()) {
            Some("py") => vec![python(), case.to_owned()],
            Some("sh") => vec!["/bin/sh".into(), case.to_owned()],
            _ => vec![case.to_owned()],
        };
        words.iter().map(|path| path.to_string_lossy().into_owned()).collect()
    }

    fn inside(&self, case: &Path) -> String {
        let words = self.words(case);
        let mut plan = plan(&words.iter().map(String::as_str).collect::<Vec<_>>());
        plan.view.show(self.at("packages/own"));
        plan.view.show_program(&self.at("interpreter/bin/run"));
        plan.program.environment = self.variables(Path::new("/tmp"));
        plan.limits.data_bytes = Some(DATA_MIB << 20);
        plan.limits.processes_max = PROCESSES;
        let (status, out, errors) = run(plan);
        format!("{} {status} {errors}", out.trim())
    }

    fn outside(&self, case: &Path) -> String {
        let words = self.words(case);
        let tmp = self.at("outside-tmp");
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().envs(self.variables(&tmp)).env("CORPUS_OUTSIDE", "1").current_dir("/");
        let output = command.stdin(Stdio::null()).output().unwrap();
        format!("{} {}", String::from_utf8_lossy(&output.stdout).trim(), String::from_utf8_lossy(&output.stderr))
    }
}

impl Drop for Arrangement {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

#[test]
fn every_case_is_held_inside_and_real_outside() {
    const { assert!(FILL_MIB > DATA_MIB && FILL_MIB > 2 * SCRATCH_MIB && FILL_PROCESSES > 2 * PROCESSES) }
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sandbox-corpus");
    let mut cases: Vec<PathBuf> = fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|it| it == "py" || it == "sh" || it == "c"));
    cases.sort();
    assert!(cases.len() >= 100, "the corpus is not there");
    let arrangement = Arrangement::new();
    let built = Command::new(corpus.join("build")).arg("native").arg(&arrangement.natives).status().unwrap();
    assert!(built.success(), "the cases in C are not compiled");
    let is_root = rustix::process::geteuid().is_root();
    let mut wrong = Vec::new();
    for case in &cases {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let is_compiled = case.extension().is_some_and(|it| it == "c");
        let own = arrangement.at("packages/own").join(name.trim_end_matches(".c"));
        let program = arrangement.natives.join(name.trim_end_matches(".c"));
        fs::copy(if is_compiled { &program } else { case }, &own).unwrap();
        let needs_root = fs::read_to_string(case).unwrap().contains("outside: root");
        let inside = arrangement.inside(&own);
        let outside = arrangement.outside(&own);
        let is_real = outside.starts_with("ESCAPED") || outside.starts_with("ABSENT") || (needs_root && !is_root);
        println!("{name}\n    inside:  {inside}\n    outside: {outside}");
        let is_held = inside.starts_with("HELD") || (inside.starts_with("ABSENT") && outside.starts_with("ABSENT"));
        if !is_held {
            wrong.push(format!("{name} inside: {inside}"));
        }
        if !is_real {
            wrong.push(format!("{name} outside: {outside}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
