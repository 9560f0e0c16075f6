//! Which addresses a node may listen on.

use std::net::SocketAddr;

use crate::failure::Failure;

/// Refuses addresses beyond loopback unless the user has said that it is meant so.
pub fn check(address: SocketAddr, insecure: bool) -> Result<(), Failure> {
    if address.ip().is_loopback() || insecure {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "refusing to listen on {address}: it can be reached from other machines, and there is no authentication yet"
    ))
    .hint("listen on 127.0.0.1 and put a proxy that authenticates before it, or allow it with --insecure"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_without_insecure() {
        for (address, insecure, allowed) in [
            ("127.0.0.1:7070", false, true),
            ("127.8.8.8:7070", false, true),
            ("[::1]:7070", false, true),
            ("0.0.0.0:7070", false, false),
            ("192.168.1.2:7070", false, false),
            ("[::]:7070", false, false),
            ("0.0.0.0:7070", true, true),
        ] {
            assert_eq!(check(address.parse().unwrap(), insecure).is_ok(), allowed, "{address} {insecure}");
        }
    }
}
