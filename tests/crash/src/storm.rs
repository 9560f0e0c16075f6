//! A storm from beginning to end.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use tokio::{sync::watch, time::Instant};

use crate::{
    binary,
    checker::{self, Observation, Violation},
    collector::Collector,
    effects::{self, Moment},
    faults, functions,
    history::History,
    http::Client,
    load, observe,
    random::Random,
    server::Server,
};

/// How long a storm lasts unless `CRASH_SECONDS` says otherwise.
pub const SECONDS: u64 = 60;
/// How long the work that is left may take when the storm is over.
const SETTLE: Duration = Duration::from_secs(300);

/// What to do.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// How long faults happen.
    pub time: Duration,
    /// Decides the moments and the faults.
    pub seed: u64,
}

impl Config {
    /// From the environment variables `CRASH_SECONDS` and `CRASH_SEED`.
    pub fn from_environment() -> anyhow::Result<Config> {
        let seconds = match std::env::var("CRASH_SECONDS") {
            Ok(text) => text.parse().with_context(|| format!("CRASH_SECONDS is a whole number, not {text:?}"))?,
            Err(_) => SECONDS,
        };
        Ok(Config { time: Duration::from_secs(seconds), seed: crate::random::seed()? })
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Answers that promised an invocation, repeated ones included.
    pub promises: usize,
    /// Different invocations among them.
    pub promised: usize,
    /// Invocations that the server knows: also those whose answer got lost, and those down the chain.
    pub invocations: usize,
    /// Requests without an answer.
    pub unanswered: u64,
    /// Requests refused.
    pub refused: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Runs that repeated an earlier one.
    pub repeats: usize,
    /// How long the work that was left took.
    pub settled_in: Duration,
    /// Broken promises.
    pub violations: Vec<Violation>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        writeln!(
            f,
            "{} answers promised {} invocations; {} are known",
            self.promises, self.promised, self.invocations
        )?;
        writeln!(f, "{} requests got no answer, {} were refused", self.unanswered, self.refused)?;
        for (fault, count) in &self.faults {
            writeln!(f, "{count:>6} × {fault}")?;
        }
        writeln!(f, "{} runs repeated an earlier one; the rest settled in {:?}", self.repeats, self.settled_in)?;
        match self.violations.len() {
            0 => write!(f, "no promise was broken"),
            count => {
                write!(f, "{count} promises were broken:")?;
                self.violations.iter().take(50).try_for_each(|violation| write!(f, "\n  {violation}"))
            }
        }
    }
}

/// Runs a storm. The files of one that fails are kept (of any, with `CRASH_KEEP`), and where they lie is printed.
pub async fn run(config: Config) -> anyhow::Result<Report> {
    let directory = tempfile::Builder::new().prefix("tidemill-crash-").tempdir()?;
    println!("storm of {:?} with CRASH_SEED={} in {}", config.time, config.seed, directory.path().display());
    let result = storm(config, directory.path().to_owned()).await;
    let is_sound = matches!(&result, Ok(report) if report.violations.is_empty());
    if !is_sound || std::env::var_os("CRASH_KEEP").is_some() {
        println!("history, effects and log are kept in {}", directory.keep().display());
    }
    result
}

async fn storm(config: Config, directory: PathBuf) -> anyhow::Result<Report> {
    let effects = directory.join("effects.jsonl");
    let history = Arc::new(History::create(&directory.join("history.jsonl"))?);
    let mut server = Server::new(binary::copy_into(&directory)?, &directory, &directory.join("data"));
    server.start().await?;
    let client = Client::new();
    let collector = Collector::start(&effects).await?;
    functions::deploy_all(&client, &server.url()?, collector.address()).await.with_context(|| server.log_tail())?;

    let random = Random::new(config.seed);
    let (stop, stopping) = watch::channel(false);
    let submitters = load::start(&server.address(), &stopping, &history, &random);
    let end = Instant::now() + config.time;
    let faults = faults::happen_until(end, &mut server, random.part(0), &history).await;
    stop.send_replace(true);
    submitters.join_all().await;
    faults.with_context(|| server.log_tail())?;

    server.kill().await?;
    server.start().await?;
    let settling = Instant::now();
    let url = server.url()?;
    observe::until_settled(&client, &url, SETTLE).await.with_context(|| server.log_tail())?;
    let settled_in = settling.elapsed();

    let record = history.record();
    let promised: BTreeSet<String> = record.promises.iter().map(|promise| promise.id.clone()).collect();
    let mut ids = observe::ids(&client, &url).await?;
    ids.extend(promised.iter().cloned());
    let chain = functions::CHAIN.windows(2);
    let invocations = observe::invocations(&client, &url, ids).await?;
    server.end().await?;
    collector.end().await?;
    let mut effects = effects::read(&effects)?;
    effects::resolve(&mut effects, &invocations);
    let observation = Observation {
        invocations,
        effects,
        subscriptions: chain.map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect(),
        record,
    };
    Ok(report(config, &observation, promised.len(), settled_in))
}

fn report(config: Config, observation: &Observation, promised: usize, settled_in: Duration) -> Report {
    let record = &observation.record;
    let mut faults = BTreeMap::new();
    for fault in &record.faults {
        *faults.entry(*fault).or_default() += 1;
    }
    let begun = observation.effects.iter().filter(|effect| effect.moment == Moment::Begin);
    let runs = begun.clone().count();
    let invocations_run: BTreeSet<&str> = begun.map(|effect| effect.invocation.as_str()).collect();
    Report {
        seed: config.seed,
        promises: record.promises.len(),
        promised,
        invocations: observation.invocations.len(),
        unanswered: record.unanswered,
        refused: record.refused,
        faults,
        repeats: runs - invocations_run.len(),
        settled_in,
        violations: checker::check(observation),
    }
}
