//! The crash tests as a program, for longer runs than the tests make.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use tidemill_crash::{
    counter, random,
    storm::{self, Config},
    thumbnail,
};

const USAGE: &str = "\
usage: tidemill-crash storm [--seconds N] [--seed N]
       tidemill-crash thumbnail [--calls N] [--seed N]
       tidemill-crash counter [--messages N] [--engine SOCKET --image IMAGE] [--seed N]

storm      kills and stops the server and its workers at random moments under load, and checks every promise
thumbnail  calls examples/thumbnail asynchronously while the server is killed again and again
counter    sends messages to an actor that counts them in its state while its workers and the server are killed; with
           --engine it runs in containers of that Docker engine

TIDEMILL_BIN names the program to test; without it, the one of this workspace is built.";

/// Exit codes: 0, a promise was broken or the test failed 1, usage 64.
#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Ok(command) = parse(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(64);
    };
    match run(command).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

enum Command {
    Storm(Config),
    Thumbnail { calls: u64, seed: u64 },
    Counter { messages: u64, place: counter::Place, seed: u64 },
}

fn parse(arguments: &[String]) -> anyhow::Result<Command> {
    let (name, options) = arguments.split_first().context("no command")?;
    let (mut seconds, mut calls, mut messages, mut seed) = (storm::SECONDS, 10_000, 1_000, random::seed()?);
    let (mut engine, mut image) = (None, None);
    for option in options.chunks(2) {
        let [flag, value] = option else { bail!("{option:?} lacks a value") };
        match flag.as_str() {
            "--seconds" => seconds = value.parse()?,
            "--calls" => calls = value.parse()?,
            "--messages" => messages = value.parse()?,
            "--engine" => engine = Some(value.into()),
            "--image" => image = Some(value.clone()),
            "--seed" => seed = value.parse()?,
            _ => bail!("unknown option {flag}"),
        }
    }
    match name.as_str() {
        "storm" => Ok(Command::Storm(Config { time: Duration::from_secs(seconds), seed })),
        "counter" => {
            let place = match (engine, image) {
                (Some(engine), Some(image)) => counter::Place::Container { engine, image },
                (None, None) => counter::Place::Process,
                _ => bail!("--engine and --image go together"),
            };
            Ok(Command::Counter { messages, place, seed })
        }
        "thumbnail" => Ok(Command::Thumbnail { calls, seed }),
        _ => bail!("unknown command {name}"),
    }
}

/// False: a promise was broken.
async fn run(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Storm(config) => {
            let report = storm::run(config).await?;
            println!("{report}");
            Ok(report.violations.is_empty())
        }
        Command::Counter { messages, place, seed } => {
            println!("{}", counter::run(messages, place, seed).await?);
            Ok(true)
        }
        Command::Thumbnail { calls, seed } => {
            println!("{}", thumbnail::run(calls, seed).await?);
            Ok(true)
        }
    }
}
