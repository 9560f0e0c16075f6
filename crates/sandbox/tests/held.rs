//! Ways out that took more than one mechanism, or none, to close.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;

use tidemill_sandbox::Exchange;

mod support;

use support::{plan, run, shell};

#[test]
fn a_link_in_the_place_of_the_exchange_is_not_followed() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("passwd"), "mine").unwrap();
    let mut plan = plan(&["/bin/sh", "-c", "rm -r /tmp/exchange && ln -s /etc /tmp/exchange"]);
    let files = vec!["passwd".to_owned()];
    plan.view.exchange =
        Some(Exchange { outside: home.path().into(), inside: "/tmp/exchange".into(), files, bytes_max: 1000 });
    let (status, _, errors) = run(plan);
    assert!(status.success(), "{errors}");
    assert_eq!(fs::read_to_string(home.path().join("passwd")).unwrap(), "mine");
}

#[test]
fn proc_tells_little_of_the_machine() {
    assert_eq!(shell("cd /proc; cat cmdline interrupts kallsyms keys modules 2>/dev/null | wc -c"), "0");
    assert!(shell("cat /proc/meminfo").contains("MemTotal"));
}

#[test]
fn the_first_process_inside_says_nothing() {
    // Whether it may look at what belongs to a process that is the same user.
    let looks = "for it in environ maps cwd root exe fd/0; do cat /proc/1/$it >/dev/null 2>&1 || ls /proc/1/$it/ \
                 >/dev/null 2>&1 && echo $it; done; ls /proc/1/fd 2>/dev/null; echo end";
    assert_eq!(shell(looks), "end");
}

#[test]
fn there_is_no_terminal() {
    assert_eq!(shell("true 2>/dev/null </dev/tty || echo none"), "none");
}

#[test]
fn sockets_load_no_code_into_the_kernel() {
    let script = "import socket as s\n\
        for make in [lambda: s.socket(s.AF_INET, s.SOCK_STREAM, 132), lambda: s.socket(s.AF_INET6, s.SOCK_DGRAM, 136),\n\
        \x20       lambda: s.socketpair(30, s.SOCK_SEQPACKET), lambda: s.socket(30, s.SOCK_STREAM)]:\n\
        \x20   try: print(make())\n\
        \x20   except PermissionError: pass\n\
        for make in [lambda: s.socket(), lambda: s.socket(s.AF_INET6, s.SOCK_DGRAM, 17), s.socketpair]:\n\
        \x20   make()\n\
        a = s.create_server(('127.0.0.1', 0)); s.create_connection(a.getsockname())\n\
        print('held')\n";
    let (_, out, errors) = run(plan(&[support::python().to_str().unwrap(), "-c", script]));
    assert_eq!(out, "held\n", "{errors}");
}

#[test]
fn what_must_not_be_seen_is_not_even_where_it_lies_in_what_is_shown() {
    let home = tempfile::tempdir().unwrap();
    for folder in ["installed/lib", "installed/data/packages/1", "installed/data/packages/2", "installed/data/late"] {
        fs::create_dir_all(home.path().join(folder)).unwrap();
        fs::write(home.path().join(folder).join("file"), "x").unwrap();
    }
    let at = |path: &str| home.path().join("installed").join(path);
    let mut plan = plan(&[
        "/bin/sh",
        "-c",
        "cd $0; until [ -e data/late/file ]; do sleep 0.01; done; touch data/new 2>/dev/null; find . -type f | sort | tr '\\n' ' '",
        at("").to_str().unwrap(),
    ]);
    plan.view.unseen.push(at("data"));
    plan.view.show(at(""));
    plan.view.show(at("data/packages/1"));
    let running = support::begin(plan);
    running.inside().show(vec![at("data/late")]).unwrap();
    let (status, out, errors) = running.wait().unwrap();
    assert!(status.success(), "{errors}");
    assert_eq!(out, "./data/late/file ./data/packages/1/file ./lib/file ");
}

/// The kernel counts inotify instances and namespaces for the owner of a user namespace; were that root, one function could take
/// all that root has.
#[test]
fn a_user_namespace_belongs_to_nobody_else() {
    let script = "import fcntl, os; own = open('/proc/self/ns/user')\n\
        owner = bytearray(4); fcntl.ioctl(own, 0xb704, owner); print(int.from_bytes(owner, 'little') == os.getuid())";
    let (_, out, errors) = run(plan(&[support::python().to_str().unwrap(), "-c", script]));
    assert_eq!(out, "True\n", "{errors}");
}
