//! Which hosts a function may reach, and at which addresses.
//!
//! A name leads wherever its owner lets it lead, also to the machine that asks or to a cloud's metadata address. So names and
//! wildcards lead to public addresses only, and to none of this machine. What is private is given as an address or as
//! `localhost`, which needs a role ([`tidemill_core::access::demands`]).

use std::{
    net::{IpAddr, Ipv4Addr, UdpSocket},
    str::FromStr,
    sync::LazyLock,
};

use tidemill_core::address::{is_private_host, is_public, split};

/// One entry of `allowHosts`: `host`, `host:port`, `*.domain` or `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    host: Host,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Any,
    /// With the dot, as in `.example.org`.
    Below(String),
    Named(String),
    Address(IpAddr),
}

/// Where a permitted host may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Public addresses.
    Public,
    /// To the address that was given, which is private, or whatever `localhost` is.
    Local,
}

impl FromStr for Pattern {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Pattern, &'static str> {
        if text.contains(['/', '@', ' ', '?', '#']) || text.is_empty() {
            return Err("is no host: write it as in example.org, *.example.org or 10.0.0.1:8080");
        }
        let (host, port) = split(text).ok_or("has a port that is none")?;
        let host = host.to_ascii_lowercase();
        let host = match host.strip_prefix('*') {
            Some("") => Host::Any,
            Some(domain) if domain.starts_with('.') && !domain.contains('*') => Host::Below(domain.to_owned()),
            Some(_) => return Err("has a star elsewhere than before a dot"),
            None if host.contains('*') => return Err("has a star elsewhere than at its beginning"),
            None => host.parse().map_or_else(|_| Host::Named(host), Host::Address),
        };
        Ok(Pattern { host, port })
    }
}

/// Where the host may lead, when one of the patterns permits it.
pub(crate) fn reach(patterns: &[Pattern], host: &str, port: u16) -> Option<Reach> {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    let fits = |pattern: &&Pattern| pattern.port.is_none_or(|wanted| wanted == port);
    let reach = |pattern: &Pattern| match (&pattern.host, address) {
        (Host::Any, _) => Some(Reach::Public),
        (Host::Below(domain), None) => host.ends_with(domain.as_str()).then_some(Reach::Public),
        (Host::Named(name), None) if *name == host => {
            Some(if is_private_host(&host) { Reach::Local } else { Reach::Public })
        }
        (Host::Address(wanted), Some(address)) if *wanted == address => {
            Some(if is_public(address) { Reach::Public } else { Reach::Local })
        }
        (Host::Below(_) | Host::Named(_) | Host::Address(_), _) => None,
    };
    let best = patterns.iter().filter(fits).filter_map(reach).max()?;
    address.is_none_or(|address| permits(best, address)).then_some(best)
}

/// Whether a host of this reach may be at `address`.
pub(crate) fn permits(reach: Reach, address: IpAddr) -> bool {
    match reach {
        Reach::Local => true,
        Reach::Public => is_public(address) && !is_ours(address),
    }
}

/// Whether it is a public address of this machine: behind it answers what trusts those who come from here.
fn is_ours(address: IpAddr) -> bool {
    static CAN_TELL: LazyLock<bool> = LazyLock::new(|| !is_bound(Ipv4Addr::new(192, 0, 2, 1).into()));
    is_bound(address) && *CAN_TELL
}

/// Whether one can be bound there, which, unless the system lets everybody, needs an address of this machine.
fn is_bound(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach_of(pattern: &str, host: &str, port: u16) -> Option<Reach> {
        reach(&[pattern.parse().unwrap()], host, port)
    }

    #[test]
    fn a_pattern_permits_its_host_and_no_other() {
        for (pattern, host, port, found) in [
            ("example.org", "example.org", 443, Some(Reach::Public)),
            ("example.org", "EXAMPLE.org.", 80, Some(Reach::Public)),
            ("example.org", "www.example.org", 443, None),
            ("example.org", "badexample.org", 443, None),
            ("example.org:8443", "example.org", 443, None),
            ("example.org:8443", "example.org", 8443, Some(Reach::Public)),
            ("*.example.org", "a.b.example.org", 80, Some(Reach::Public)),
            ("*.example.org", "example.org", 80, None),
            ("*", "anything.net", 80, Some(Reach::Public)),
            ("*", "93.184.216.34", 80, Some(Reach::Public)),
            ("*", "127.0.0.1", 80, None),
            ("*", "169.254.169.254", 80, None),
            ("*", "[::ffff:169.254.169.254]", 80, None),
            ("*", "10.0.0.8", 80, None),
            ("93.184.216.34", "93.184.216.34", 80, Some(Reach::Public)),
            ("10.0.0.8", "10.0.0.8", 80, Some(Reach::Local)),
            ("127.0.0.1:8080", "127.0.0.1", 8080, Some(Reach::Local)),
            ("127.0.0.1:8080", "127.0.0.1", 7070, None),
            ("[::1]:80", "[::1]", 80, Some(Reach::Local)),
            ("localhost", "localhost", 80, Some(Reach::Local)),
        ] {
            assert_eq!(reach_of(pattern, host, port), found, "{pattern} {host}:{port}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in ["", "http://x", "a*b", "*x", "x:99999", "user@x", "[::1"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_do_not_lead_to_this_machine() {
        let found = ["93.184.216.34", "127.0.0.1", "10.1.2.3"].map(|text| text.parse().unwrap());
        assert_eq!(found.map(|address| permits(Reach::Public, address)), [true, false, false]);
        assert_eq!(found.map(|address| permits(Reach::Local, address)), [true; 3]);
        assert!(is_ours("127.0.0.1".parse().unwrap()) && !is_ours("93.184.216.34".parse().unwrap()));
    }
}
