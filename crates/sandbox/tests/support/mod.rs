//! What the tests share.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    path::{Path, PathBuf},
    process::ExitStatus,
};

use tidemill_sandbox::{
    Cgroups, Controller, Findings, Launcher, Limits, Plan, Program, Running, Users, View, probe, start,
};

pub const SCRATCH_MIB: u64 = 32;

pub fn launcher() -> Launcher {
    Launcher::at(env!("CARGO_BIN_EXE_tidemill-sandbox"))
}

/// What this machine gives. The tests need all of it but control groups.
pub fn findings() -> Findings {
    let none: [Controller; 0] = [];
    probe(&launcher(), &Cgroups::new(&none))
}

pub fn python() -> PathBuf {
    let found = ["/usr/bin/python3", "/usr/local/bin/python3"].into_iter().find(|path| Path::new(path).exists());
    found.expect("the tests need a python3 of the system").into()
}

/// A plan with all parts that runs `words`.
pub fn plan(words: &[&str]) -> Plan {
    let path = PathBuf::from(words[0]);
    let mut view = View::of_machine(false, SCRATCH_MIB << 20);
    view.show_program(&path);
    let program = Program {
        path,
        arguments: words[1..].iter().map(|word| (*word).to_owned()).collect(),
        environment: vec![("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())],
        directory: "/".into(),
    };
    Plan { program, view, limits: Limits::default(), network: false, parts: tidemill_sandbox::Parts::ALL }
}

pub fn begin(plan: Plan) -> Running {
    start(&launcher(), plan, Users::new().unwrap().next(), None).unwrap()
}

/// Runs it to its end.
pub fn run(plan: Plan) -> (ExitStatus, String, String) {
    begin(plan).wait().unwrap()
}

/// What `sh` says to `script` inside.
pub fn shell(script: &str) -> String {
    let (status, out, errors) = run(plan(&["/bin/sh", "-c", script]));
    assert!(status.success(), "{status}: {out}{errors}");
    out.trim().to_owned()
}
