//! State, workers, aliases and secrets from the command line.

use crate::harness::{Server, home, write};

#[test]
fn a_counter_keeps_its_state() {
    let home = home();
    write(home.path(), "counter/function.yaml", "spec: {state: function}\n");
    let source = "def handler(context, event):\n    count = context.state.get('count', 0) + 1\n    \
                  context.state = {'count': count}\n    return str(count)\n";
    write(home.path(), "counter/main.py", source);
    let server = Server::up(home.path(), &[]);
    server.ok(&["deploy", "counter"]);
    assert_eq!(server.ok(&["invoke", "counter"]), "1");
    assert_eq!(server.ok(&["invoke", "counter"]), "2");
    assert_eq!(server.ok(&["state", "get", "counter"]), "{\n  \"count\": 2\n}\n");
    assert_eq!(server.json(&["state", "get", "counter"])["version"], 2);
    assert_eq!(
        server.ok(&["state", "set", "counter", "--data", "{\"count\": 40}", "--if-version", "2"]),
        "version 3\n"
    );
    let done = server.run(&["state", "set", "counter", "--data", "{}", "--if-version", "2"]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert_eq!(server.ok(&["invoke", "counter"]), "41");
    let listed = server.ok(&["state", "list", "counter"]);
    assert!(listed.lines().nth(1).is_some_and(|line| line.contains('4')), "{listed}");
    server.ok(&["state", "delete", "counter"]);
    assert_eq!(server.ok(&["invoke", "counter"]), "1");
    let done = server.run(&["state", "get", "nobody"]);
    assert!(done.stderr.starts_with("error: there is no function nobody\n"), "{}", done.stderr);
}

#[test]
fn workers_aliases_and_secrets_are_commanded() {
    let home = home();
    write(home.path(), "hello.py", "def handler(context, event):\n    return 'hi'\n");
    let server = Server::up(home.path(), &[]);
    server.ok(&["deploy", "hello.py"]);
    server.ok(&["function", "scale", "hello", "2"]);
    let both = server.until(&["function", "workers", "hello"], |done| done.stdout.matches("ready").count() == 2);
    let worker = both.stdout.lines().nth(1).and_then(|line| line.split(' ').next()).unwrap_or_default().to_owned();
    server.ok(&["function", "stop-worker", "hello", &worker]);
    server.until(&["function", "workers", "hello"], |done| !done.stdout.contains(&format!("{worker} ")));

    assert_eq!(server.ok(&["alias", "create", "front", "hello"]), "front names hello\n");
    assert_eq!(server.ok(&["invoke", "front"]), "hi");
    assert!(server.ok(&["alias", "list"]).contains("front  hello"));
    server.ok(&["alias", "delete", "front"]);
    assert_eq!(server.run(&["alias", "delete", "front"]).code, 1);

    write(home.path(), "password.txt", "swordfish\n");
    server.ok(&["secret", "set", "password", "--for", "hello", "--data", "@password.txt"]);
    server.ok(&["secret", "set", "region", "--for", "hello", "--data", "eu", "--plain"]);
    server.ok(&["secret", "set", "region", "--for", "hello", "--data", "us", "--plain"]);
    let listed = server.ok(&["secret", "list"]);
    assert!(listed.contains("(secret)") && listed.contains(" us ") && !listed.contains("swordfish"), "{listed}");
    server.ok(&["secret", "delete", "password"]);
    assert!(server.run(&["secret", "delete", "password"]).stderr.contains("there is no config password"));

    let status = server.json(&["status"]);
    let drivers = status["drivers"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(drivers.iter().any(|driver| driver["name"] == "docker"), "{status}");
}
