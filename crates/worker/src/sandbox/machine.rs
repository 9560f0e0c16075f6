//! What this machine gives of the sandbox.

use std::{io, sync::Arc};

use tidemill_sandbox::{Amounts, Cgroups, Controller, Finding, Findings, Group, Ids, Parts, Users, View};

use super::{SandboxConfig, SandboxMode, launchers::Launchers};

/// The sandbox of this machine, which workers and builds share. See the module.
#[derive(Debug)]
pub struct Sandbox {
    config: SandboxConfig,
    findings: Findings,
    users: Option<Users>,
    cgroups: Cgroups,
    launchers: Launchers,
}

impl Sandbox {
    /// Finds out what this machine gives. `None` when it is off. Blocks for some milliseconds. Fails when there can be no thread.
    pub fn open(config: SandboxConfig) -> io::Result<Option<Arc<Sandbox>>> {
        Cgroups::sweep();
        if config.mode == SandboxMode::Off {
            return Ok(None);
        }
        let launchers = Launchers::new(config.launcher.clone())?;
        let cgroups = Cgroups::new(&config.controllers);
        let findings = tidemill_sandbox::probe(&config.launcher, &cgroups);
        for finding in findings.refused() {
            tracing::warn!(%finding, "the sandbox lacks a mechanism");
        }
        Ok(Some(Arc::new(Sandbox { findings, users: Users::new().ok(), cgroups, launchers, config })))
    }

    /// What this machine gives.
    pub fn findings(&self) -> &[Finding] {
        &self.findings.list
    }

    /// The settings that it was opened with.
    pub(crate) fn config(&self) -> &SandboxConfig {
        &self.config
    }

    /// The parts of it that this machine gives.
    pub(crate) fn parts(&self) -> Parts {
        self.findings.parts
    }

    /// Whether it keeps programs apart from the machine and each other in every way it knows, and holds what memory and how many
    /// processes one has, so that it cannot take from others what they need.
    pub fn isolates(&self) -> bool {
        let holds = [Controller::Memory, Controller::Processes].map(|controller| self.cgroups.has(controller));
        self.findings.parts == Parts::ALL && holds == [true; 2]
    }

    /// Whether programs are other users than the server and come to their packages by the paths that it has itself.
    pub fn leaves_paths_to_others(&self) -> bool {
        !self.findings.parts.mounts && self.ids() != Ids::Own
    }

    /// What all programs see, with so much scratch space.
    pub(crate) fn view(&self, has_network: bool, scratch_bytes: u64) -> View {
        View { unseen: self.config.unseen.clone(), ..View::of_machine(has_network, scratch_bytes) }
    }

    /// The user that the next program is outside.
    pub(crate) fn ids(&self) -> Ids {
        self.users.as_ref().map_or(Ids::Own, Users::next)
    }

    /// A group that holds a program and all it starts to `amounts`.
    pub(super) fn group(&self, amounts: &Amounts) -> io::Result<Group> {
        self.cgroups.group(amounts)
    }

    /// Whether a program can be shown folders when it runs already.
    pub(crate) fn shows_later(&self) -> bool {
        self.findings.parts.mounts
    }

    /// What starts the launchers of programs.
    pub(crate) fn launchers(&self) -> &Launchers {
        &self.launchers
    }

    /// Removes what was made for workers. They must have ended. Blocks for some milliseconds at most.
    pub(crate) fn close(&self) {
        self.cgroups.close();
    }

    /// Why nothing may run: it is strict, and this machine does not give all of it.
    pub(crate) fn refusal(&self) -> Option<String> {
        if self.config.mode != SandboxMode::Strict || self.findings.is_complete() {
            return None;
        }
        // What is refused is mostly refused together.
        let mut lacks: Vec<(Vec<&str>, &str)> = Vec::new();
        for finding in self.findings.refused() {
            let why = finding.state.as_ref().err().map_or("", String::as_str);
            match lacks.iter_mut().find(|(_, known)| *known == why) {
                Some((mechanisms, _)) => mechanisms.push(finding.mechanism),
                None => lacks.push((vec![finding.mechanism], why)),
            }
        }
        let lacks: Vec<String> =
            lacks.iter().map(|(mechanisms, why)| format!("{} ({why})", mechanisms.join(", "))).collect();
        Some(format!(
            "the sandbox is strict, and some of it is refused by this machine or switched off: {}. With sandbox = \"on\" functions run in what there is of it",
            lacks.join("; ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use tidemill_sandbox::Launcher;

    use super::*;

    #[test]
    fn groups_that_are_switched_off_are_missing() {
        let config = SandboxConfig::new(SandboxMode::Strict, Launcher::at("/bin/false"));
        let sandbox = Sandbox::open(SandboxConfig { controllers: Vec::new(), ..config }).unwrap().unwrap();
        let told: Vec<String> = sandbox.findings().iter().map(ToString::to_string).collect();
        for limited in ["memory", "process", "cpu"] {
            let line = format!("{limited} limits by cgroup: switched off by workers.cgroups");
            assert!(told.contains(&line), "{told:?}");
        }
        let why =
            "memory limits by cgroup, process limits by cgroup, cpu limits by cgroup (switched off by workers.cgroups)";
        assert!(sandbox.refusal().unwrap().contains(why), "{:?}", sandbox.refusal());
        assert!(!sandbox.isolates());
    }
}
