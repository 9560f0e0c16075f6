//! What a start costs.
//!
//! Each round starts the same program bare and inside, one after the other, and waits for its end; what is printed is the
//! 10th percentile and the median in milliseconds, and the cpu time of all that takes part. On a busy machine the 10th percentile
//! and the cpu time say more: a start that waits for a core says nothing of the sandbox.
//!
//! The parts are added one after the other, so the difference between two lines is what a part costs. The last lines are as a server
//! starts workers, by copies of a template.

use std::{
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use tidemill_sandbox::{
    Amounts, Cgroups, Controller, Launcher, Limits, Parts, Plan, Program, Template, Users, View, start, start_copy,
};

/// What a function without limits of its own is held by.
const CONTROLLERS: [Controller; 1] = [Controller::Processes];

struct Case {
    name: &'static str,
    parts: Parts,
    is_copied: bool,
    is_grouped: bool,
}

/// Adds parts.
type Add = fn(&mut Parts);

fn cases() -> Vec<Case> {
    let mut parts = Parts::NONE;
    let mut cases = vec![Case { name: "no parts", parts, is_copied: false, is_grouped: false }];
    let steps: [(&str, Add); 6] = [
        ("+ users", |parts| parts.users = true),
        ("+ mounts", |parts| parts.mounts = true),
        ("+ processes, ipc, name, groups", |parts| {
            *parts = Parts { processes: true, ipc: true, name: true, cgroups: true, ..*parts };
        }),
        ("+ network", |parts| parts.network = true),
        ("+ landlock", |parts| parts.landlock = true),
        ("+ seccomp: all", |parts| parts.seccomp = true),
    ];
    for (name, add) in steps {
        add(&mut parts);
        cases.push(Case { name, parts, is_copied: false, is_grouped: false });
    }
    cases.push(Case { name: "copied, no parts", parts: Parts::NONE, is_copied: true, is_grouped: false });
    cases.push(Case { name: "copied, all", parts, is_copied: true, is_grouped: false });
    cases.push(Case { name: "copied, all, a control group", parts, is_copied: true, is_grouped: true });
    cases
}

/// `launcher` is any program that can be one, as a server's, whose size makes a difference.
pub fn measure(rounds: usize, launcher: &Launcher) -> Result<ExitCode, String> {
    let rounds = rounds.max(1);
    let mut template = Template::new(launcher.clone());
    println!("{:42} {:>8} {:>8} {:>8} {:>9}", "program", "p10", "p50", "cpu", "more p10");
    for (name, arguments) in [("true", Vec::new()), ("python3", vec!["-c", "pass"]), ("node", vec!["-e", "0"])] {
        let places = ["/bin", "/usr/bin", "/usr/local/bin"].map(|folder| Path::new(folder).join(name));
        let Some(path) = places.into_iter().find(|path| path.exists()) else { continue };
        let bare = over(rounds, || {
            let mut command = Command::new(&path);
            let status = command.args(&arguments).env_clear().stdin(Stdio::null()).status();
            if status.is_ok_and(|status| status.success()) { Ok(()) } else { Err(format!("{name} does not run")) }
        })?;
        println!("{:42} {:8.2} {:8.2} {:8.2}", format!("{name}, bare"), bare[0], bare[1], bare[2]);
        for case in cases() {
            let inside = over(rounds, || run_inside(&path, &arguments, &case, launcher, &mut template))?;
            let [low, median, cpu] = inside;
            println!("{:42} {low:8.2} {median:8.2} {cpu:8.2} {:9.2}", format!("{name}, {}", case.name), low - bare[0]);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn run_inside(
    path: &Path,
    arguments: &[&str],
    case: &Case,
    launcher: &Launcher,
    template: &mut Template,
) -> Result<(), String> {
    let cgroups = Cgroups::new(if case.is_grouped { &CONTROLLERS } else { &[] });
    let amounts = Amounts { memory_bytes: None, processes_max: Some(64), cpu_millis: None };
    let users = Users::new()?;
    let mut view = View::of_machine(false, 64 << 20);
    view.show_program(path);
    let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
    let program = Program { path: path.into(), arguments, directory: "/".into(), ..Program::default() };
    let plan = Plan { program, view, limits: Limits::default(), network: false, parts: case.parts };
    let group = cgroups.group(&amounts).map_err(|error| error.to_string())?;
    let running = if case.is_copied {
        start_copy(template, plan, users.next(), Some(&group))
    } else {
        start(launcher, plan, users.next(), Some(&group))
    };
    let ended = running.map_err(|failure| failure.to_string())?.wait();
    let (status, _, errors) = ended.map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("{} does not run inside: {status} {errors}", path.display())) }
}

/// Runs `once` so many times. The 10th percentile, the median, and the mean cpu time of processes that ended, in milliseconds.
fn over(rounds: usize, mut once: impl FnMut() -> Result<(), String>) -> Result<[f64; 3], String> {
    let mut times = Vec::new();
    let before = cpu_time();
    for _ in 0..rounds {
        let began = Instant::now();
        once()?;
        times.push(began.elapsed());
    }
    let used = cpu_time().saturating_sub(before);
    times.sort();
    let [low, median] = [10, 50].map(|percent| milliseconds(times[(times.len() - 1) * percent / 100]));
    Ok([low, median, milliseconds(used) / f64::from(u32::try_from(rounds).unwrap_or(u32::MAX))])
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The cpu time of all processes that this one and its children have waited for, in ticks of the system.
fn cpu_time() -> Duration {
    const OF_CHILDREN_AT: usize = 13;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ').skip(OF_CHILDREN_AT).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second().max(1))
}
