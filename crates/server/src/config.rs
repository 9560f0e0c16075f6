//! What an operator may set.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tidemill_core::access::{ContainerRules, ProcessRoles};

use crate::{AbacoConfig, AuthConfig};

/// Settings of the HTTP server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Names beside `localhost` under which a listener on loopback is reached; requests to the API under any other are refused.
    pub hosts: Vec<String>,
    /// How requests say who makes them.
    pub auth: AuthConfig,
    /// The weakest roles that may deploy code which runs as a process of this machine, where requests say who makes them.
    pub process_roles: ProcessRoles,
    /// What containers get, whoever asks.
    pub containers: ContainerRules,
    /// The Abaco face.
    pub abaco: AbacoConfig,
    /// The largest request body of a function whose http trigger names no limit, in bytes.
    pub body_bytes_max: u64,
    /// Memory that the bodies of all requests may take together, in bytes; a larger body waits, and is refused with 503 when
    /// that takes too long. A body larger than this is read alone; responses have as much.
    pub bodies_bytes_max: u64,
    /// The largest package, in bytes.
    pub package_bytes_max: u64,
    /// The largest JSON body of the native API (batches), in bytes.
    pub json_bytes_max: u64,
    /// Open connections; more are closed as soon as they come.
    pub connections_max: usize,
    /// The largest request head, in bytes; a larger one is answered with 431.
    pub head_bytes_max: usize,
    /// Headers in a request; more are answered with 431.
    pub headers_max: usize,
    /// How long a request head may take from its first byte on.
    pub header_read_timeout: Duration,
    /// How long a request body may bring nothing before it is answered with 408.
    pub request_read_timeout: Duration,
    /// How long a client may take nothing of a response.
    pub response_write_timeout: Duration,
    /// How long a connection may stay open without a request.
    pub idle_timeout: Duration,
    /// After how long without a request a connection gives back its buffers.
    pub quiet_after: Duration,
    /// How long a synchronous call with an idempotency key waits before it is answered with 202.
    pub wait_default: Duration,
    /// How long any request may wait for a result (`Prefer: wait`, `?wait=`).
    pub wait_max: Duration,
    /// How long open requests may go on when the server stops.
    pub drain_timeout: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 7070)),
            hosts: Vec::new(),
            auth: AuthConfig::default(),
            process_roles: ProcessRoles::usual(false),
            containers: ContainerRules::default(),
            abaco: AbacoConfig::default(),
            body_bytes_max: tidemill_core::limits::REQUEST_BODY_BYTES,
            bodies_bytes_max: 32 * 1024 * 1024,
            package_bytes_max: 256 * 1024 * 1024,
            json_bytes_max: 64 * 1024 * 1024,
            connections_max: 12_000,
            head_bytes_max: 16 * 1024,
            headers_max: 128,
            header_read_timeout: Duration::from_secs(10),
            request_read_timeout: Duration::from_secs(30),
            response_write_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(300),
            quiet_after: Duration::from_secs(1),
            wait_default: Duration::from_secs(60),
            wait_max: Duration::from_secs(600),
            drain_timeout: Duration::from_secs(30),
        }
    }
}

impl ServerConfig {
    /// The address of the listener for whoever is on this machine.
    pub(crate) fn own_address(&self) -> String {
        let mut address = self.listen;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
        }
        format!("http://{address}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_address_can_be_reached() {
        for (listen, address) in [
            ("127.0.0.1:7070", "http://127.0.0.1:7070"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("10.0.0.7:80", "http://10.0.0.7:80"),
        ] {
            let config = ServerConfig { listen: listen.parse().unwrap(), ..ServerConfig::default() };
            assert_eq!(config.own_address(), address);
        }
    }
}
