//! End to end: the real program, real Python, from `tidemill up` to ctrl-C.

use std::io::{BufRead, BufReader};

use crate::harness::{Server, home, run, write};

const HELLO: &str = "def handler(context, event):\n    name = event.body.decode() or 'world'\n    print('greeting', name)\n    return f'Hello, {name}!'\n";

#[test]
fn a_function_is_deployed_called_seen_and_stopped() {
    let home = home();
    write(home.path(), "hello.py", HELLO);
    let mut server = Server::up(home.path(), &["hello.py"]);
    server.wait_for("hello revision 1 serves");
    assert_eq!(server.wait_for("/f/hello").trim(), format!("{}/f/hello", server.url));

    assert_eq!(server.ok(&["invoke", "hello", "--data", "Ada"]), "Hello, Ada!");
    let id = server.ok(&["invoke", "hello", "--data", "Grace", "--async"]);
    let id = id.trim();
    assert_eq!(server.ok(&["invocation", "result", id, "--wait", "30s"]), "Hello, Grace!");

    let shown = server.json(&["invocation", "show", id]);
    assert_eq!(shown["status"], "succeeded");
    let timings = shown["timings"].as_object().unwrap();
    let parts: u64 =
        timings.iter().filter(|(name, _)| *name != "total_us").map(|(_, part)| part.as_u64().unwrap()).sum();
    assert_eq!(parts, timings["total_us"].as_u64().unwrap());
    assert_eq!(shown["logs"][0]["message"], "greeting Grace");
    let text = server.ok(&["invocation", "show", id]);
    for part in ["succeeded", "cold start", "user code", "commit", "total", "ATTEMPT", "greeting Grace"] {
        assert!(text.contains(part), "{part}: {text}");
    }

    assert!(server.ok(&["logs", "--invocation", id]).contains("greeting Grace"));
    server.until(&["logs", "hello"], |done| {
        done.stdout.contains("greeting Ada") && done.stdout.contains("greeting Grace")
    });
    let listed = server.json(&["invocation", "list", "--function", "hello", "--status", "succeeded", "--since", "1h"]);
    assert!(listed["invocations"].as_array().unwrap().iter().any(|invocation| invocation["id"] == id));
    assert_eq!(server.json(&["function", "show", "hello"])["revision"], 1);
    assert_eq!(server.json(&["status"])["functions"], 1);
    assert!(server.ok(&["queue", "list"]).contains("hello"));

    server.interrupt();
    server.wait_for("Stopping.");
    assert_eq!(server.end(), 0);
}

#[test]
fn a_saved_file_is_redeployed_and_a_broken_one_is_not() {
    let home = home();
    write(home.path(), "hello.py", "def main():\n    return 'one'\n");
    let mut server = Server::up(home.path(), &["hello.py"]);
    server.wait_for("Watching 1 path");
    assert_eq!(server.ok(&["invoke", "hello"]), "one");

    write(home.path(), "hello.py", "def main():\n    return 'two, longer'\n");
    server.wait_for("hello revision 2 serves");
    assert_eq!(server.ok(&["invoke", "hello"]), "two, longer");

    write(home.path(), "hello.py", "def main(:\n    return 'three'\n");
    server.wait_for("error: hello.py is not deployed: ");
    server.wait_for("SyntaxError");
    server.wait_for("hello revision 2 goes on serving");
    assert_eq!(server.ok(&["invoke", "hello"]), "two, longer");

    write(home.path(), "hello.py", "def main():\n    return 'mended'\n");
    server.wait_for("hello revision 3 serves");
    assert_eq!(server.ok(&["invoke", "hello"]), "mended");

    assert!(server.ok(&["function", "rollback", "hello", "--to", "1"]).contains("hello revision 1 serves"));
    assert_eq!(server.ok(&["invoke", "hello"]), "one");
    let done = server.run(&["function", "rollback", "hello"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("no earlier revision"), "{}", done.stderr);
}

#[test]
fn a_failing_install_keeps_the_former_serving() {
    let home = home();
    write(home.path(), "shop/main.py", "def main():\n    return 'open'\n");
    let server = Server::up(home.path(), &[]);
    assert!(server.ok(&["deploy", "shop"]).starts_with("shop revision 1 serves"));

    write(home.path(), "shop/requirements.txt", "./not-a-package-of-anybody\n");
    let done = server.run(&["deploy", "shop"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("pip install"), "{}", done.stderr);
    assert!(done.stderr.contains("not-a-package-of-anybody"), "{}", done.stderr);
    assert_eq!(server.ok(&["invoke", "shop"]), "open");
    assert_eq!(server.json(&["function", "show", "shop"])["revision"], 1);
}

#[test]
fn failures_are_one_line_and_exit_code_1() {
    let home = home();
    write(home.path(), "cross.py", "def main(payload):\n    raise ValueError(f'no such size: {payload}')\n");
    write(
        home.path(),
        "retrying/function.yaml",
        "spec:\n  runtime: python\n  handler: main:main\n  retry:\n    maxAttempts: 1\n",
    );
    write(home.path(), "retrying/main.py", "def main():\n    raise KeyError('gone')\n");
    let server = Server::up(home.path(), &[]);
    server.ok(&["deploy", "cross.py"]);
    server.ok(&["deploy", "retrying"]);
    let done = server.run(&["invoke", "cross", "--data", "9"]);
    assert_eq!((done.code, done.stdout.as_str()), (1, ""));
    assert!(done.stderr.starts_with("error: ValueError: no such size: 9\n"), "{}", done.stderr);

    let id = server.ok(&["invoke", "retrying", "--async"]);
    server.until(&["invocation", "show", id.trim()], |done| done.stdout.contains("dead_lettered"));
    assert!(server.ok(&["logs", "--invocation", id.trim()]).contains("Traceback"));
    assert_eq!(server.json(&["queue", "show", "retrying"])["dead_lettered"], 1);
    assert_eq!(server.ok(&["queue", "redrive", "retrying"]), "1 invocation queued again\n");
    server.until(&["queue", "show", "retrying", "-o", "json"], |done| done.stdout.contains("\"dead_lettered\": 1"));
    assert_eq!(server.ok(&["queue", "purge", "retrying"]), "1 invocation deleted\n");

    let done = server.run(&["invoke", "nobody"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.starts_with("error: "), "{}", done.stderr);
}

#[test]
fn pause_topics_schedules_and_flags_work() {
    let home = home();
    write(home.path(), "hello.py", HELLO);
    let server = Server::up(home.path(), &[]);
    server.ok(&[
        "deploy",
        "hello.py",
        "--env",
        "A=b",
        "--description",
        "says hello",
        "--timeout",
        "5s",
        "--memory",
        "256Mi",
    ]);
    let shown = server.ok(&["function", "show", "hello"]);
    for part in ["says hello", "5 s", "256 MiB", "/f/hello"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    server.ok(&["deploy", "hello.py", "--name", "listener", "--event", "message", "--topic", "greetings"]);
    server.ok(&["deploy", "hello.py", "--name", "follower", "--event", "message", "--subscribe_to", "listener"]);
    server.ok(&["deploy", "hello.py", "--name", "timer", "--event", "timer", "--frequency", "15"]);
    assert!(server.ok(&["topic", "list"]).contains("listener"));
    assert!(server.ok(&["schedule", "list"]).contains("timer"));
    server.ok(&["topic", "publish", "greetings", "--data", "all"]);
    server.until(&["logs", "follower"], |done| done.stdout.contains("greeting Hello, all!"));

    server.ok(&["function", "pause", "hello"]);
    assert_eq!(server.run(&["invoke", "hello"]).code, 2);
    let id = server.ok(&["invoke", "hello", "--async"]);
    server.ok(&["function", "resume", "hello"]);
    assert_eq!(server.ok(&["invocation", "result", id.trim(), "--wait", "30s"]), "Hello, world!");
    assert_eq!(server.ok(&["function", "delete", "timer"]), "timer is deleted\n");
    let names = server.json(&["function", "list"]);
    let names: Vec<_> =
        names["functions"].as_array().unwrap().iter().map(|function| function["name"].clone()).collect();
    assert_eq!(names, ["follower", "hello", "listener"]);
}

#[test]
fn a_taken_port_and_a_taken_data_folder_are_said() {
    let home = home();
    let server = Server::up(home.path(), &[]);
    let address = server.url.trim_start_matches("http://").to_owned();
    let done = run(home.path(), &["server", "--listen", &address, "--data", "other", "--log-level", "error"]);
    assert_eq!((done.code, done.stdout.as_str()), (1, ""));
    assert!(done.stderr.starts_with(&format!("error: cannot listen on {address}")), "{}", done.stderr);
    assert!(done.stderr.contains("hint: another server"), "{}", done.stderr);
    let done = run(home.path(), &["server", "--listen", "127.0.0.1:0", "--data", "data"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("another process uses the data"), "{}", done.stderr);
    assert!(done.stderr.contains("hint: "), "{}", done.stderr);
}

#[test]
fn a_new_data_folder_is_closed_to_others_and_an_open_one_is_named() {
    use std::{fs, os::unix::fs::PermissionsExt as _};
    let home = home();
    let data = home.path().join("data");
    let _server = Server::up(home.path(), &[]);
    // The way through it is there only where functions are other users and have no files of their own.
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o766, 0o700);
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let done = run(home.path(), &["server", "--listen", "127.0.0.1:0", "--data", "data"]);
    assert!(done.stderr.contains("the data folder is open to other users"), "{}", done.stderr);
}

#[test]
fn a_second_ctrl_c_leaves_at_once() {
    let home = home();
    write(home.path(), "slow.py", "import time\n\ndef main():\n    print('began', flush=True)\n    time.sleep(600)\n");
    let mut server = Server::up(home.path(), &["slow.py"]);
    server.wait_for("Watching 1 path");
    let id = server.ok(&["invoke", "slow", "--async"]);
    server.until(&["invocation", "show", id.trim()], |done| done.stdout.contains("running"));
    server.interrupt();
    server.wait_for("Stopping: 1 call is still running");
    server.interrupt();
    assert_eq!(server.end(), 130);
}

#[test]
fn what_was_deployed_is_served_after_a_restart() {
    let home = home();
    write(home.path(), "hello.py", HELLO);
    let mut server = Server::up(home.path(), &["hello.py"]);
    server.wait_for("Watching 1 path");
    let id = server.ok(&["invoke", "hello", "--data", "Ada", "--async", "--idempotency-key", "once"]);
    assert_eq!(server.ok(&["invocation", "result", id.trim(), "--wait", "30s"]), "Hello, Ada!");
    server.signal("-TERM");
    assert_eq!(server.end(), 0);

    let mut server = Server::up(home.path(), &[]);
    server.wait_for("Serving 1 function");
    assert_eq!(server.ok(&["invocation", "result", id.trim()]), "Hello, Ada!");
    assert_eq!(server.ok(&["invoke", "hello", "--data", "Ada", "--async", "--idempotency-key", "once"]), id);
    assert_eq!(server.ok(&["invoke", "hello", "--data", "Grace", "--wait"]), "Hello, Grace!");
}

#[test]
fn a_folder_is_watched_without_its_leavings() {
    let home = home();
    write(home.path(), "app/main.py", "from lib import words\n\ndef main():\n    return words.WORD\n");
    write(home.path(), "app/lib/words.py", "WORD = 'one'\n");
    write(home.path(), "app/function.yaml", "metadata:\n  name: words\nspec:\n  handler: main:main\n");
    let mut server = Server::up(home.path(), &["app"]);
    server.wait_for("Watching 1 path");
    assert_eq!(server.ok(&["invoke", "words"]), "one");
    write(home.path(), "app/lib/.words.py.swp", "noise");
    write(home.path(), "app/__pycache__/x.pyc", "noise");
    write(home.path(), "app/lib/words.py", "WORD = 'two!'\n");
    server.wait_for("words revision 2 serves");
    assert_eq!(server.ok(&["invoke", "words"]), "two!");

    write(home.path(), "app/function.yaml", "metadata:\n  name: words\nspec:\n  handlr: main:main\n");
    server.wait_for("handlr");
    server.wait_for("did you mean \"handler\"?");
    server.wait_for("words revision 2 goes on serving");
    assert_eq!(server.ok(&["invoke", "words"]), "two!");
}

#[test]
fn logs_are_followed() {
    let home = home();
    write(home.path(), "hello.py", HELLO);
    let server = Server::up(home.path(), &[]);
    server.ok(&["deploy", "hello.py"]);
    server.ok(&["invoke", "hello", "--data", "Ada", "--wait"]);
    let mut follower = server.begin(&["logs", "hello", "-f", "-o", "json"]);
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    for name in ["Ada", "Grace"] {
        if name == "Grace" {
            server.ok(&["invoke", "hello", "--data", name, "--wait"]);
        }
        let line: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(line["message"], format!("greeting {name}"));
    }
    follower.kill().unwrap();
    follower.wait().unwrap();
}
