//! A server that asks who makes requests.

use std::path::Path;

use crate::harness::{Server, home, run, write};

const TENANTS: &str = "version = 1\n[tenants.shop]\nalgorithms = [\"HS256\"]\nsecret_file = \"shop.secret\"\n";

fn guarded(home: &Path) -> Server {
    write(home, "shop.secret", "0123456789abcdef0123456789abcdef\n");
    write(home, "tenants.toml", TENANTS);
    write(home, "tidemill.toml", "[auth]\nmode = \"jwt\"\ntenants = \"tenants.toml\"\n");
    Server::up(home, &["--config", "tidemill.toml"])
}

fn token(home: &Path, user: &str, role: &str) -> String {
    let done = run(home, &["token", "make", "--tenants", "tenants.toml", "--user", user, "--role", role]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    done.stdout.trim().to_owned()
}

#[test]
fn tokens_let_in_and_grants_say_how_far() {
    let home = home();
    write(home.path(), "hello.py", "def handler(context, event):\n    return 'hello ' + event.caller\n");
    let server = guarded(home.path());
    let (root, bob) = (token(home.path(), "root", "admin"), token(home.path(), "bob", "user"));
    let done = server.run(&["function", "list"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.starts_with("error: the request carries no token\nhint: "), "{}", done.stderr);

    let done = server.run_as(&root, &["deploy", "hello.py"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.contains("/f/shop:hello"), "{}", done.stdout);
    let done = server.run_as(&bob, &["invoke", "hello"]);
    assert!(done.stderr.starts_with("error: bob has no EXECUTE access to function hello\n"), "{}", done.stderr);
    assert_eq!(server.run_as(&root, &["grant", "set", "hello", "bob", "execute"]).code, 0);
    assert_eq!(server.run_as(&bob, &["invoke", "hello"]).stdout, "hello bob");
    assert_eq!(server.run_as(&bob, &["function", "delete", "hello"]).code, 1);
    let shown = server.run_as(&root, &["invocation", "list", "-o", "json"]);
    assert!(!shown.stdout.contains(&bob), "no token is kept");
    let done = server.run_as(&root, &["--project", "other", "function", "list"]);
    assert!(done.stderr.contains("root acts in project shop and not in other"), "{}", done.stderr);
    may_deploy_what_stays_in_the_sandbox(&server, home.path(), &bob);

    let nonce = server.run_as(&root, &["nonce", "create", "hello", "--uses", "3"]).stdout;
    assert!(nonce.starts_with("shop_"), "{nonce}");
    let listed = server.run_as(&root, &["nonce", "list", "hello"]).stdout;
    assert!(listed.contains("0 of 3"), "{listed}");
    assert_eq!(server.run_as(&root, &["nonce", "delete", "hello", nonce.trim()]).code, 0);
}

/// What everybody may deploy where the sandbox is whole, and nobody of them where it is not.
fn may_deploy_what_stays_in_the_sandbox(server: &Server, home: &Path, bob: &str) {
    let status = server.run_as(bob, &["status"]).stdout;
    let parts = status.lines().filter(|line| line.contains("sandbox, ") && !line.contains("cpu limits"));
    let is_whole = parts.clone().count() > 0 && parts.clone().all(|line| !line.contains("refused"));
    let refused = |what: &str, done: crate::harness::Done| {
        let needs = format!("{what} needs a role that bob does not have");
        assert!(done.stderr.contains(&needs), "{needs}: {}", done.stderr);
    };
    let done = server.run_as(bob, &["deploy", "hello.py", "--name", "mine"]);
    if is_whole {
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert_eq!(server.run_as(bob, &["invoke", "mine"]).stdout, "hello bob");
    } else {
        refused("code that runs as a process of the server's machine", done);
        return;
    }
    write(home, "net/main.py", "def handler(context, event):\n    return 'x'\n");
    write(home, "net/function.yaml", "spec:\n  sandbox:\n    network: true\n");
    refused("a process with the network of the server's machine", server.run_as(bob, &["deploy", "net"]));
    write(home, "built/main.py", "def handler(context, event):\n    return 'x'\n");
    write(home, "built/requirements.txt", "six\n");
    refused("a package whose build runs commands on the server's machine", server.run_as(bob, &["deploy", "built"]));
}

#[test]
fn what_does_not_fit_together_is_said_before_anything_starts() {
    let home = home();
    let serve = |arguments: &[&str]| run(home.path(), &[&["server", "--listen", "127.0.0.1:0"], arguments].concat());
    write(home.path(), "a.toml", "[auth]\nmode = \"jwt\"\n");
    let done = serve(&["--config", "a.toml"]);
    assert_eq!((done.code, done.stderr.contains("auth.tenants names no file")), (64, true), "{}", done.stderr);
    write(home.path(), "b.toml", "[auth]\nmode = \"jwt\"\ntenants = \"tenants.toml\"\n");
    assert_eq!(serve(&["--config", "b.toml"]).code, 64);
    write(home.path(), "tenants.toml", &format!("{TENANTS}isuer = \"x\"\n"));
    let done = serve(&["--config", "b.toml"]);
    assert!(done.stderr.contains("tenants.toml:5: unknown field `isuer`"), "{}", done.stderr);
    for (arguments, says) in [
        (&["token", "make", "--user", "a", "--role", "user"][..], "no file of tenants is named"),
        (&["token", "make", "--user", "a", "--role", "boss"], "there is no such role"),
        (&["token", "make", "--tenants", "tenants.toml", "--user", "a", "--role", "user"], "unknown field"),
    ] {
        let done = run(home.path(), arguments);
        assert_eq!(done.code, if says.contains("such role") { 64 } else { done.code });
        assert!(done.code != 0 && done.stderr.contains(says), "{}", done.stderr);
    }
}

#[test]
fn secrets_of_the_configuration_are_not_shown() {
    let home = home();
    write(home.path(), "tidemill.toml", "token = \"swordfish\"\n");
    for format in ["table", "json", "yaml"] {
        let done = run(home.path(), &["config", "show", "--config", "tidemill.toml", "-o", format]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert!(done.stdout.contains("(set)") && !done.stdout.contains("swordfish"), "{}", done.stdout);
    }
}
