//! Quantities as Docker writes them, and folders of the host.

use tidemill_core::spec::Mount;

use super::AbacoConfig;

/// Memory as in `docker run --memory`: a number, and `b`, `k`, `m`, `g` or `t` behind it if wanted.
pub(crate) fn memory_bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let number: f64 = text[..digits].parse().ok()?;
    let shift = match text[digits..].trim() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    let bytes = number * (1u64 << shift) as f64;
    (1.0..1e18).contains(&bytes).then_some(bytes as u64)
}

/// Thousandths of a core out of billionths; at least one.
pub(crate) fn cpu_millis(nano: u64) -> u32 {
    u32::try_from(nano / 1_000_000).unwrap_or(u32::MAX).max(1)
}

/// Who the words in braces of a mount stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose<'a> {
    /// The owner of the actor.
    pub(crate) username: &'a str,
    /// The tenant.
    pub(crate) tenant: &'a str,
    /// The owner's folder, when it is known.
    pub(crate) tasdir: Option<&'a str>,
}

/// The mounts of an actor. One that cannot be understood, or whose words are not known, is left out.
pub(crate) fn mounts(config: &AbacoConfig, whose: Whose<'_>, is_privileged: bool) -> Vec<Mount> {
    let own = config.tenant_mounts.get(whose.tenant).unwrap_or(&config.mounts);
    let further = config.privileged_mounts.iter().filter(|_| is_privileged);
    own.iter().chain(further).filter_map(|text| mount(text, whose)).collect()
}

fn mount(text: &str, whose: Whose<'_>) -> Option<Mount> {
    let mut parts = text.split(':');
    let (source, target, mode) = (parts.next()?, parts.next()?, parts.next().unwrap_or("ro"));
    if parts.next().is_some() || !matches!(mode, "ro" | "rw") {
        return None;
    }
    let mount = Mount { source: fill(source, whose)?, target: fill(target, whose)?, read_only: mode == "ro" };
    (mount.source.starts_with('/') && mount.target.starts_with('/')).then_some(mount)
}

/// Puts words in the places of the braces. A word that would lead elsewhere in the tree is none.
fn fill(text: &str, whose: Whose<'_>) -> Option<String> {
    let mut filled = text.to_owned();
    for (place, word) in
        [("{username}", Some(whose.username)), ("{tenant_id}", Some(whose.tenant)), ("{tasdir}", whose.tasdir)]
    {
        if !filled.contains(place) {
            continue;
        }
        let word = word.filter(|word| !word.is_empty() && !word.contains(['\0', ':']))?;
        let leads_away = word.split('/').any(|part| part == ".." || part == ".");
        if leads_away || (place != "{tasdir}" && word.contains('/')) {
            return None;
        }
        filled = filled.replace(place, word);
    }
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_docker_does() {
        for (text, bytes) in [
            ("1024", Some(1024)),
            ("512m", Some(512 << 20)),
            ("1g", Some(1 << 30)),
            ("1.5G", Some(3 << 29)),
            ("64kb", Some(64 << 10)),
            ("", None),
            ("g", None),
            ("0", None),
            ("-1", None),
            ("1x", None),
            ("1e30g", None),
        ] {
            assert_eq!(memory_bytes(text), bytes, "{text}");
        }
        assert_eq!((cpu_millis(1_000_000_000), cpu_millis(1)), (1000, 1));
    }

    #[test]
    fn mounts_are_filled_in() {
        let config = AbacoConfig {
            mounts: ["/home/{username}:/home:rw", "/work/{tasdir}:/work", "nonsense", "/a:/b:rx"]
                .map(str::to_owned)
                .to_vec(),
            tenant_mounts: [("TACC".to_owned(), vec!["/t/{tenant_id}:/t:ro".to_owned()])].into(),
            privileged_mounts: vec!["/dev:/dev:rw".to_owned()],
            ..AbacoConfig::default()
        };
        let shown = |tenant: &str, user: &str, tasdir: Option<&str>, is_privileged| -> Vec<String> {
            let whose = Whose { username: user, tenant, tasdir };
            let mounts = mounts(&config, whose, is_privileged);
            mounts.iter().map(|one| format!("{}:{}:{}", one.source, one.target, one.read_only)).collect()
        };
        assert_eq!(shown("DEV", "jdoe", None, false), ["/home/jdoe:/home:false"]);
        assert_eq!(
            shown("DEV", "jdoe", Some("1/jdoe"), true),
            ["/home/jdoe:/home:false", "/work/1/jdoe:/work:true", "/dev:/dev:false"]
        );
        assert_eq!(shown("TACC", "jdoe", None, false), ["/t/TACC:/t:true"]);
        for user in ["..", "../root", "a/b", "", "a:b"] {
            assert_eq!(shown("DEV", user, None, false), [""; 0], "{user}");
        }
    }
}
