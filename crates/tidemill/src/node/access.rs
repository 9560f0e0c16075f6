//! Who may use the server, and Abaco's API: from settings to what the server takes.

use tidemill_core::access::{ContainerRules, ProcessRoles, Role};
use tidemill_server::{AbacoCase, AbacoConfig, AuthConfig};

use crate::{
    config::{
        Settings,
        tenants::{self, Entry},
    },
    failure::Failure,
};

/// The tenants of the settings; none when requests do not say who makes them.
pub fn tenants(settings: &Settings) -> Result<Option<Vec<Entry>>, Failure> {
    if settings.word("auth.mode") == "none" {
        return Ok(None);
    }
    let path = settings.path("auth.tenants").ok_or_else(|| {
        Failure::usage("auth.mode is jwt, and auth.tenants names no file that says whose tokens are taken")
            .hint("docs/security.md shows such a file")
    })?;
    tenants::read(&path).map(Some)
}

/// How requests say who makes them.
pub fn auth(settings: &Settings, tenants: Option<&[Entry]>) -> AuthConfig {
    match tenants {
        None => AuthConfig::None { tenant: settings.project_named("abaco.tenant") },
        Some(entries) => AuthConfig::Jwt { tenants: entries.iter().map(|entry| entry.tenant.clone()).collect() },
    }
}

/// The weakest roles that may deploy code which runs as a process. `is_apart` says that the sandbox keeps processes apart in every way,
/// and holds what each uses.
pub fn process_roles(settings: &Settings, is_apart: bool) -> ProcessRoles {
    match settings.some_text("auth.process_role") {
        Some(word) => ProcessRoles::all(Role::parse(&word).expect("the setting is one of the roles")),
        None => ProcessRoles::usual(is_apart),
    }
}

/// What containers get.
pub fn containers(settings: &Settings) -> ContainerRules {
    ContainerRules { privileged: settings.switch("docker.privileged"), mounts: settings.list("docker.mounts") }
}

/// Abaco's API.
pub fn abaco(settings: &Settings, tenants: Option<&[Entry]>) -> AbacoConfig {
    let of_tenants = tenants.unwrap_or_default();
    let named = |entry: &Entry| entry.tenant.name().to_owned();
    let defaults = AbacoConfig::default();
    AbacoConfig {
        enabled: settings.switch("abaco.enabled"),
        case: if settings.word("abaco.case") == "snake" { AbacoCase::Snake } else { AbacoCase::Camel },
        tag: settings.some_text("abaco.tag").unwrap_or(defaults.tag),
        api_server: settings.some_text("abaco.public_url").map(|url| url.trim_end_matches('/').to_owned()),
        queues: settings.list("abaco.queues"),
        default_token: settings.word("abaco.default_token"),
        workers_max: settings.some_count("abaco.workers_max"),
        memory: settings.some_text("abaco.mem_limit"),
        cpus: settings.some_cores("abaco.max_cpus"),
        user: settings.some_text("abaco.user"),
        privileged: settings.switch("docker.privileged"),
        mounts: settings.list("abaco.global_mounts"),
        tenant_mounts: of_tenants.iter().filter_map(|entry| Some((named(entry), entry.mounts.clone()?))).collect(),
        privileged_mounts: settings.list("abaco.privileged_mounts"),
        run_time_max: settings.some_duration("abaco.max_run_time"),
        worker_idle: settings.duration("abaco.worker_idle"),
        sync_worker_idle: settings.duration("abaco.sync_worker_idle"),
        start_timeout: settings.duration("abaco.start_timeout"),
        nonces: settings.switch("abaco.nonces"),
        log_retention: settings.some_duration("abaco.log_life"),
        log_retention_max: settings.some_duration("abaco.log_life_max"),
        log_chars_max: settings.count("abaco.log_max") as usize,
        message_bytes_max: settings.size("abaco.message_max"),
        request_bytes_max: settings.size("abaco.request_max"),
        workers_ensured_max: settings.count("abaco.workers_ensured_max"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::config::{Flags, Sources};

    #[test]
    fn the_defaults_of_the_settings_are_those_of_the_face() {
        let sources = Sources { flags: Flags::new(), config: None, variables: &BTreeMap::new() };
        let settings = Settings::load(&sources).unwrap();
        let version = AbacoConfig::default().tag;
        assert_eq!(abaco(&settings, None), AbacoConfig { tag: version, ..AbacoConfig::default() });
        assert!(tenants(&settings).unwrap().is_none());
    }

    #[test]
    fn a_setting_for_processes_wins_over_what_the_sandbox_allows() {
        let roles = |role: Option<&str>, is_apart| {
            let variables = role.map(|role| ("TIDEMILL_AUTH_PROCESS_ROLE".to_owned(), role.to_owned()));
            let variables = variables.into_iter().collect();
            let sources = Sources { flags: Flags::new(), config: None, variables: &variables };
            process_roles(&Settings::load(&sources).unwrap(), is_apart)
        };
        assert_eq!(roles(None, false), ProcessRoles::all(Role::Privileged));
        assert_eq!(roles(None, true), ProcessRoles { closed: Role::User, open: Role::Privileged });
        for is_apart in [true, false] {
            assert_eq!(roles(Some("admin"), is_apart), ProcessRoles::all(Role::Admin));
            assert_eq!(roles(Some("user"), is_apart), ProcessRoles::all(Role::User));
        }
    }

    #[test]
    fn tokens_need_tenants() {
        let variables = BTreeMap::from([("TIDEMILL_AUTH_MODE".to_owned(), "jwt".to_owned())]);
        let sources = Sources { flags: Flags::new(), config: None, variables: &variables };
        let failure = tenants(&Settings::load(&sources).unwrap()).map(|_| ()).unwrap_err();
        assert!(failure.message.contains("auth.tenants"), "{}", failure.message);
    }
}
