//! From the fields of a request to what an owner says of an actor. Pure: whatever needs a look elsewhere (the linked actor)
//! is looked up by the caller.

use serde_json::Value;
use tidemill_core::{Timestamp, access::Principal};

use super::{
    AbacoConfig,
    cron::{Cron, CronError},
    fields::{BadField, Fields},
    record::{CronRecord, Definition},
    resources,
};

/// The longest name of an image, in bytes.
const IMAGE_BYTES_MAX: usize = 512;
/// The longest address of a webhook, in bytes.
const WEBHOOK_BYTES_MAX: usize = 4096;

/// Why a description is not one. The text is the answer to the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadDescription {
    /// A field.
    #[error("Invalid actor description: {0}")]
    Field(#[from] BadField),
    /// What fields say together.
    #[error("Invalid actor description: {0}")]
    Rule(String),
    /// Its schedule.
    #[error("{0}")]
    Cron(#[from] CronError),
}

fn rule<T>(text: impl Into<String>) -> Result<T, BadDescription> {
    Err(BadDescription::Rule(text.into()))
}

impl Definition {
    /// Reads the description of a new actor or, with `former`, of one that is replaced: what it does not name falls back to its
    /// default, but for the name and the schedule, which stay. `linked` is left for the caller to fill in.
    pub(crate) fn read(
        fields: &Fields,
        former: Option<&Definition>,
        principal: &Principal,
        config: &AbacoConfig,
        now: Timestamp,
    ) -> Result<Definition, BadDescription> {
        let text = |name: &str| fields.text(name).map(|text| text.into_owned()).unwrap_or_default();
        let own_text = |name: &str| fields.text(name).filter(|text| !text.is_empty()).map(|text| text.into_owned());
        let stateless = fields.boolean("stateless")?.unwrap_or(true);
        let max_workers = positive(fields, "max_workers")?;
        if former.is_some_and(|former| !former.stateless) && stateless {
            return rule("an actor that was not stateless cannot be updated to be stateless.");
        }
        if !stateless && max_workers.is_some() {
            return rule("stateful actors can only have 1 worker.");
        }
        let (cron, cron_on) = cron(fields, former, now)?;
        let name = match former {
            Some(former) => former.name.clone(),
            None => own_text("name"),
        };
        // Whose container it is decides what it may do on the host, so only an admin may say.
        let for_admins = |name: &str| own_text(name).filter(|_| principal.is_admin());
        Ok(Definition {
            image: image(fields)?,
            name,
            description: text("description"),
            stateless,
            default_environment: environment(fields)?,
            hints: hints(fields)?,
            link: text("link"),
            linked: None,
            webhook: webhook(fields)?,
            kind: kind(fields)?,
            token: fields.boolean("token")?.map_or_else(|| config.default_token.clone().into(), Value::Bool),
            log_ex: log_ex(fields)?,
            cron,
            cron_on,
            privileged: privileged(fields, config)?,
            max_workers: max_workers.map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
            mem_limit: memory(fields)?,
            max_cpus: positive(fields, "max_cpus")?,
            queue: queue(fields, config)?,
            use_container_uid: fields.boolean("use_container_uid")?.unwrap_or(false),
            uid: for_admins("uid"),
            gid: for_admins("gid"),
            tasdir: for_admins("tasdir"),
        })
    }
}

fn field(fields: &Fields, name: &str, reason: &str) -> BadDescription {
    BadField { field: fields.case.name(name).into_owned(), reason: reason.to_owned() }.into()
}

fn image(fields: &Fields) -> Result<String, BadDescription> {
    let image = fields.required("image")?.into_owned();
    let is_odd = |letter: char| letter.is_whitespace() || letter.is_control();
    if image.len() > IMAGE_BYTES_MAX || image.contains(is_odd) {
        return Err(field(fields, "image", "it is not the name of an image"));
    }
    Ok(image)
}

fn positive(fields: &Fields, name: &str) -> Result<Option<u64>, BadDescription> {
    match fields.integer(name)? {
        None => Ok(None),
        Some(number) => match u64::try_from(number) {
            Ok(number) if number > 0 => Ok(Some(number)),
            Ok(_) | Err(_) => Err(field(fields, name, "it must be 1 or more")),
        },
    }
}

fn environment(fields: &Fields) -> Result<serde_json::Map<String, Value>, BadDescription> {
    let members = fields.object("default_environment")?.unwrap_or_default();
    if members.iter().any(|(name, _)| name.is_empty() || name.contains(['=', '\0'])) {
        return Err(field(fields, "default_environment", "a name of a variable is not empty and has no '='"));
    }
    Ok(members.into_iter().map(|(name, value)| (name, Value::from(value))).collect())
}

fn hints(fields: &Fields) -> Result<Vec<String>, BadDescription> {
    let hints = fields.list("hints")?.unwrap_or_default();
    if hints.iter().any(|hint| hint.contains(['"', '\'', '{', '}', '[', ']'])) {
        return Err(field(fields, "hints", "a hint has no quotes, braces or brackets"));
    }
    Ok(hints)
}

fn webhook(fields: &Fields) -> Result<String, BadDescription> {
    let webhook = fields.text("webhook").map(|text| text.trim().to_owned()).unwrap_or_default();
    let parsed = webhook.parse::<http::Uri>().ok();
    let is_address = |uri: http::Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    if webhook.is_empty() || (webhook.len() <= WEBHOOK_BYTES_MAX && parsed.is_some_and(is_address)) {
        return Ok(webhook);
    }
    Err(field(fields, "webhook", "it must be an http or https URL"))
}

fn kind(fields: &Fields) -> Result<String, BadDescription> {
    let kind =
        fields.text("type").filter(|kind| !kind.is_empty()).map_or_else(|| "none".to_owned(), |k| k.into_owned());
    if matches!(kind.as_str(), "none" | "bin" | "json") {
        return Ok(kind);
    }
    Err(field(fields, "type", "it must be none, bin or json"))
}

fn log_ex(fields: &Fields) -> Result<Option<i64>, BadDescription> {
    match fields.integer("log_ex")? {
        Some(seconds) if seconds < 0 => Err(field(fields, "log_ex", "it is a number of seconds, 0 or more")),
        seconds => Ok(seconds),
    }
}

fn privileged(fields: &Fields, config: &AbacoConfig) -> Result<bool, BadDescription> {
    let privileged = fields.boolean("privileged")?.unwrap_or(false);
    if privileged && !config.privileged {
        return rule("privileged actors are switched off on this server.");
    }
    Ok(privileged)
}

fn memory(fields: &Fields) -> Result<Option<String>, BadDescription> {
    let Some(text) = fields.text("mem_limit").filter(|text| !text.is_empty()) else { return Ok(None) };
    match resources::memory_bytes(&text) {
        Some(_) => Ok(Some(text.into_owned())),
        None => Err(field(fields, "mem_limit", "write it as in 512m or 2g")),
    }
}

fn queue(fields: &Fields, config: &AbacoConfig) -> Result<String, BadDescription> {
    let Some(queue) = fields.text("queue").filter(|queue| !queue.is_empty()) else { return Ok("default".to_owned()) };
    if config.queues.iter().any(|known| *known == queue) {
        return Ok(queue.into_owned());
    }
    rule("Invalid queue name.")
}

fn cron(
    fields: &Fields,
    former: Option<&Definition>,
    now: Timestamp,
) -> Result<(Option<CronRecord>, bool), BadDescription> {
    let wanted = fields.boolean("cron_on")?;
    let stays = former.and_then(|former| former.cron.clone());
    match fields.text("cron_schedule").filter(|text| !text.is_empty()) {
        // The same again: what has begun goes on.
        Some(text) if stays.as_ref().is_some_and(|cron| cron.text == text && !is_relative(&text)) => {
            Ok((stays, wanted.unwrap_or(true)))
        }
        Some(text) => {
            let cron = Cron::parse(&text, now)?;
            let record = CronRecord { text: text.into_owned(), schedule: cron.schedule(), start: cron.start };
            Ok((Some(record), wanted.unwrap_or(true)))
        }
        None => {
            let was_on = former.is_some_and(|former| former.cron_on);
            let is_on = wanted.unwrap_or(was_on);
            Ok((stays, is_on))
        }
    }
}

/// Whether a schedule begins when it is given.
fn is_relative(text: &str) -> bool {
    text.trim_start().get(..3).is_some_and(|word| word.eq_ignore_ascii_case("now"))
}

#[cfg(test)]
mod tests;
