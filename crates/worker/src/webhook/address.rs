//! Which addresses an event may be posted to, and the resolver that leads to no other. Deciding is pure.
//!
//! A name is looked up once for each connection, and the connection goes to an address that was judged: a name that leads
//! elsewhere a moment later gains nothing.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The settings of a [`super::WebhookDriver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookConfig {
    /// Whether events may be posted to this machine and to private networks. Link-local addresses, where clouds tell a machine
    /// its secrets, are refused in any case.
    pub allow_private: bool,
}

impl Default for WebhookConfig {
    fn default() -> WebhookConfig {
        WebhookConfig { allow_private: true }
    }
}

/// Where clouds tell a machine its secrets by IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

impl WebhookConfig {
    /// Why nothing is posted to `address`; `None` when it may be.
    pub(super) fn refusal(self, address: IpAddr) -> Option<String> {
        let address = inner(address);
        let is_link_local = match address {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local() || v6 == METADATA_V6,
        };
        if is_link_local {
            return Some(format!("the address {address} is link-local, where nothing is posted to"));
        }
        if !self.allow_private && is_private(address) {
            return Some(format!(
                "the address {address} is this machine or in a private network, where nothing is posted to"
            ));
        }
        None
    }
}

/// The IPv4 address that an IPv6 address stands for, if it does.
fn inner(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let last =
        |v6: Ipv6Addr| IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(v6.to_bits() & 0xffff_ffff).unwrap_or_default()));
    match v6.segments() {
        // NAT64.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => last(v6),
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => last(v6),
        _ => v6.to_canonical(),
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            let is_benchmark = a == 198 && (18..20).contains(&b);
            v4.is_loopback() || v4.is_private() || a == 0 || a >= 224 || is_shared || is_benchmark
        }
        IpAddr::V6(v6) => {
            let is_site_local = v6.segments()[0] & 0xffc0 == 0xfec0;
            v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_multicast() || is_site_local
        }
    }
}

/// Looks names up and keeps the addresses that may be posted to.
pub(super) struct Resolver(pub WebhookConfig);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let config = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed = allowed(config, found).map_err(io::Error::other)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Those of `found` that may be posted to, or why there is none.
fn allowed(config: WebhookConfig, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, String> {
    let (mut allowed, mut refusal) = (Vec::new(), None);
    for address in found {
        match config.refusal(address.ip()) {
            Some(why) => refusal = Some(why),
            None => allowed.push(address),
        }
    }
    match refusal {
        Some(why) if allowed.is_empty() => Err(why),
        _ => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged() {
        for (address, with_private, without) in [
            ("93.184.216.34", true, true),
            ("2606:2800:220:1::1", true, true),
            ("127.0.0.1", true, false),
            ("127.8.8.8", true, false),
            ("10.1.2.3", true, false),
            ("172.16.0.1", true, false),
            ("192.168.1.1", true, false),
            ("100.64.0.1", true, false),
            ("0.0.0.0", true, false),
            ("255.255.255.255", true, false),
            ("::1", true, false),
            ("::", true, false),
            ("fd12::1", true, false),
            ("::ffff:10.0.0.1", true, false),
            ("64:ff9b::10.0.0.1", true, false),
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("64:ff9b::169.254.169.254", false, false),
            ("::169.254.169.254", false, false),
            ("fe80::1", false, false),
            ("fd00:ec2::254", false, false),
        ] {
            let may = |allow_private| WebhookConfig { allow_private }.refusal(address.parse().unwrap()).is_none();
            assert_eq!((may(true), may(false)), (with_private, without), "{address}");
        }
    }

    #[test]
    fn a_name_leads_only_to_what_is_allowed() {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let strict = WebhookConfig { allow_private: false };
        let mixed = addresses(&["127.0.0.1:0", "93.184.216.34:0"]);
        assert_eq!(allowed(strict, mixed.into_iter()).unwrap(), addresses(&["93.184.216.34:0"]));
        let error = allowed(strict, addresses(&["127.0.0.1:0"]).into_iter()).unwrap_err();
        assert!(error.contains("127.0.0.1 is this machine"), "{error}");
    }
}
