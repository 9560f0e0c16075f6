//! Measures the numbers of the design and prints them with their bounds. Started by `benches/run`, which builds what is
//! measured.

mod cgroup;
mod http;
mod latency;
mod load;
mod machine;
mod process;
mod rows;
mod server;
mod table;
mod until;

use std::{path::Path, process::ExitCode, time::Duration};

use anyhow::{Context, bail};

use crate::{
    http::Client,
    rows::Bench,
    table::{Row, Table},
};

const USAGE: &str = "\
usage: benches/run [--write] [--seconds N] [--rounds N] [NAME…]

measures, in turn, each NAME of: sync wasm accept step cold sandbox idle overload container
(all when none is given)
--write      also writes benches/results.md (only with all)
--seconds N  how long a round of load lasts (default 2)
--rounds N   how many rounds there are, of which the median counts (default 5)";

const NAMES: [&str; 9] = ["sync", "wasm", "accept", "step", "cold", "sandbox", "idle", "overload", "container"];

struct Arguments {
    is_written: bool,
    seconds: u64,
    rounds: usize,
    names: Vec<String>,
}

/// Exit codes: 0, a measurement failed 1, usage 64. A bound that is not met is no failure; the table says so.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("error: {error}\n{USAGE}");
            return ExitCode::from(64);
        }
    };
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut words: impl Iterator<Item = String>) -> anyhow::Result<Arguments> {
    let mut arguments = Arguments { is_written: false, seconds: 2, rounds: 5, names: Vec::new() };
    while let Some(word) = words.next() {
        let mut number =
            || words.next().and_then(|text| text.parse().ok()).with_context(|| format!("{word} takes a number"));
        match word.as_str() {
            "--write" => arguments.is_written = true,
            "--seconds" => arguments.seconds = number()?,
            "--rounds" => arguments.rounds = usize::try_from(number()?)?.max(1),
            name if NAMES.contains(&name) => arguments.names.push(word),
            _ => bail!("unknown argument {word}"),
        }
    }
    if arguments.is_written && !arguments.names.is_empty() {
        bail!("--write takes a run of everything");
    }
    Ok(arguments)
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut bench = Bench {
        client: Client::default(),
        round: Duration::from_secs(arguments.seconds),
        rounds: arguments.rounds,
        table: Table::default(),
    };
    for name in NAMES {
        if !arguments.names.is_empty() && !arguments.names.iter().any(|wanted| wanted == name) {
            continue;
        }
        eprintln!("measuring: {name}");
        if let Err(error) = measure(&mut bench, name).await {
            // The others are still worth knowing.
            eprintln!("error: {name}: {error:#}");
            bench.table.rows.push(Row::new(name, "failed").ratio(format!("{error:#}")).bound("a measurement", false));
        }
    }
    let machine = machine::describe(bench.rounds, bench.round);
    println!("{machine}\n\n{}", bench.table);
    if arguments.is_written {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("results.md");
        let text = format!("# Measured by `benches/run --write`\n\n{machine}\n\n{}", bench.table);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if bench.table.rows.iter().any(|row| row.value == "failed") {
        bail!("not everything could be measured");
    }
    Ok(())
}

async fn measure(bench: &mut Bench, name: &str) -> anyhow::Result<()> {
    match name {
        "sync" => rows::sync::measure(bench).await,
        "wasm" => rows::wasm::measure(bench).await,
        "accept" => rows::accept::measure(bench).await,
        "step" => rows::step::measure(bench).await,
        "cold" => rows::cold::measure(bench).await,
        "sandbox" => rows::sandbox::measure(bench).await,
        "idle" => rows::idle::measure(bench).await,
        "overload" => rows::overload::measure(bench).await,
        "container" => rows::container::measure(bench).await,
        _ => bail!("{name} is not measured"),
    }
}
