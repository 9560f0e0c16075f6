//! The sandbox by itself, for trying, testing and measuring it.
//!
//! ```text
//! tidemill-sandbox probe [CALL…]                           what this machine gives, and what it would if its kernel
//!                                                          refused these: unshare, open_tree, landlock_create_ruleset, seccomp
//! tidemill-sandbox run [OPTION…] -- PROGRAM [ARGUMENT…]    run a program inside, as it would be for a worker
//!     --network            with the machine's network
//!     --show PATH          show a file or folder too
//!     --late PATH          show a folder once the program runs
//!     --without PART       leave a part out: users, mounts, processes, ipc, name, network, cgroups, landlock, seccomp
//!     --memory MIB, --processes N, --scratch MIB, --groups CONTROLLER,…
//! tidemill-sandbox measure [ROUNDS [LAUNCHER]]             what a start costs, beside one without
//! ```

use std::{path::PathBuf, process::ExitCode};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};
use tidemill_sandbox::{
    Amounts, Cgroups, Controller, Launcher, Limits, Parts, Plan, Program, Users, View, probe, run_if_launcher, start,
};

#[path = "measure/mod.rs"]
mod measure;

fn main() -> ExitCode {
    if let Some(code) = run_if_launcher() {
        return code;
    }
    let mut arguments = std::env::args().skip(1);
    let result = match arguments.next().as_deref() {
        Some("probe") => arguments.try_for_each(|name| refuse(&name)).map(|()| {
            let cgroups = Cgroups::new(&Controller::ALL[1..]);
            probe(&Launcher::this(), &cgroups).list.iter().for_each(|finding| println!("{finding}"));
            ExitCode::SUCCESS
        }),
        Some("run") => run(arguments),
        Some("measure") => {
            let rounds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(100);
            measure::measure(rounds, &arguments.next().map_or_else(Launcher::this, Launcher::at))
        }
        _ => Err("give one of: probe, run, measure".to_owned()),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::from(64)
    })
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<ExitCode, String> {
    let (mut parts, mut network, mut shown, mut late) = (Parts::ALL, false, Vec::new(), Vec::new());
    let (mut amounts, mut scratch, mut controllers) = (Amounts::default(), 64u64, Vec::new());
    let mut limits = Limits::default();
    loop {
        let option = arguments.next().ok_or("a program is missing: … -- PROGRAM")?;
        if option == "--" {
            break;
        }
        if option == "--network" {
            network = true;
            continue;
        }
        let value = arguments.next().ok_or(format!("{option} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|error| format!("{option}: {error}"));
        match option.as_str() {
            "--show" => shown.push(PathBuf::from(value)),
            "--late" => late.push(PathBuf::from(value)),
            "--memory" => amounts.memory_bytes = Some(number()? << 20),
            "--processes" => {
                amounts.processes_max = Some(number()?);
                limits.processes_max = number()?;
            }
            "--scratch" => scratch = number()?,
            "--groups" => {
                controllers =
                    Controller::ALL.into_iter().filter(|it| value.split(',').any(|name| name == it.name())).collect();
            }
            "--without" => *part(&mut parts, &value)? = false,
            _ => return Err(format!("there is no option {option}")),
        }
    }
    let path: PathBuf = arguments.next().ok_or("a program is missing")?.into();
    let mut view = View::of_machine(network, scratch << 20);
    view.show_program(&path);
    shown.into_iter().for_each(|path| view.show(path));
    let environment = [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/tmp"), ("LANG", "C.UTF-8")];
    let program = Program {
        path,
        arguments: arguments.collect(),
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        directory: "/".into(),
    };
    limits.data_bytes = amounts.memory_bytes.map(|bytes| bytes * 2);
    let users = Users::new()?;
    let ids = users.next();
    let cgroups = Cgroups::new(&controllers);
    let group = cgroups.group(&amounts).map_err(|error| error.to_string())?;
    let plan = Plan { program, view, limits, network, parts };
    let running = start(&Launcher::this(), plan, ids, Some(&group)).map_err(|failure| failure.to_string())?;
    if !late.is_empty() {
        running.inside().show(late).map_err(|failure| failure.to_string())?;
    }
    let (status, out, errors) = running.wait().map_err(|error| error.to_string())?;
    print!("{out}");
    eprint!("{errors}");
    if !status.success() {
        eprintln!("[{status}]");
    }
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Has the kernel refuse the system call `name` to this process and all that it starts, as engines of containers do.
fn refuse(name: &str) -> Result<(), String> {
    let call = match name {
        "unshare" => libc::SYS_unshare,
        "open_tree" => libc::SYS_open_tree,
        "landlock_create_ruleset" => libc::SYS_landlock_create_ruleset,
        "seccomp" => libc::SYS_seccomp,
        _ => return Err(format!("{name} is none of the calls that can be refused")),
    };
    let refused = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let machine = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| error.to_string())?;
    let filter = SeccompFilter::new([(call, Vec::new())].into(), SeccompAction::Allow, refused, machine);
    let program = filter.and_then(BpfProgram::try_from).map_err(|error| error.to_string())?;
    apply_filter(&program).map_err(|error| error.to_string())
}

fn part<'a>(parts: &'a mut Parts, name: &str) -> Result<&'a mut bool, String> {
    Ok(match name {
        "users" => &mut parts.users,
        "mounts" => &mut parts.mounts,
        "processes" => &mut parts.processes,
        "ipc" => &mut parts.ipc,
        "name" => &mut parts.name,
        "network" => &mut parts.network,
        "cgroups" => &mut parts.cgroups,
        "landlock" => &mut parts.landlock,
        "seccomp" => &mut parts.seccomp,
        _ => return Err(format!("there is no part {name}")),
    })
}
