//! Which addresses are of the internet. Whoever may name a host may name any: what is not public is this machine, its link, a
//! network behind it, or a door of the cloud that it runs in.

use std::net::{IpAddr, Ipv4Addr};

/// Host and port of `host`, `host:port` or `[address]:port`; an address of version 6 stands in brackets when a port follows. `None`
/// when the port is none.
pub fn split(text: &str) -> Option<(&str, Option<u16>)> {
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

/// Whether a host, without its port, is `localhost` or an address that is not public. Names are not looked up.
pub fn is_private_host(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address| !is_public(address))
}

/// Whether an address is of the internet, and no door of a cloud.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => is_public_four(four),
        IpAddr::V6(six) => match six.octets() {
            // Mapped (::ffff:a.b.c.d) and translated (64:ff9b::a.b.c.d).
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
            | [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => is_public_four(Ipv4Addr::new(a, b, c, d)),
            // Nothing else is given to anybody than 2000::/3. Teredo (in 2001::/23) and 6to4 (2002::/16) hold addresses of version 4,
            // the other two are for documentation.
            [0x20, 0x01, c, ..] if c < 2 => false,
            [0x20, 0x01, 0x0d, 0xb8, ..] | [0x20, 0x02, ..] => false,
            [0x3f, 0xff, c, ..] if c < 0x10 => false,
            [first, ..] => first & 0xe0 == 0x20,
        },
    }
}

fn is_public_four(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = matches!(
        (a, b, c),
        // This network, this machine, multicast, reserved, broadcast.
        (0 | 127 | 224.., _, _)
            // Private networks, those of carriers, and links.
            | (10, _, _) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) | (169, 254, _)
            // Protocols, documentation, relays of 6to4, measurements.
            | (192, 0, 0 | 2) | (192, 88, 99) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113)
    );
    // A public address at which a cloud (Azure) serves its machines.
    !is_special && address != Ipv4Addr::new(168, 63, 129, 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_internet_is_known() {
        let public = ["93.184.216.34", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2606:2800:220:1::1", "2a00::1"];
        for address in public.into_iter().chain(["::ffff:93.184.216.34", "64:ff9b::5db8:d822", "2001:4860:4860::8888"])
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "127.8.8.8",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2001::1",
            "2001:0:4136:e378::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "fc00::1",
            "fd00::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn hosts_that_are_private_say_so() {
        for host in ["localhost", "LocalHost", "127.0.0.1", "::1", "10.0.0.8"] {
            assert!(is_private_host(host), "{host}");
        }
        for host in ["example.org", "93.184.216.34", "*", "10.example.org"] {
            assert!(!is_private_host(host), "{host}");
        }
        assert_eq!(split("[::1]:80"), Some(("::1", Some(80))));
        assert_eq!(split("::1"), Some(("::1", None)));
        assert_eq!(split("a:b"), None);
    }
}
