//! A real server with real secrets, and what runs beside it.

use std::{
    cell::RefCell,
    fs,
    io::{BufRead as _, BufReader},
    os::{fd::OwnedFd, unix::fs::PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use serde_json::{Value, json};

use crate::{
    cases::{Language, corpus},
    harness::{Done, Server, home, write},
    verdict::{Answer, Verdict},
};

/// What the server and the other function keep from everybody.
pub const SECRET: &str = concat!("CORPUS-", "SECRET");
const NEIGHBOUR: &str = concat!("CORPUS-", "NEIGHBOUR");
/// Stands in the server's command line.
const NAME: &str = "corpus-server.toml";
const MEMORY: &str = "224Mi";
const FILL_MIB: u64 = 384;
const SCRATCH: &str = "32MiB";
const PROCESSES: &str = "64";
/// Where a descriptor is left open: beyond those that workers are handed.
const OPEN_AT: i32 = 40;
const FILL_PROCESSES: &str = "300";

/// See the module.
pub struct Setting {
    pub is_inside: bool,
    home: tempfile::TempDir,
    server: RefCell<Server>,
    stand_in: RefCell<Child>,
    /// What the cases find in their environment.
    variables: Vec<(String, String)>,
    /// Open in this process and in all that it starts, as a careless service would have it.
    _open: OwnedFd,
}

impl Setting {
    /// Starts the server, with its sandbox unless it is outside, and deploys what it needs.
    pub fn begin(is_inside: bool) -> Setting {
        let home = home();
        let at = |path: &str| home.path().join(path);
        write(home.path(), NAME, "");
        write(home.path(), "private/state.json", &format!("{{\"secret\": \"{SECRET}\"}}\n"));
        write(home.path(), "open.txt", SECRET);
        fs::create_dir(at("scratch")).unwrap();
        make_interpreter(&at("interpreter"));
        let open = fcntl_dupfd_cloexec(fs::File::open(at("open.txt")).unwrap(), OPEN_AT).unwrap();
        fcntl_setfd(&open, FdFlags::empty()).unwrap();
        let (stand_in, segment) = stand_in(home.path());
        let interpreter = at("interpreter/bin/python3").display().to_string();
        let mut settings = vec![
            ("SECRET", SECRET),
            ("TIDEMILL_PYTHON", interpreter.as_str()),
            ("TIDEMILL_WORKERS_SCRATCH", SCRATCH),
            ("TIDEMILL_WORKERS_PROCESSES", PROCESSES),
        ];
        if !is_inside {
            settings.push(("TIDEMILL_SANDBOX", "off"));
        }
        let server = Server::up_with(home.path(), &["--config", NAME], &settings);
        let text = |path: &str| home.path().join(path).display().to_string();
        let variables = [
            ("CORPUS_SERVER", server.id().to_string()),
            ("CORPUS_SERVER_NAME", NAME.to_owned()),
            ("CORPUS_SERVER_FILE", text("data/tidemill.db")),
            ("CORPUS_SERVER_KEY", text("data/secrets.key")),
            ("CORPUS_SERVER_PRIVATE", text("private")),
            ("CORPUS_INTERPRETER", interpreter),
            ("CORPUS_API", server.url.trim_start_matches("http://").to_owned()),
            ("CORPUS_SOCKET", socket_name(home.path())),
            ("CORPUS_SOCKET_FILE", text("service.sock")),
            ("CORPUS_SEGMENT", segment),
            ("CORPUS_TMP", if is_inside { "/tmp".to_owned() } else { text("scratch") }),
            ("CORPUS_FILL_MIB", FILL_MIB.to_string()),
            ("CORPUS_PROCESSES", FILL_PROCESSES.to_owned()),
            ("CORPUS_LEFT_BY_PYTHON", format!("8639{}", server.id())),
            ("CORPUS_LEFT_BY_SHELL", format!("8638{}", server.id())),
        ];
        let mut variables: Vec<_> = variables.map(|(name, value)| (name.to_owned(), value)).to_vec();
        if !is_inside {
            variables.push(("CORPUS_OUTSIDE".to_owned(), "1".to_owned()));
        }
        let (server, stand_in) = (RefCell::new(server), RefCell::new(stand_in));
        let mut setting = Setting { is_inside, home, server, stand_in, variables, _open: open };
        setting.deploy_keeper();
        setting.deploy_corpus();
        setting
    }

    /// A function with a secret, a state, scratch files, and a process with a secret environment: all for others to steal.
    fn deploy_keeper(&mut self) {
        let source = include_str!("keeper.py");
        let env = json!([{"name": "SECRET", "value": NEIGHBOUR}]);
        let spec = json!({"runtime": "python", "handler": "main:handler", "state": "function", "env": env});
        self.package("keeper", &spec, &[("main.py", source), ("secret", SECRET)]);
        let server = self.server.borrow();
        write(self.home.path(), "password.txt", SECRET);
        server.ok(&["secret", "set", "password", "--for", "keeper", "--data", "@password.txt"]);
        let told: Value = serde_json::from_str(&server.ok(&["invoke", "keeper"])).unwrap();
        assert_eq!(told["count"], 1);
        for (name, member) in [("CORPUS_OTHER_PACKAGE", "package"), ("CORPUS_OTHER_TMP", "tmp")] {
            let path = told[member].as_str().unwrap().to_owned();
            self.variables.push((name.to_owned(), path));
        }
    }

    fn deploy_corpus(&self) {
        let natives = self.home.path().join("functions/corpus-shell");
        build("native", &natives);
        build("wasm", &self.home.path().join("modules"));
        let shell = json!({"runtime": "shell", "handler": "handler.sh", "state": "function"});
        let python = json!({"runtime": "python", "handler": "handler:handler"});
        for (name, spec, handler, text) in [
            ("corpus-shell", shell, "handler.sh", include_str!("handler.sh")),
            ("corpus-python", python, "handler.py", include_str!("handler.py")),
        ] {
            self.copy_cases(name);
            self.package(name, &self.spec(spec), &[(handler, text)]);
        }
    }

    /// What each function of the corpus has in its settings, beside `spec`.
    fn spec(&self, mut spec: Value) -> Value {
        let env: Vec<_> = self.variables.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        spec["env"] = env.into();
        spec["maxReplicas"] = 1.into();
        spec["eventTimeout"] = "60s".into();
        if self.is_inside {
            // Outside, a limit would be watched over, too.
            spec["resources"] = json!({"limits": {"memory": MEMORY}});
        }
        spec
    }

    fn copy_cases(&self, function: &str) {
        let folder = self.home.path().join("functions").join(function);
        fs::create_dir_all(&folder).unwrap();
        for from in [corpus(), corpus().join("deployed")] {
            for path in fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
                if path.extension().is_some_and(|it| it == "py" || it == "sh") {
                    fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
                }
            }
        }
    }

    fn package(&self, name: &str, spec: &Value, files: &[(&str, &str)]) {
        let done = self.try_package(name, spec, files);
        assert_eq!(done.code, 0, "{name}: {}", done.stderr);
    }

    /// Deploys a folder of these files.
    pub fn try_package(&self, name: &str, spec: &Value, files: &[(&str, &str)]) -> Done {
        let folder = format!("functions/{name}");
        let manifest = json!({"metadata": {"name": name}, "spec": spec}).to_string();
        write(self.home.path(), &format!("{folder}/function.yaml"), &manifest);
        for (file, text) in files {
            write(self.home.path(), &format!("{folder}/{file}"), text);
        }
        self.server.borrow().run(&["deploy", &folder])
    }

    /// Calls a function.
    pub fn invoke(&self, function: &str) -> Done {
        self.server.borrow().run(&["invoke", function])
    }

    /// What the cases find in their environment under `name`.
    pub fn variable(&self, name: &str) -> &str {
        let found = self.variables.iter().find(|(known, _)| known == name);
        &found.unwrap().1
    }

    /// Runs a case.
    pub fn run(&self, language: Language, file: &str) -> Answer {
        let function = if language == Language::Python { "corpus-python" } else { "corpus-shell" };
        Answer::of(&self.server.borrow().run(&["invoke", function, "--data", file]))
    }

    /// Runs a case that is about the server's own dealings with a function. A worker that was ended for it was held.
    pub fn run_deployed(&self, language: Language, file: &str) -> Answer {
        let mut answer = self.run(language, file);
        if answer.verdict == Verdict::Broken {
            answer.verdict = Verdict::Held;
        }
        let server = self.server.borrow();
        let state = server.run(&["state", "get", "corpus-shell"]);
        if state.stdout.contains(SECRET) {
            answer = Answer::new(Verdict::Escaped, "the server took its own file for the function's state");
            server.ok(&["state", "delete", "corpus-shell"]);
        }
        answer
    }

    /// Deploys and runs a case as WebAssembly. What WASI cannot express is refused when it is deployed.
    pub fn run_module(&self, case: &str) -> Answer {
        let name = format!("wasm-{case}");
        let file = format!("{case}.wasm");
        let folder = self.home.path().join("functions").join(&name);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(self.home.path().join("modules").join(&file), folder.join(&file)).unwrap();
        let mut spec = self.spec(json!({"runtime": "wasm", "handler": file}));
        let package = json!({"name": "CORPUS_PACKAGE", "value": folder});
        spec["env"].as_array_mut().unwrap().push(package);
        let done = self.try_package(&name, &spec, &[]);
        if done.code == 0 {
            return Answer::of(&self.server.borrow().run(&["invoke", &name]));
        }
        let verdict = if done.stderr.contains("unknown import") { Verdict::Held } else { Verdict::Broken };
        Answer::new(verdict, format!("refused when deployed: {}", done.stderr))
    }

    /// The server answers, and what it keeps is as it was.
    pub fn expect_alive(&self, after: &str) {
        let server = self.server.borrow();
        let told: Value = serde_json::from_str(&server.ok(&["invoke", "keeper"])).unwrap();
        assert_eq!(told["secret"], SECRET, "after {after}");
        assert!(told["count"].as_u64().unwrap() > 1, "after {after}: {told}");
        assert_eq!(server.json(&["status"])["ready"], true, "after {after}");
    }

    /// Whether control groups hold the memory of functions here.
    pub fn has_memory_group(&self) -> bool {
        let status = self.server.borrow().ok(&["status"]);
        let line = status.lines().find(|line| line.contains("memory limits by cgroup"));
        line.is_some_and(|line| !line.contains("refused"))
    }

    /// Ends the server as its operator does. Gives what the cases were to leave behind, by who did.
    pub fn end(&self) -> [(Language, String); 2] {
        let mut server = self.server.borrow_mut();
        server.interrupt();
        assert_eq!(server.end(), 0);
        let script =
            "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('pragma integrity_check').fetchone()[0])";
        let database = self.home.path().join("data/tidemill.db");
        let output = Command::new("python3").args(["-c", script]).arg(database).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n");
        let token = |name: &str| self.variable(name).to_owned();
        [(Language::Python, token("CORPUS_LEFT_BY_PYTHON")), (Language::Shell, token("CORPUS_LEFT_BY_SHELL"))]
    }

    /// The server's process.
    pub fn server(&self) -> u32 {
        self.server.borrow().id()
    }

    /// The process that stands for other services of the machine.
    pub fn stand_in(&self) -> u32 {
        self.stand_in.borrow().id()
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        let stand_in = self.stand_in.get_mut();
        drop(stand_in.stdin.take());
        let _ = stand_in.wait();
    }
}

fn socket_name(home: &Path) -> String {
    format!("corpus-{}", home.file_name().unwrap().display())
}

/// An interpreter that may be spoiled.
fn make_interpreter(folder: &Path) {
    let words = ["-m", "venv", "--copies", "--without-pip"];
    let made = Command::new("python3").args(words).arg(folder).status().unwrap();
    assert!(made.success(), "the tests need Python with venv");
    let program = folder.join("bin/python3");
    assert!(fs::symlink_metadata(&program).unwrap().is_file());
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
}

fn build(what: &str, folder: &PathBuf) {
    let output = Command::new(corpus().join("build")).arg(what).arg(folder).output().unwrap();
    assert!(output.status.success(), "the cases in C: {}", String::from_utf8_lossy(&output.stderr));
}

/// Starts what stands for other services; gives the number of its shared memory, too.
fn stand_in(home: &Path) -> (Child, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sandbox/tests/support/server.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(socket_name(home)).arg(home.join("service.sock"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let segment = said.trim().split_once(' ').unwrap().1.to_owned();
    (child, segment)
}
