//! Which hosts a function may reach, and at which addresses.
//!
//! A name leads wherever its owner lets it lead, also to the machine that asks or to a cloud's metadata address. So a host
//! that is named may be of a private network, but is never on this machine or its link unless it is `localhost` or is given as
//! an address; and what a wildcard permits is public.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

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
    /// Those and private networks.
    Private,
    /// Everywhere.
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

/// Host and port; an address of version 6 stands in brackets when a port follows.
fn split(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port.parse().ok()?))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => Some((host, Some(port.parse().ok()?))),
        _ => Some((text, None)),
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
            Some(if host == "localhost" { Reach::Local } else { Reach::Private })
        }
        (Host::Address(wanted), Some(address)) if *wanted == address => Some(Reach::Local),
        (Host::Below(_) | Host::Named(_) | Host::Address(_), _) => None,
    };
    let best = patterns.iter().filter(fits).filter_map(reach).max()?;
    address.is_none_or(|address| permits(best, address)).then_some(best)
}

/// Whether a host of this reach may be at `address`.
pub(crate) fn permits(reach: Reach, address: IpAddr) -> bool {
    match reach {
        Reach::Local => true,
        Reach::Private => !is_near(address),
        Reach::Public => !is_near(address) && !is_private(address),
    }
}

/// The address that is meant, when one of version 4 is written in version 6.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => match six.octets() {
            // Mapped (::ffff:a.b.c.d), compatible (::a.b.c.d) and translated (64:ff9b::a.b.c.d).
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
            | [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => Ipv4Addr::new(a, b, c, d).into(),
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] if six != Ipv6Addr::LOCALHOST => {
                Ipv4Addr::new(a, b, c, d).into()
            }
            _ => address,
        },
        IpAddr::V4(_) => address,
    }
}

/// This machine, its link, or no single host.
fn is_near(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(four) => {
            four.octets()[0] == 0
                || four.is_loopback()
                || four.is_link_local()
                || four.is_multicast()
                || four.is_broadcast()
        }
        IpAddr::V6(six) => {
            six.is_unspecified() || six.is_loopback() || six.is_unicast_link_local() || six.is_multicast()
        }
    }
}

/// Networks that are not of the internet.
fn is_private(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(four) => {
            let [a, b, ..] = four.octets();
            four.is_private()
                || four.is_documentation()
                || (a == 100 && b & 0xc0 == 64)
                || (a == 198 && b & 0xfe == 18)
                || a >= 240
        }
        IpAddr::V6(six) => six.is_unique_local() || six.segments()[0] == 0x2001 && six.segments()[1] == 0xdb8,
    }
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
            ("example.org", "example.org", 443, Some(Reach::Private)),
            ("example.org", "EXAMPLE.org.", 80, Some(Reach::Private)),
            ("example.org", "www.example.org", 443, None),
            ("example.org", "badexample.org", 443, None),
            ("example.org:8443", "example.org", 443, None),
            ("example.org:8443", "example.org", 8443, Some(Reach::Private)),
            ("*.example.org", "a.b.example.org", 80, Some(Reach::Public)),
            ("*.example.org", "example.org", 80, None),
            ("*", "anything.net", 80, Some(Reach::Public)),
            ("*", "93.184.216.34", 80, Some(Reach::Public)),
            ("*", "127.0.0.1", 80, None),
            ("*", "169.254.169.254", 80, None),
            ("*", "[::ffff:169.254.169.254]", 80, None),
            ("*", "10.0.0.8", 80, None),
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
        for (address, private, public) in [
            ("93.184.216.34", true, true),
            ("10.1.2.3", true, false),
            ("100.64.0.1", true, false),
            ("127.0.0.1", false, false),
            ("0.0.0.0", false, false),
            ("169.254.169.254", false, false),
            ("::1", false, false),
            ("::ffff:127.0.0.1", false, false),
            ("64:ff9b::7f00:1", false, false),
            ("fe80::1", false, false),
            ("fd00::1", true, false),
            ("2606:2800:220:1::1", true, true),
        ] {
            let ip = address.parse().unwrap();
            assert_eq!((permits(Reach::Private, ip), permits(Reach::Public, ip)), (private, public), "{address}");
        }
    }
}
