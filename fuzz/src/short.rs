//! A short run: every input that is kept, then mutations of them from a seed. The same arguments try the same inputs.

use std::io;

use crate::{attempt, corpus, mutate::mutate, random::Random, target::Target};

/// What a short run of one target did.
#[derive(Debug, Default)]
pub struct Summary {
    /// Inputs that are kept.
    pub kept: usize,
    /// Inputs that were made of them.
    pub made: u64,
    /// What failed: a report for people. The run ends with the first.
    pub failure: Option<String>,
}

/// Tries the inputs that are kept and `runs` that are made from `seed`.
///
/// # Errors
/// The inputs cannot be read.
pub fn run(target: &'static Target, runs: u64, seed: u64) -> io::Result<Summary> {
    let mut kept = corpus::seeds(target)?;
    kept.extend(corpus::regressions(target)?);
    let mut summary = Summary { kept: kept.len(), ..Summary::default() };
    for (name, input) in &kept {
        if let Err(what) = attempt::check(target, input) {
            summary.failure = Some(format!("{}: {what}\ninput:  {name}", target.name));
            return Ok(summary);
        }
    }
    let seeds: Vec<Vec<u8>> = kept.into_iter().map(|(_, input)| input).collect();
    // A target's inputs do not depend on which others are run.
    let own = target.name.bytes().fold(seed, |own, byte| own.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let mut random = Random::new(own);
    for _ in 0..runs {
        let input = mutate(&mut random, &seeds, target.words, target.bytes_max);
        summary.made += 1;
        if let Err(what) = attempt::check(target, &input) {
            summary.failure = Some(corpus::report(target, &input, &what));
            break;
        }
    }
    Ok(summary)
}
