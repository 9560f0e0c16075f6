//! Faults at random moments.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use crate::{history::History, random::Random, server::Server};

/// Something done to the server or to its workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` of the server, then a start.
    KillServer,
    /// The same, and `kill -9` again after this time of its next start.
    KillStart(Duration),
    /// `SIGSTOP` of the server for this time.
    StopServer(Duration),
    /// `kill -9` of a worker, or of what keeps it in its sandbox.
    KillWorker,
    /// `SIGSTOP` of a worker for this time.
    StopWorker(Duration),
    /// `SIGSTOP` of a worker for good; only its event timeout ends that.
    HangWorker,
}

impl Fault {
    /// Its kind, without its times.
    pub fn kind(&self) -> &'static str {
        match self {
            Fault::KillServer => "kill -9 of the server",
            Fault::KillStart(_) => "kill -9 of the server, and again while it starts",
            Fault::StopServer(_) => "SIGSTOP of the server for up to 3 s",
            Fault::KillWorker => "kill -9 of a worker",
            Fault::StopWorker(_) => "SIGSTOP of a worker for up to 2 s",
            Fault::HangWorker => "SIGSTOP of a worker for good",
        }
    }

    /// One of them.
    pub fn any(random: &mut Random) -> Fault {
        match random.within(0..100) {
            0..25 => Fault::KillServer,
            25..35 => Fault::KillStart(random.millis(0..400)),
            35..55 => Fault::StopServer(random.millis(100..3000)),
            55..80 => Fault::KillWorker,
            80..92 => Fault::StopWorker(random.millis(100..2000)),
            _ => Fault::HangWorker,
        }
    }

    /// Does it. The server runs afterwards.
    pub async fn happen(self, server: &mut Server, random: &mut Random) -> anyhow::Result<()> {
        match self {
            Fault::KillServer => {
                server.kill().await?;
                server.start().await
            }
            Fault::KillStart(after) => {
                server.kill().await?;
                server.start_and_kill(after).await?;
                server.start().await
            }
            Fault::StopServer(time) => {
                server.signal(Signal::STOP)?;
                sleep(time).await;
                server.signal(Signal::CONT)
            }
            Fault::KillWorker => signal_one(&server.processes()?, random, &[Signal::KILL], Duration::ZERO).await,
            Fault::StopWorker(time) => {
                signal_one(&server.workers()?, random, &[Signal::STOP, Signal::CONT], time).await
            }
            Fault::HangWorker => signal_one(&server.workers()?, random, &[Signal::STOP], Duration::ZERO).await,
        }
    }
}

/// Sends one of `processes` these signals with a pause between them. One that is gone by then does not matter.
async fn signal_one(processes: &[Pid], random: &mut Random, signals: &[Signal], pause: Duration) -> anyhow::Result<()> {
    let Some(process) = random.one_of(processes) else { return Ok(()) };
    for (index, signal) in signals.iter().enumerate() {
        if index > 0 {
            sleep(pause).await;
        }
        if kill_process(*process, *signal).is_err() {
            break;
        }
    }
    Ok(())
}

/// Lets faults happen until `end`, with random pauses between them.
pub async fn happen_until(
    end: Instant,
    server: &mut Server,
    mut random: Random,
    history: &History,
) -> anyhow::Result<()> {
    loop {
        let next = Instant::now() + random.millis(200..2500);
        if next >= end {
            tokio::time::sleep_until(end).await;
            return Ok(());
        }
        tokio::time::sleep_until(next).await;
        let fault = Fault::any(&mut random);
        history.fault(fault.kind(), &format!("{fault:?}"));
        fault.happen(server, &mut random).await?;
    }
}
