//! Engines for the tests.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock},
};

pub const IMAGE: &str = "tidemill-test:busybox";

/// An engine, by the folder of its socket `docker.sock`.
#[derive(Clone, Debug)]
pub struct Engine {
    directory: PathBuf,
}

/// Stops an engine when this process is over, however it ends: it reads from us and sees the end.
static STOPPERS: Mutex<Vec<Child>> = Mutex::new(Vec::new());

fn script() -> PathBuf {
    crate::common::repository().join("scripts/docker-engine")
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!("{command:?}: {}\n{}", text(&output.stdout), text(&output.stderr)))
}

impl Engine {
    /// The engine that most tests share.
    pub fn shared() -> Engine {
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        let engine = ENGINE.get_or_init(|| {
            let engine = match std::env::var_os("TIDEMILL_TEST_DOCKER") {
                Some(socket) => {
                    let socket = PathBuf::from(socket);
                    assert!(socket.ends_with("docker.sock"), "TIDEMILL_TEST_DOCKER must be the path of a docker.sock");
                    Engine { directory: socket.parent().expect("it has a name").to_owned() }
                }
                None => Engine::own(&[]),
            };
            engine.make_image();
            engine
        });
        engine.clone()
    }

    /// One for this test alone, which may be killed.
    pub fn own(arguments: &[&str]) -> Engine {
        // Short, for the sockets in it.
        let directory =
            tempfile::Builder::new().prefix("tde").tempdir_in("/tmp").expect("/tmp can be written to").keep();
        let stop = "read -r line; \"$0\" stop \"$1\"; rm -rf \"$1\"";
        let mut stopper = Command::new("bash");
        stopper.args(["-c", stop]).arg(script()).arg(&directory).stdin(Stdio::piped());
        STOPPERS.lock().unwrap().push(stopper.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("bash runs"));
        let engine = Engine { directory };
        engine.start(arguments);
        engine
    }

    pub fn start(&self, arguments: &[&str]) {
        let started = run(Command::new(script()).arg("start").arg(&self.directory).args(arguments));
        if let Err(why) = started {
            panic!("these tests need a Docker engine, and none could be started.\n{why}");
        }
    }

    /// Ends the engine in the ordinary way, with its containers.
    pub fn stop(&self) {
        run(Command::new(script()).arg("stop").arg(&self.directory)).unwrap();
    }

    /// Kills the engine as a crash would.
    pub fn kill(&self) {
        run(Command::new(script()).arg("kill").arg(&self.directory)).unwrap();
    }

    pub fn make_image(&self) {
        if self.docker(&["image", "inspect", IMAGE]).is_err()
            && let Err(why) = run(Command::new(script()).arg("image").arg(&self.directory).arg(IMAGE))
        {
            panic!("the test image could not be built.\n{why}");
        }
    }

    pub fn address(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.join("docker.sock")
    }

    /// What the command line of Docker says.
    pub fn docker(&self, arguments: &[&str]) -> Result<String, String> {
        run(Command::new("docker").arg("--host").arg(self.address()).args(arguments))
    }

    /// The containers of an instance, running or not.
    pub fn containers(&self, instance: &str) -> Vec<String> {
        let filter = format!("label=tidemill.instance={instance}");
        let listed = self.docker(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &filter]).unwrap();
        listed.lines().map(str::to_owned).collect()
    }
}
