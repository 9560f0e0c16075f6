//! On folders that only look like groups: what is written where.

use std::{fs, path::Path};

use rustix::process::getpid;

use super::*;

const AMOUNTS: Amounts = Amounts { memory_bytes: Some(100 << 20), processes_max: Some(30), cpu_millis: Some(500) };

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn own_groups_are_found_in_both_versions() {
    let mountinfo = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n\
        35 31 0:32 /docker/7 /sys/fs/cgroup/memory rw,relatime shared:3 - cgroup cgroup rw,memory\n\
        40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
    let cgroup = "9:name=systemd:/\n4:memory:/docker/7/a\n1:cpu,cpuacct:/\n0::/user/1\n";
    let found = find::find(mountinfo, cgroup);
    assert_eq!(found.separate["memory"], Path::new("/sys/fs/cgroup/memory/a"));
    assert_eq!(found.separate["cpu"], Path::new("/sys/fs/cgroup/cpu"));
    assert_eq!(found.unified.as_deref(), Some(Path::new("/sys/fs/cgroup/unified/user/1")));
}

#[test]
fn version_1_has_a_folder_a_controller() {
    let home = tempfile::tempdir().unwrap();
    let mut found = Found::default();
    for controller in Controller::ALL {
        let own = home.path().join(controller.name());
        fs::create_dir(&own).unwrap();
        found.separate.insert(controller.name().to_owned(), own);
    }
    let groups = Cgroups::within(&found, &Controller::ALL, "7-0");
    assert!(Controller::ALL.into_iter().all(|controller| groups.has(controller)));
    let group = groups.group(&AMOUNTS).unwrap();
    group.doors().iter().for_each(|door| enter(door).unwrap());
    let at = |path: &str| home.path().join(path);
    assert_eq!(read(&at("memory/tidemill-7-0/0/memory.limit_in_bytes")), (108u64 << 20).to_string());
    assert_eq!(read(&at("pids/tidemill-7-0/0/pids.max")), "32");
    assert_eq!(read(&at("cpu/tidemill-7-0/0/cpu.cfs_quota_us")), "50000");
    for controller in Controller::ALL {
        let folder = at(controller.name()).join("tidemill-7-0/0");
        assert_eq!(read(&folder.join("tasks")), "0", "a process that enters by itself says so");
        assert!(!folder.join("cgroup.procs").exists());
    }
    let late = groups.group(&Amounts { processes_max: Some(1), ..Amounts::default() }).unwrap();
    assert!(!at("memory/tidemill-7-0/1").exists());
    late.limit(&AMOUNTS, Some(getpid())).unwrap();
    assert_eq!(read(&at("memory/tidemill-7-0/1/cgroup.procs")), std::process::id().to_string());
    fs::write(at("memory/tidemill-7-0/0/memory.oom_control"), "under_oom 0\noom_kill 3\n").unwrap();
    assert_eq!(group.killed_for_memory(), 3);
}

#[test]
fn version_2_has_one_folder_and_hands_its_controllers_down() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("cgroup.controllers"), "cpu memory\n").unwrap();
    let found = Found { unified: Some(home.path().to_owned()), ..Found::default() };
    let groups = Cgroups::within(&found, &Controller::ALL, "7-0");
    assert!(groups.has(Controller::Memory) && groups.has(Controller::Cpu) && !groups.has(Controller::Processes));
    let refused: Vec<_> = groups.controllers().filter(|(_, state)| state.is_err()).collect();
    assert_eq!(refused.len(), 1);
    let group = groups.group(&AMOUNTS).unwrap();
    let at = |path: &str| home.path().join(path);
    assert_eq!(read(&at("cgroup.subtree_control")), "+cpu +memory");
    assert_eq!(read(&at("tidemill-7-0/cgroup.subtree_control")), "+cpu +memory");
    assert_eq!(read(&at("tidemill-7-0/0/memory.max")), (108u64 << 20).to_string());
    assert_eq!(read(&at("tidemill-7-0/0/cpu.max")), "50000 100000");
    assert!(group.doors().is_empty());
    group.take_in(getpid()).unwrap();
    assert_eq!(read(&at("tidemill-7-0/0/cgroup.procs")), std::process::id().to_string());
}

#[test]
fn nothing_to_limit_needs_no_group_and_what_is_missing_is_named() {
    let groups = Cgroups::within(&Found::default(), &Controller::ALL, "7-0");
    assert!(groups.group(&AMOUNTS).unwrap().doors().is_empty());
    assert_eq!(groups.controllers().filter(|(_, state)| state.is_err()).count(), 3);
}

#[test]
fn what_an_earlier_server_left_is_removed_even_if_it_had_the_same_id() {
    let home = tempfile::tempdir().unwrap();
    let id = std::process::id();
    let (own, earlier) = (format!("{PREFIX}{}-9", server_name()), format!("{PREFIX}{id}-00000000-0"));
    for folder in [&*own, &*format!("{earlier}/3"), "tidemill-4194999-x-0", "other"] {
        fs::create_dir_all(home.path().join(folder)).unwrap();
    }
    remove_old(home.path());
    let mut left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["other", &own]);
}

#[test]
fn what_a_killed_server_left_is_swept_when_nothing_uses_it_any_more() {
    let home = tempfile::tempdir().unwrap();
    let mut killed = std::process::Command::new("sleep").arg("100").spawn().unwrap();
    let name = format!("{PREFIX}{}-00000000-0", killed.id());
    let group = home.path().join(&name).join("0");
    fs::create_dir_all(&group).unwrap();
    assert!(!is_left(&name), "it runs");
    killed.kill().unwrap();
    // It is not waited for: what is left of it has its id still.
    let until = Instant::now() + Duration::from_secs(10);
    while !is_left(&name) {
        assert!(Instant::now() < until, "a killed process is gone");
        std::thread::yield_now();
    }
    sweep_once(&[home.path().to_owned()]);
    assert!(!home.path().join(&name).exists());
    killed.wait().unwrap();
}

#[test]
fn what_is_switched_off_is_told() {
    let groups = Cgroups::within(&Found::default(), &[Controller::Processes], "7-0");
    assert_eq!(groups.switched_off().collect::<Vec<_>>(), [Controller::Memory, Controller::Cpu]);
    assert!(!groups.has(Controller::Memory));
}
