//! Reading values: from the text of a flag, a variable or a file to what the program uses.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Component, Path},
};

use tidemill_core::ProjectName;

use super::{Kind, nearest};
use crate::moment;

/// More cores than any machine has.
const CORES_MAX: f64 = 65_536.0;

/// Checks that `text` is a value of `kind`. The error says what is wrong, without naming the key.
pub fn check(kind: Kind, text: &str) -> Result<(), String> {
    let result = match kind {
        Kind::Address => address(text).map(drop),
        Kind::Switch => switch(text).map(drop),
        Kind::Path if text.is_empty() => Err("it is empty".to_owned()),
        Kind::Path | Kind::Text | Kind::Secret | Kind::List => Ok(()),
        Kind::Cores => cores(text).map(drop),
        Kind::Hosts => hosts(text).map(drop),
        Kind::Duration => moment::duration(text).map(drop),
        Kind::Count => count(text).map(drop),
        Kind::CountFrom(least) => match count(text) {
            Ok(number) if number < least => Err("it is too small".to_owned()),
            other => other.map(drop),
        },
        Kind::Size => size(text).map(drop),
        Kind::SizeFrom(least) => match (size(text), size(least)) {
            (Ok(bytes), Ok(least)) if bytes < least => Err("it is too small".to_owned()),
            (other, _) => other.map(drop),
        },
        Kind::Words(known) => words(text, known),
        Kind::Paths => paths(text),
        Kind::Url => url(text),
        Kind::Project => text.parse::<ProjectName>().map(drop).map_err(|error| error.reason.to_owned()),
        Kind::Word(words) if words.contains(&text) => Ok(()),
        Kind::Word(known) => words(text, known),
    };
    if kind == Kind::Secret {
        return result;
    }
    result.map_err(|reason| {
        let said = format!("{text:?} is not ");
        let reason = reason.strip_prefix(&said).map_or(format!(": {reason}"), |_| String::new());
        format!("{said}{}{reason}", kind.describe())
    })
}

/// Names of hosts without ports.
pub fn hosts(text: &str) -> Result<Vec<String>, String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let check = |name: &str| {
        let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        if fits { Ok(name.to_owned()) } else { Err(format!("{name:?} is no name of a host; a port is not part of it")) }
    };
    names.map(check).collect()
}

/// Texts with commas between them.
pub fn list(text: &str) -> Result<Vec<String>, String> {
    Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
}

/// Each item of `text` must be one of `known`.
fn words(text: &str, known: &[&'static str]) -> Result<(), String> {
    let items = list(text)?;
    let Some(strange) = items.iter().find(|item| !known.contains(&item.as_str())) else { return Ok(()) };
    let hint = nearest(strange, known.iter().copied()).map(|near| format!("; did you mean {near:?}?"));
    Err(format!("there is no word {strange:?}{}", hint.unwrap_or_default()))
}

/// Each item of `text` must begin at the root and not go back.
fn paths(text: &str) -> Result<(), String> {
    for item in list(text)? {
        let path = Path::new(&item);
        if !path.is_absolute() {
            return Err(format!("{item:?} does not begin with /"));
        }
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(format!("{item:?} has .. in it"));
        }
    }
    Ok(())
}

/// Cores, in thousand-millionths.
pub fn cores(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        Ok(cores) if cores > 0.0 && cores <= CORES_MAX => Ok((cores * 1e9).round() as u64),
        Ok(_) => Err(format!("it is not above 0 and at most {CORES_MAX}")),
        Err(error) => Err(error.to_string()),
    }
}

/// An address to listen on.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    if let Some(port) = text.strip_prefix("localhost:").or_else(|| text.strip_prefix(':')) {
        let port = port.parse().map_err(|_| format!("{port:?} is not a port"))?;
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    text.parse().map_err(|_| "it needs an IP address, a colon and a port".to_owned())
}

/// `true` or `false`, also as `1`, `0`, `yes`, `no`, `on` and `off`.
pub fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("it is neither".to_owned()),
    }
}

/// A number of at least 1.
pub fn count(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(0) => Err("it is 0".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}

/// Bytes: a number with `B`, `KB`, `MB`, `GB` (thousands) or `KiB`, `MiB`, `GiB` (1024), or none.
pub fn size(text: &str) -> Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| "it does not begin with a whole number".to_owned())?;
    let factor: u64 = match unit.trim() {
        "" | "B" => 1,
        "K" | "KB" => 1000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        "Ki" | "KiB" => 1 << 10,
        "Mi" | "MiB" => 1 << 20,
        "Gi" | "GiB" => 1 << 30,
        other => return Err(format!("{other:?} is not a unit")),
    };
    number.checked_mul(factor).ok_or_else(|| "it is too large".to_owned())
}

fn url(text: &str) -> Result<(), String> {
    match text.strip_prefix("http://") {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => Ok(()),
        _ => Err("it must begin with http:// and a host".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("500KB"), Ok(500_000));
        assert_eq!(size("12"), Ok(12));
        assert_eq!(cores("0.5"), Ok(500_000_000));
        assert_eq!(list("a, b:c,,").unwrap(), ["a", "b:c"]);
        assert_eq!(address("localhost:80").unwrap().to_string(), "127.0.0.1:80");
        assert_eq!(address("[::1]:80").unwrap().to_string(), "[::1]:80");
        assert_eq!(hosts("mill.example, mill,").unwrap(), ["mill.example", "mill"]);
    }

    #[test]
    fn lists_of_words_and_paths_and_least_amounts_are_held() {
        const CONTROLLERS: Kind = Kind::Words(&["memory", "pids", "cpu"]);
        for (kind, text) in [
            (CONTROLLERS, "memory, cpu"),
            (CONTROLLERS, ""),
            (Kind::Paths, "/opt/tools, /srv"),
            (Kind::CountFrom(16), "16"),
            (Kind::SizeFrom("1MiB"), "1MiB"),
        ] {
            assert_eq!(check(kind, text), Ok(()), "{text}");
        }
        let error = check(CONTROLLERS, "memry").unwrap_err();
        assert!(error.ends_with("there is no word \"memry\"; did you mean \"memory\"?"), "{error}");
        let error = check(Kind::Word(&["strict", "on"]), "strct").unwrap_err();
        assert!(error.ends_with("did you mean \"strict\"?"), "{error}");
    }

    #[test]
    fn least_sizes_of_settings_are_sizes() {
        for key in crate::config::KEYS {
            if let Kind::SizeFrom(least) = key.kind {
                assert!(size(least).is_ok(), "{}", key.name);
            }
            assert!(key.default.is_none_or(|default| check(key.kind, default).is_ok()), "{}", key.name);
        }
    }

    #[test]
    fn wrong_values_say_what_is_expected() {
        for (kind, text) in [
            (Kind::Address, "127.0.0.1"),
            (Kind::Address, "localhost:99999"),
            (Kind::Switch, "maybe"),
            (Kind::Duration, "soon"),
            (Kind::Duration, "-1d"),
            (Kind::Count, "0"),
            (Kind::Size, "MiB"),
            (Kind::Size, "1 parsec"),
            (Kind::Url, "https://example.org"),
            (Kind::Project, "a b"),
            (Kind::Word(&["json"]), "xml"),
            (Kind::Path, ""),
            (Kind::CountFrom(16), "15"),
            (Kind::SizeFrom("1MiB"), "0"),
            (Kind::SizeFrom("1MiB"), "1023KiB"),
            (Kind::Words(&["memory", "pids"]), "memory,pid"),
            (Kind::Paths, "/opt,rel/path"),
            (Kind::Paths, "/opt/../etc"),
            (Kind::Cores, "0"),
            (Kind::Cores, "NaN"),
            (Kind::Cores, "-1"),
            (Kind::Hosts, "mill.example:7070"),
        ] {
            let error = check(kind, text).unwrap_err();
            assert!(error.contains(&kind.describe()), "{error}");
            assert_eq!(error.matches(" is not a duration").count(), usize::from(kind == Kind::Duration), "{error}");
        }
    }
}
