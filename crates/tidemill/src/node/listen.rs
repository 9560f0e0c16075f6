//! Which addresses a node may listen on.

use std::net::SocketAddr;

use crate::failure::Failure;

/// Refuses addresses beyond loopback unless requests say who makes them, or the user has said that it is meant so.
pub fn check(address: SocketAddr, insecure: bool) -> Result<(), Failure> {
    if address.ip().is_loopback() || insecure {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "refusing to listen on {address}: it can be reached from other machines, and nobody is asked who they are"
    ))
    .hint(
        "ask for tokens with the settings auth.mode and auth.tenants, listen on 127.0.0.1, or allow it with --insecure",
    ))
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
