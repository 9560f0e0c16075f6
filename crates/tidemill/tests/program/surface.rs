//! What a person reads when something is not as it should be: each fault once, with what helps.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    io::{Read, Write},
    time::{Duration, Instant},
};

use crate::harness::{DEADLINE, Server, home, run, write};

#[test]
fn a_function_that_does_not_load_says_why_once() {
    let home = home();
    write(home.path(), "broken.py", "import nothing_there\n\ndef main():\n    return 1\n");
    write(home.path(), "broken.mjs", "throw new RangeError('no way')\n");
    let mut server = Server::up(home.path(), &["broken.py"]);
    server.wait_for("ModuleNotFoundError: No module named 'nothing_there'");
    for (file, fault) in [("broken.py", "No module named 'nothing_there'"), ("broken.mjs", "RangeError: no way")] {
        let done = server.run(&["deploy", file]);
        assert_eq!(done.code, 1, "{}", done.stderr);
        assert_eq!(done.stderr.matches(fault).count(), 1, "{}", done.stderr);
        assert!(done.stderr.contains("error: the new revision of broken did not become ready:"), "{}", done.stderr);
    }
}

#[test]
fn what_an_install_printed_is_shown_once() {
    let home = home();
    write(home.path(), "shop/main.sh", "#!/bin/sh\necho open\n");
    write(
        home.path(),
        "shop/function.yaml",
        "spec:\n  runtime: shell\n  handler: main.sh\n  build:\n    commands: ['echo no such luck >&2; exit 3']\n",
    );
    let server = Server::up(home.path(), &[]);
    let done = server.run(&["deploy", "shop", "--name", "till"]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    let shown: Vec<&str> = done.stderr.lines().filter(|line| line.ends_with("no such luck")).collect();
    assert_eq!(shown, ["till: no such luck"], "{}", done.stderr);
}

#[test]
fn whoever_starts_the_server_hinders_no_function() {
    let home = home();
    write(home.path(), "shop/main.sh", "#!/bin/sh\ncat \"$(dirname \"$0\")/stock\"\n");
    write(home.path(), "shop/stock", "all");
    let settings = "spec:\n  runtime: shell\n  handler: main.sh\n  build:\n    commands: ['true']\n";
    write(home.path(), "shop/function.yaml", settings);
    write(home.path(), "hello.py", "def main():\n    return 'hello'\n");
    // New files are closed to others, and the ends of children are nobody's.
    let server = Server::up_after(home.path(), "umask 077; trap '' CHLD", &[]);
    server.ok(&["deploy", "shop"]);
    server.ok(&["deploy", "hello.py"]);
    assert_eq!(server.ok(&["invoke", "shop"]).trim(), "all");
    assert_eq!(server.ok(&["invoke", "hello"]), "hello");
}

#[test]
fn a_build_that_nobody_waits_for_is_given_up() {
    let home = home();
    write(home.path(), "slow/main.sh", "#!/bin/sh\necho late\n");
    let settings = "spec:\n  runtime: shell\n  handler: main.sh\n  build:\n    commands: ['sleep 1000']\n";
    write(home.path(), "slow/function.yaml", settings);
    let mut server = Server::up(home.path(), &[]);
    let builds = home.path().join("data/builds");
    let going_on = || std::fs::read_dir(&builds).unwrap().count();
    let wait_until = |is_going_on: bool| {
        let deadline = Instant::now() + DEADLINE;
        while (going_on() > 0) != is_going_on {
            assert!(Instant::now() < deadline, "the build goes on: {}", !is_going_on);
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let mut left = server.begin(&["deploy", "slow"]);
    wait_until(true);
    left.kill().unwrap();
    left.wait().unwrap();
    wait_until(false);
    let waiting = server.begin(&["deploy", "slow"]);
    wait_until(true);
    server.interrupt();
    assert_eq!(server.end(), 0);
    assert_eq!(going_on(), 0, "nothing of the build is left");
    assert_eq!(waiting.wait_with_output().unwrap().status.code(), Some(2));
}

#[test]
fn callers_do_not_see_why_a_worker_does_not_start() {
    let home = home();
    let source = "import os\nif os.path.exists(os.environ['FLAG']): raise RuntimeError('secret place')\n\n\
                  def handler(context, event):\n    os._exit(3)\n";
    write(home.path(), "flaky.py", source);
    write(home.path(), "shown/nothing", "");
    let shown = home.path().join("shown");
    write(home.path(), "mill.toml", &format!("[workers]\nshown = [\"{}\"]\n", shown.display()));
    let flag = format!("FLAG={}", shown.join("flag").display());
    let server = Server::up(home.path(), &["--config", "mill.toml"]);
    server.ok(&["deploy", "flaky.py", "--env", &flag]);
    write(home.path(), "shown/flag", "");
    assert_eq!(server.run(&["invoke", "flaky"]).code, 1);
    // The worker that died may have its successor tried before the next call comes.
    let told = server.until(&["invoke", "flaky"], |done| done.stderr.contains("secret place"));
    assert_eq!(told.code, 2, "{}", told.stderr);
    let answer = get(&server.url, "/f/flaky");
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(answer.contains("no worker of the function could be started"), "{answer}");
    assert!(!answer.contains("secret") && !answer.contains("Traceback") && !answer.contains(".py"), "{answer}");
}

fn get(url: &str, path: &str) -> String {
    let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn hints_name_commands_and_what_is_near() {
    let home = home();
    write(home.path(), "hello.py", "def main():\n    return 'hi'\n");
    let server = Server::up(home.path(), &[]);
    server.ok(&["deploy", "hello.py", "--event", "timer", "--frequency", "1"]);
    assert!(server.ok(&["schedule", "list"]).contains("@every 1m "));
    for arguments in
        [&["invoke", "helo"][..], &["logs", "helo"], &["function", "show", "helo"], &["queue", "show", "helo"]]
    {
        let done = server.run(arguments);
        assert_eq!(done.code, 1);
        assert_eq!(done.stderr, "error: there is no function helo\nhint: did you mean \"hello\"?\n", "{arguments:?}");
    }
    let done = server.run(&["invoke", "altogether-different"]);
    assert!(done.stderr.ends_with("\nhint: tidemill function list shows the functions there are\n"), "{}", done.stderr);
    for arguments in [&["--runtime", "pyton"][..], &["--memory", "lots"], &["--type", "asink"], &["--timeout", "soon"]]
    {
        let done = server.run(&[&["deploy", "hello.py"], arguments].concat());
        assert_eq!(done.code, 64, "{arguments:?}: {}", done.stderr);
        assert!(done.stderr.contains(&format!("{}: ", arguments[0])), "{}", done.stderr);
    }
    std::fs::create_dir(home.path().join("emptydir")).unwrap();
    assert!(server.run(&["deploy", "emptydir"]).stderr.starts_with("error: the folder emptydir holds no files\n"));
    let done = run(home.path(), &["invocation", "show", "nope"]);
    assert!(done.stderr.contains("\"nope\" is not an invocation id"), "{}", done.stderr);
    let done = run(home.path(), &["up", "--drain-grace", "soon"]);
    assert_eq!(done.stderr.matches("is not a duration").count(), 1, "{}", done.stderr);
}

#[test]
fn responses_are_shown_and_their_absence_is_a_failure() {
    let home = home();
    write(
        home.path(),
        "hello.py",
        "def handler(context, event):\n    context.logger.info('said')\n    return event.body\n",
    );
    write(home.path(), "retry/function.yaml", "spec:\n  retry:\n    maxAttempts: 1\n");
    write(home.path(), "retry/main.py", "import os\n\ndef main():\n    os._exit(4)\n");
    let server = Server::up(home.path(), &[]);
    server.ok(&["deploy", "hello.py"]);
    server.ok(&["deploy", "retry"]);
    let id = server.ok(&["invoke", "hello", "--async", "--data", "one\ntwo"]);
    let id = id.trim();
    server.ok(&["invocation", "result", id, "--wait", "30s"]);
    let shown = server.ok(&["invocation", "show", id]);
    assert!(shown.contains("200, text/plain, 7 B") && shown.contains("RESPONSE\none\ntwo\n"), "{shown}");
    assert_eq!(server.json(&["invocation", "show", id])["response"]["size"], 7);
    assert!(server.ok(&["invocation", "list"]).lines().next().unwrap().contains("RESPONSE"));
    let logged = server.ok(&["logs", "hello"]);
    assert!(logged.contains(&format!(" {} info  said\n", &id[id.len() - 8..])), "{logged}");
    assert_eq!(server.json(&["logs", "hello"])["lines"][0]["invocation"], id);

    let id = server.ok(&["invoke", "retry", "--async"]);
    server.until(&["invocation", "show", id.trim()], |done| done.stdout.contains("dead_lettered"));
    let done = server.run(&["invocation", "result", id.trim()]);
    assert_eq!((done.code, done.stdout.as_str()), (1, ""));
    assert!(
        done.stderr.contains("is dead-lettered and has no response: the worker exited with code 4\nhint: "),
        "{}",
        done.stderr
    );
}
