//! Runs fuzz targets for a short while, replays inputs, and hands seeds to libFuzzer.

use std::{fs, io, path::Path, process::ExitCode};

use tidemill_fuzz::{ALL, Target, attempt, corpus, find, held_peak, short};

const USAGE: &str = "\
usage: tidemill-fuzz list
       tidemill-fuzz short [--runs N] [--seed N] [TARGET…]   every kept input, and N made ones for each target
       tidemill-fuzz replay TARGET FILE…                     these inputs
       tidemill-fuzz seeds TARGET FOLDER                     writes the seeds into a folder
       tidemill-fuzz words TARGET                            prints the words as a dictionary of libFuzzer";

/// Made inputs for each target unless said otherwise.
const RUNS: u64 = 1_000;
/// Where the inputs come from unless said otherwise.
const SEED: u64 = 1;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["list"] => {
            for target in ALL {
                println!("{:12} {}", target.name, target.about);
            }
            Ok(true)
        }
        ["short", rest @ ..] => short_run(rest),
        ["replay", name, files @ ..] => named(name).and_then(|target| replay(target, files)),
        ["seeds", name, folder] => named(name).and_then(|target| write_seeds(target, Path::new(folder))),
        ["words", name] => named(name).map(print_words),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(64)
        }
    }
}

fn named(name: &str) -> Result<&'static Target, String> {
    find(name).ok_or_else(|| format!("there is no target {name:?}\nhint: tidemill-fuzz list"))
}

fn said(error: io::Error) -> String {
    format!("the inputs cannot be read: {error}")
}

fn short_run(words: &[&str]) -> Result<bool, String> {
    let (mut runs, mut seed, mut targets) = (RUNS, SEED, Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|text| text.parse::<u64>().ok()).ok_or(USAGE);
        match *word {
            "--runs" => runs = number()?,
            "--seed" => seed = number()?,
            name => targets.push(named(name)?),
        }
    }
    if targets.is_empty() {
        targets.extend(ALL);
    }
    println!("seed {seed}: the same seed tries the same inputs");
    // Panics are told once, with the input.
    std::panic::set_hook(Box::new(|_| {}));
    let mut is_well = true;
    for target in targets {
        let runs = (runs * u64::from(target.share)).div_ceil(100);
        let summary = short::run(target, runs, seed).map_err(said)?;
        println!("{:12} {:5} kept and {:6} made inputs", target.name, summary.kept, summary.made);
        if let Some(failure) = summary.failure {
            is_well = false;
            eprintln!("error: {failure}");
        }
    }
    Ok(is_well)
}

fn replay(target: &'static Target, files: &[&str]) -> Result<bool, String> {
    for file in files {
        let input = fs::read(file).map_err(|error| format!("{file}: {error}"))?;
        let (result, bytes) = held_peak(|| attempt::check(target, &input));
        match result {
            Ok(()) => println!("{file}: all holds, with {bytes} bytes of memory"),
            Err(what) => {
                eprintln!("{file}: {what}");
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn write_seeds(target: &'static Target, folder: &Path) -> Result<bool, String> {
    let write = || -> io::Result<usize> {
        fs::create_dir_all(folder)?;
        let mut seeds = corpus::seeds(target)?;
        seeds.extend(corpus::regressions(target)?);
        for (index, (_, content)) in seeds.iter().enumerate() {
            fs::write(folder.join(format!("seed-{index:04}")), content)?;
        }
        Ok(seeds.len())
    };
    let count = write().map_err(|error| format!("{}: {error}", folder.display()))?;
    println!("{count} seeds");
    Ok(true)
}

fn print_words(target: &Target) -> bool {
    for word in target.words {
        let quoted: String = word.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
        println!("\"{quoted}\"");
    }
    true
}
