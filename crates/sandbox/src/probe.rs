//! What of the sandbox this machine gives: found out by trying it.

use std::{fmt, path::Path};

use crate::{
    cgroup::{Cgroups, Controller},
    control::Failure,
    ids::Users,
    launch::Launcher,
    plan::{Limits, Parts, Plan, Program, View},
    simple,
    warden::landlock_level,
};

/// One mechanism of the sandbox on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is called.
    pub mechanism: &'static str,
    /// What there is of it, or what the system said when it was tried. One line.
    pub state: Result<String, String>,
    /// Whether it is missing because it was not wanted.
    pub is_off: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            Ok(what) => write!(f, "{}: {what}", self.mechanism),
            Err(why) if self.is_off => write!(f, "{}: {why}", self.mechanism),
            Err(why) => write!(f, "{}: refused ({why})", self.mechanism),
        }
    }
}

/// All mechanisms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// One each, in the order of importance.
    pub list: Vec<Finding>,
    /// Those that a plan can ask for.
    pub parts: Parts,
}

impl Findings {
    /// Those that are missing: refused by this machine, or switched off.
    pub fn refused(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter().filter(|finding| finding.state.is_err())
    }

    /// Whether it has them all.
    pub fn is_complete(&self) -> bool {
        self.refused().next().is_none()
    }
}

/// What is said of groups that were not wanted.
const SWITCHED_OFF: &str = "switched off by workers.cgroups";

type Switch = fn(&mut Parts) -> &mut bool;

/// In the order in which they are tried, each with those before it that worked.
const PARTS: [(&str, Switch); 9] = [
    ("user namespace", |parts| &mut parts.users),
    ("mount namespace", |parts| &mut parts.mounts),
    ("pid namespace", |parts| &mut parts.processes),
    ("network namespace", |parts| &mut parts.network),
    ("ipc namespace", |parts| &mut parts.ipc),
    ("uts namespace", |parts| &mut parts.name),
    ("cgroup namespace", |parts| &mut parts.cgroups),
    ("seccomp", |parts| &mut parts.seccomp),
    ("landlock", |parts| &mut parts.landlock),
];

/// Tries each mechanism by starting programs that do nothing. Blocks: some milliseconds where all is well, some more where not.
pub fn probe(launcher: &Launcher, cgroups: &Cgroups) -> Findings {
    let users = Users::new();
    let landlock = landlock_level();
    let mut wanted = Parts::ALL;
    wanted.users = users.is_ok();
    wanted.landlock = landlock.is_ok();
    let attempt = |parts: Parts| try_out(launcher, users.as_ref().ok(), parts);
    let (parts, refusals) = match attempt(wanted) {
        Ok(()) => (wanted, Vec::new()),
        Err(_) => one_by_one(wanted, attempt),
    };
    let mut list: Vec<Finding> = PARTS
        .iter()
        .map(|(mechanism, switch)| {
            let mut having = parts;
            let state = match (*switch(&mut having), *mechanism) {
                (true, "landlock") => landlock.clone(),
                (true, _) => Ok("on".to_owned()),
                (false, "landlock") if landlock.is_err() => landlock.clone(),
                (false, "user namespace") if users.is_err() => {
                    users.as_ref().map(|_| String::new()).map_err(Clone::clone)
                }
                (false, name) => {
                    Err(refusals.iter().find(|(it, _)| *it == name).map_or_else(String::new, |(_, why)| why.clone()))
                }
            };
            Finding { mechanism, state, is_off: false }
        })
        .collect();
    list.insert(
        PARTS.len() - 1,
        Finding { mechanism: "no new privileges, no capabilities", state: Ok("on".to_owned()), is_off: false },
    );
    list.extend(cgroups.controllers().map(|(controller, state)| Finding {
        mechanism: group_name(controller),
        state: state.map(|folder| folder.display().to_string()).map_err(str::to_owned),
        is_off: false,
    }));
    list.extend(cgroups.switched_off().map(|controller| Finding {
        mechanism: group_name(controller),
        state: Err(SWITCHED_OFF.to_owned()),
        is_off: true,
    }));
    Findings { list, parts }
}

fn group_name(controller: Controller) -> &'static str {
    match controller {
        Controller::Memory => "memory limits by cgroup",
        Controller::Processes => "process limits by cgroup",
        Controller::Cpu => "cpu limits by cgroup",
    }
}

/// Mechanisms and why they were refused.
type Refusals = Vec<(&'static str, String)>;

fn one_by_one(wanted: Parts, attempt: impl Fn(Parts) -> Result<(), Failure>) -> (Parts, Refusals) {
    let mut parts = Parts::NONE;
    let mut refusals = Refusals::new();
    for (mechanism, switch) in PARTS {
        let mut next = parts;
        let mut limit = wanted;
        if !*switch(&mut limit) {
            continue;
        }
        *switch(&mut next) = true;
        match attempt(next) {
            Ok(()) => parts = next,
            Err(failure) => refusals.push((mechanism, failure.to_string())),
        }
    }
    (parts, refusals)
}

fn try_out(launcher: &Launcher, users: Option<&Users>, parts: Parts) -> Result<(), Failure> {
    const SCRATCH_BYTES: u64 = 1 << 20;
    let path = ["/bin/true", "/usr/bin/true"].into_iter().find(|path| Path::new(path).exists()).unwrap_or("/bin/true");
    let program = Program { path: path.into(), directory: "/".into(), ..Program::default() };
    let view = View::of_machine(false, SCRATCH_BYTES);
    let plan = Plan { program, view, limits: Limits::default(), network: false, parts };
    let ids = users.map_or(crate::Ids::Own, Users::next);
    let running = simple::start(launcher, plan, ids, None)?;
    let (status, _, errors) =
        running.wait().map_err(|error| Failure::new("wait for a program that does nothing", &error))?;
    if status.success() {
        return Ok(());
    }
    let why = std::io::Error::other(format!("it ended with {status} {}", errors.trim()));
    Err(Failure::new("run a program that does nothing", &why))
}
