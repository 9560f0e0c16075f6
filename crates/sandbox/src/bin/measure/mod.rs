//! What a start costs.
//!
//! Each round starts the same program bare and inside, one after the other, and waits for its end; what is printed is the
//! 10th percentile and the median in milliseconds, and the differences. On a busy machine the 10th percentile says more: a start
//! that waits for a core says nothing of the sandbox.

use std::{
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use tidemill_sandbox::{Amounts, Cgroups, Controller, Launcher, Limits, Parts, Plan, Program, Users, View, start};

/// What a function without limits of its own is held by.
const CONTROLLERS: [Controller; 1] = [Controller::Processes];

pub fn measure(rounds: usize) -> Result<ExitCode, String> {
    let rounds = rounds.max(1);
    let users = Users::new()?;
    let python =
        ["/usr/bin/python3", "/usr/local/bin/python3"].into_iter().find(|path| std::path::Path::new(path).exists());
    let programs = [("/bin/true", Vec::new())].into_iter().chain(python.map(|path| (path, vec!["-c", "pass"])));
    println!(
        "{:34} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "program", "bare p10", "p50", "in p10", "p50", "more p10", "p50"
    );
    for (path, arguments) in programs {
        let all = Parts::ALL;
        for (name, parts, grouped) in [
            ("all parts", all, false),
            ("with a control group", all, true),
            ("without network", Parts { network: false, ..all }, false),
            ("without seccomp", Parts { seccomp: false, ..all }, false),
            ("without landlock", Parts { landlock: false, ..all }, false),
            ("without landlock, seccomp", Parts { landlock: false, seccomp: false, ..all }, false),
            ("no parts", Parts::NONE, false),
        ] {
            let cgroups = Cgroups::new(if grouped { &CONTROLLERS } else { &[] });
            let amounts = Amounts { memory_bytes: None, processes_max: Some(64), cpu_millis: None };
            let (mut bare, mut inside) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                let began = Instant::now();
                let status = Command::new(path).args(&arguments).env_clear().stdin(Stdio::null()).status();
                bare.push(began.elapsed());
                if !status.is_ok_and(|status| status.success()) {
                    return Err(format!("{path} does not run"));
                }
                let mut view = View::of_machine(false, 64 << 20);
                view.show_program(path.as_ref());
                let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
                let program = Program { path: path.into(), arguments, directory: "/".into(), ..Program::default() };
                let plan = Plan { program, view, limits: Limits::default(), network: false, parts };
                let began = Instant::now();
                let group = cgroups.group(&amounts).map_err(|error| error.to_string())?;
                let running = start(&Launcher::this(), plan, users.next(), Some(&group));
                let (status, _, errors) =
                    running.map_err(|failure| failure.to_string())?.wait().map_err(|error| error.to_string())?;
                inside.push(began.elapsed());
                if !status.success() {
                    return Err(format!("{path} does not run inside: {status} {errors}"));
                }
            }
            let ([bare_low, bare], [inside_low, inside]) = (quantiles(bare), quantiles(inside));
            println!(
                "{:34} {bare_low:8.2} {bare:8.2} {inside_low:8.2} {inside:8.2} {:8.2} {:8.2}",
                format!("{}, {name}", path.rsplit('/').next().unwrap_or(path)),
                inside_low - bare_low,
                inside - bare
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The 10th percentile and the median, in milliseconds.
fn quantiles(mut times: Vec<Duration>) -> [f64; 2] {
    times.sort();
    [10, 50].map(|percent| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0)
}
