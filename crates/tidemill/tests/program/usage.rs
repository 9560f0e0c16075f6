//! What needs no server: wrong flags, wrong configuration, exit codes, help.

use crate::harness::{home, run, tidemill, write};

#[test]
fn listening_beyond_loopback_is_refused() {
    let home = home();
    for command in ["up", "server"] {
        let done = run(home.path(), &[command, "--listen", "0.0.0.0:0"]);
        assert_eq!(done.code, 64);
        assert_eq!(
            done.stderr,
            "error: refusing to listen on 0.0.0.0:0: it can be reached from other machines, and nobody is asked who they are\n\
             hint: ask for tokens with the settings auth.mode and auth.tenants, listen on 127.0.0.1, or allow it with --insecure\n"
        );
    }
}

#[test]
fn unknown_keys_name_file_and_nearest_key() {
    let home = home();
    write(home.path(), "mill.toml", "listen = \"127.0.0.1:0\"\nlisen = \"127.0.0.1:1\"\n");
    let done = run(home.path(), &["server", "--config", "mill.toml"]);
    assert_eq!((done.code, done.stdout.as_str()), (64, ""));
    assert_eq!(done.stderr, "error: mill.toml:2: there is no setting \"lisen\"\nhint: did you mean \"listen\"?\n");
}

#[test]
fn config_show_tells_origins() {
    let home = home();
    write(home.path(), ".config/tidemill/tidemill.toml", "# mine\nproject = \"shop\"\n");
    let output = tidemill(home.path())
        .args(["config", "show", "--listen", "127.0.0.1:1234", "-o", "json"])
        .env("TIDEMILL_LOG", "debug")
        .output()
        .unwrap();
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let setting = |name: &str| {
        let all = shown["settings"].as_array().unwrap();
        let found = all.iter().find(|setting| setting["name"] == name).unwrap();
        (found["value"].as_str().unwrap().to_owned(), found["origin"].as_str().unwrap().to_owned())
    };
    let file = home.path().join(".config/tidemill/tidemill.toml").display().to_string();
    assert_eq!(setting("listen"), ("127.0.0.1:1234".to_owned(), "flag --listen".to_owned()));
    assert_eq!(setting("log.level"), ("debug".to_owned(), "TIDEMILL_LOG".to_owned()));
    assert_eq!(setting("project"), ("shop".to_owned(), format!("{file}:2")));
    assert_eq!(setting("drain_grace"), ("30s".to_owned(), "default".to_owned()));
}

#[test]
fn wrong_usage_is_64() {
    let home = home();
    for arguments in [
        &["deplay"][..],
        &["deploy"],
        &["deploy", "x.py", "--memori", "1"],
        &["invoke", "x", "--delay", "soon"],
        &["invocation", "show", "not-an-id"],
        &["invocation", "list", "--status", "sleeping"],
        &["function", "list", "-o", "xml"],
        &["function", "list", "--url", "ftp://x"],
        &["up", "--drain-grace", "never"],
        &["up", "--log-level", "tidemill=loudly"],
        &[],
    ] {
        let done = run(home.path(), arguments);
        assert_eq!(done.code, 64, "{arguments:?}: {}", done.stderr);
        assert!(done.stdout.is_empty(), "{arguments:?}: {}", done.stdout);
    }
}

#[test]
fn what_is_not_there_is_said_before_anything_starts() {
    let home = home();
    let done = run(home.path(), &["up", "nowhere.py"]);
    assert_eq!((done.code, done.stdout.as_str()), (1, ""));
    assert!(done.stderr.starts_with("error: there is nothing at nowhere.py\nhint: "), "{}", done.stderr);
    let done = run(home.path(), &["deploy", "nowhere.py"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.starts_with("error: cannot read nowhere.py: "), "{}", done.stderr);
}

#[test]
fn a_server_that_is_not_there_is_said_with_a_hint() {
    let home = home();
    let done = run(home.path(), &["function", "list", "--url", "http://127.0.0.1:1"]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(done.stderr.contains("\nhint: is the server running? start it with: tidemill up\n"), "{}", done.stderr);
}

#[test]
fn help_and_version_are_answers() {
    let home = home();
    for arguments in [&["--help"][..], &["help", "deploy"], &["function", "show", "--help"], &["-h"]] {
        let done = run(home.path(), arguments);
        assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(done.stdout.contains("Examples:"), "{arguments:?}: {}", done.stdout);
    }
    let version = format!("tidemill {}\n", env!("CARGO_PKG_VERSION"));
    for arguments in [&["--version"][..], &["version"]] {
        assert_eq!(run(home.path(), arguments).stdout, version);
    }
}

#[test]
fn completions_know_the_commands() {
    let home = home();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = run(home.path(), &["completion", shell]);
        assert_eq!(done.code, 0);
        assert!(done.stdout.contains("redrive"), "{shell}");
    }
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let home = home();
    let script = format!("{} completion bash | true", env!("CARGO_BIN_EXE_tidemill"));
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(home.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
