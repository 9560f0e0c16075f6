//! What a program finds inside, and how it ends.

#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod support;

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::Path,
};

use rustix::process::{Signal, kill_process, test_kill_process};
use support::{begin, findings, launcher, plan, run, shell};
use tidemill_sandbox::{Amounts, Cgroups, Controller, Exchange, Parts, Users, start};

#[test]
fn this_machine_gives_every_part() {
    let findings = findings();
    assert_eq!(findings.parts, Parts::ALL, "{:?}", findings.list);
}

#[test]
fn a_program_is_an_unprivileged_user_in_a_world_of_its_own() {
    assert_eq!(shell("id -u; id -un; hostname; pwd"), "1000\nworker\ntidemill\n/");
    assert_eq!(
        shell("grep -E '^(CapPrm|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -s '[:space:]' ' '").trim(),
        {
            let none = "0".repeat(16);
            format!("CapPrm: {none} CapBnd: {none} NoNewPrivs: 1 Seccomp: 2")
        }
    );
    assert_eq!(
        shell("[ $$ -lt 10 ] && echo few; touch /tmp/a /dev/shm/b; ls /tmp /dev/shm"),
        "few\n/dev/shm:\nb\n\n/tmp:\na"
    );
}

#[test]
fn the_environment_is_what_the_plan_says() {
    assert_eq!(shell("env | grep -v '^PWD='"), "PATH=/usr/local/bin:/usr/bin:/bin");
}

#[test]
fn a_launcher_ends_as_its_program_did() {
    let end = |script: &str| run(plan(&["/bin/sh", "-c", script])).0;
    assert_eq!(end("exit 7").code(), Some(7));
    assert_eq!(end("kill -SEGV $$").signal(), Some(11));
    assert_eq!(end("kill -KILL $$").signal(), Some(9));
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let ids = Users::new().unwrap().next();
    let failure = start(&launcher(), plan(&["/nowhere/at/all"]), ids, None).unwrap_err();
    assert!(failure.to_string().contains("/nowhere/at/all"), "{failure}");
    assert_eq!(failure.errno, Some(rustix::io::Errno::NOENT.raw_os_error()));
}

#[test]
fn nothing_outlives_the_program() {
    // The output is read to its end, which comes only when the last one who holds it is gone.
    for processes in [true, false] {
        let mut plan = plan(&["/bin/sh", "-c", "setsid sh -c 'setsid sleep 1000 & sleep 1000' & echo done"]);
        plan.parts.processes = processes;
        let (status, out, _) = run(plan);
        assert!(status.success());
        assert_eq!(out, "done\n");
    }
}

#[test]
fn nothing_outlives_a_program_that_is_ended() {
    for processes in [true, false] {
        let mut plan = plan(&["/bin/sh", "-c", "setsid sh -c 'setsid sleep 1000 & sleep 1000' & sleep 1000"]);
        plan.parts.processes = processes;
        let running = begin(plan);
        running.inside().end();
        // The output comes to its end only when the last one who holds it is gone.
        let (status, ..) = running.wait().unwrap();
        assert!(!status.success());
    }
}

#[test]
fn a_program_dies_with_whoever_started_it() {
    let running = begin(plan(&["/bin/sh", "-c", "sleep 1000"]));
    let program = running.inside().program();
    test_kill_process(program).unwrap();
    drop(running);
    for _ in 0..1000 {
        if test_kill_process(program).is_err() {
            return;
        }
        // The kernel needs a moment to end what was inside.
        std::thread::yield_now();
        let _ = fs::read_to_string("/proc/stat");
    }
    panic!("it lives");
}

#[test]
fn a_program_can_be_signalled_from_outside() {
    let running = begin(plan(&["/bin/sleep", "1000"]));
    kill_process(running.inside().program(), Signal::TERM).unwrap();
    let (status, ..) = running.wait().unwrap();
    assert_eq!(status.signal(), Some(15), "{status}");
}

#[test]
fn a_folder_can_be_shown_later() {
    let home = tempfile::tempdir().unwrap();
    let package = home.path().join("packages/7");
    fs::create_dir_all(&package).unwrap();
    fs::write(package.join("code"), "late\n").unwrap();
    // Only its owner can enter it, as in a server's data folder.
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let path = package.join("code");
    let script = format!(
        "while ! cat {0}; do sleep 0.01; done 2>/dev/null; echo x > {0} || echo closed; ls {1}",
        path.display(),
        home.path().join("packages").display()
    );
    let running = begin(plan(&["/bin/sh", "-c", &script]));
    running.inside().show(vec![package]).unwrap();
    let failure = running.inside().show(vec!["/nowhere".into()]).unwrap_err();
    assert!(failure.to_string().contains("/nowhere"), "{failure}");
    let (_, out, _) = running.wait().unwrap();
    assert_eq!(out, "late\nclosed\n7\n");
}

#[test]
fn a_folder_outside_of_the_scratch_space_can_be_shown_later() {
    let running = begin(plan(&[
        "/bin/sh",
        "-c",
        "while ! ls /var/tmp; do sleep 0.01; done 2>/dev/null; touch /var/x || echo no",
    ]));
    running.inside().show(vec!["/var/tmp".into()]).unwrap();
    let (_, out, _) = running.wait().unwrap();
    assert!(out.ends_with("no\n"), "{out}");
}

#[test]
fn an_exchange_comes_in_and_goes_out_and_its_links_do_not() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    fs::write(at("state"), "1").unwrap();
    fs::write(at("gone"), "x").unwrap();
    fs::write(at("long"), "").unwrap();
    fs::write(at("link"), "").unwrap();
    let mut plan = plan(&[
        "/bin/sh",
        "-c",
        "cd /tmp/exchange && echo $(cat state)2 > new && mv new state && rm gone && head -c 100 /dev/zero > long \
         && rm link && ln -s /etc/passwd link && echo other > unnamed",
    ]);
    let files = ["state", "gone", "long", "link"].map(str::to_owned).to_vec();
    let exchange = Exchange { outside: home.path().into(), inside: "/tmp/exchange".into(), files, bytes_max: 10 };
    plan.view.exchange = Some(exchange);
    let (status, _, errors) = run(plan);
    assert!(status.success(), "{errors}");
    assert_eq!(fs::read_to_string(at("state")).unwrap(), "12\n");
    assert_eq!(fs::read(at("long")).unwrap().len(), 11);
    assert!(!at("gone").exists() && !at("link").exists() && !at("unnamed").exists());
}

#[test]
fn a_network_is_shared_only_when_it_is_given() {
    let count = "grep -c : /proc/net/dev";
    assert_eq!(shell(count), "1");
    let mut plan = plan(&["/bin/sh", "-c", count]);
    plan.network = true;
    let own = fs::read_to_string("/proc/net/dev").unwrap().lines().filter(|line| line.contains(':')).count();
    assert_eq!(run(plan).1.trim(), own.to_string());
}

#[test]
fn control_groups_hold_the_whole_where_they_can_be_written() {
    let cgroups = Cgroups::new(&[Controller::Processes]);
    let amounts = Amounts { processes_max: Some(8), ..Amounts::default() };
    let group = cgroups.group(&amounts).unwrap();
    let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done 2>/dev/null; echo $(jobs -p | wc -l)";
    let mut plan = plan(&["/bin/sh", "-c", script]);
    plan.limits.processes_max = 1000;
    if !cgroups.has(Controller::Processes) {
        plan.limits.processes_max = 8;
    }
    let ids = Users::new().unwrap().next();
    let (status, out, _) = start(&launcher(), plan, ids, Some(&group)).unwrap().wait().unwrap();
    let started = out.trim().parse::<u32>().unwrap_or(0);
    assert!(!status.success() || started < 12, "{status} {out}");
    drop(group);
    for (_, folder) in cgroups.controllers() {
        if let Ok(folder) = folder {
            assert_eq!(
                fs::read_dir(folder).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count(),
                0
            );
        }
    }
}

#[test]
fn without_a_view_landlock_alone_holds_files() {
    let mut plan = plan(&["/bin/sh", "-c", "cat /etc/hostname; ls /usr > /dev/null && echo usr"]);
    plan.parts = Parts { landlock: true, seccomp: true, ..Parts::NONE };
    let secret = Path::new("/etc/hostname");
    assert!(secret.exists());
    for link in &plan.view.links.clone() {
        plan.view.shown.push(link.0.clone());
    }
    let (_, out, errors) = run(plan);
    assert_eq!(out, "usr\n", "{errors}");
    assert!(errors.contains("Permission denied"), "{errors}");
}

#[test]
fn root_needs_no_user_namespace() {
    if !rustix::process::geteuid().is_root() {
        // Nobody else may make the other namespaces without it.
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let mut plan = plan(&[
        "/bin/sh",
        "-c",
        "grep -E '^Cap(Eff|Prm|Bnd)' /proc/self/status | tr -d '[:alpha:][:space:]:'; echo; id -u; while ! ls -d /tmp/.tmp*; do sleep 0.01; done \
         2>/dev/null; touch /usr/x /x /tmp/x",
    ]);
    plan.parts.users = false;
    let running = begin(plan);
    running.inside().show(vec![home.path().to_owned()]).unwrap();
    let (_, out, errors) = running.wait().unwrap();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "0".repeat(48), "{out}");
    assert!(lines[1].parse::<u32>().unwrap() >= 0x7000_0000, "{out}");
    assert_eq!(lines[2], home.path().to_str().unwrap());
    assert_eq!(errors.lines().count(), 2, "{errors}");
}
