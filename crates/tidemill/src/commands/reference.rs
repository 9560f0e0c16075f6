//! `docs/cli.md` and `docs/configuration.md` say what the program says: they are made from the same tables.
//! With `UPDATE=1` in the environment these tests write the files instead of comparing them.

use std::{fmt::Write, fs, path::Path};

use crate::{cli, config::KEYS};

const WIDTH: usize = 100;

fn compare(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/{file} is not current; write it anew with: UPDATE=1 cargo test -p tidemill reference"
    );
}

#[test]
fn the_cli_reference_is_current() {
    let mut text = String::from(
        "# The command line\n\nWhat `tidemill help` says, all of it. This page is made from the program itself.\n\n\
         Data goes to standard output, everything else to standard error. `-o json` and `-o yaml` print lists and views for \
         programs. Errors are one `error:` line and, where we know what helps, `hint:` lines; the exit code is 0 when all \
         went well, 1 when you can fix it, 2 when we cannot, 64 for wrong flags or configuration, 130 after a second \
         ctrl-C. `NO_COLOR` turns colours off.\n",
    );
    let mut root = cli::command().term_width(WIDTH);
    root.build();
    section(&mut text, &mut root, "tidemill", 2);
    compare("cli.md", &text);
}

fn section(text: &mut String, command: &mut clap::Command, name: &str, depth: usize) {
    // The global options are said once, on top.
    let command_alone = if depth > 2 { without_globals(command.clone()) } else { command.clone() };
    let help = command_alone.term_width(WIDTH).bin_name(name).render_long_help().to_string();
    let help = help.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    writeln!(text, "\n{} {name}\n\n```text\n{}\n```", "#".repeat(depth.min(4)), help.trim_end()).unwrap();
    let below: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    for below in below.into_iter().filter(|below| below != "help") {
        let command = command.find_subcommand_mut(&below).unwrap();
        section(text, command, &format!("{name} {below}"), depth + 1);
    }
}

fn without_globals(command: clap::Command) -> clap::Command {
    ["url", "project", "output", "config"].into_iter().fold(command, |command, id| {
        if command.get_arguments().any(|argument| argument.get_id() == id) {
            command.mut_arg(id, |argument| argument.hide(true))
        } else {
            command
        }
    })
}

#[test]
fn the_configuration_reference_is_current() {
    let mut text = String::from(
        "# Configuration\n\nTidemill needs none: `tidemill up` gives a useful local server. Each setting can be given as a flag, \
         an environment variable, or a key of a TOML file; flags win over variables, those over the file, that over the \
         defaults. The file is the one named with `--config`, else `$XDG_CONFIG_HOME/tidemill/tidemill.toml` \
         (`~/.config/tidemill/tidemill.toml`) if it is there. Unknown keys and wrong values are errors that name file, line and \
         key. `tidemill config show` prints what is in effect and where each value came from. This page is made from the \
         program itself.\n\n| Key | Variable | Flag | Value | Default | Meaning |\n|---|---|---|---|---|---|\n",
    );
    for key in KEYS {
        let flag = key.flag.map(|flag| format!("`{flag}`")).unwrap_or_default();
        let default = key.default.map(|default| format!("`{default}`")).unwrap_or_default();
        let (name, variable, kind, doc) = (key.name, key.variable, key.kind.describe(), key.doc);
        writeln!(text, "| `{name}` | `{variable}` | {flag} | {kind} | {default} | {doc} |").unwrap();
    }
    text += "\nKeys with a dot stand in a table of the file:\n\n```toml\nlisten = \"127.0.0.1:7070\"\ndata = \"/var/lib/tidemill\"\n\n\
             [log]\nlevel = \"info\"\n\n[retention]\nfinished = \"7d\"\n```\n";
    compare("configuration.md", &text);
}
