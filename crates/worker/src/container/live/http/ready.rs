//! Waiting until a server in a container accepts connections.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use tidemill_core::spec::Container;

use super::pool::{Address, Pool, SOCKET};
use crate::container::engine::ContainerFacts;

/// The first wait between two tries; each is longer than the one before.
const FIRST_WAIT: Duration = Duration::from_millis(5);
const WAIT_MAX: Duration = Duration::from_millis(100);
/// How long one try may take.
const TRY_MAX: Duration = Duration::from_secs(1);
/// The port of a function that names none.
pub(super) const PORT: u16 = 8080;

/// Where the server may listen: at the container's address, if it has one that this machine reaches, and at the socket in
/// its folder.
pub(super) fn addresses(container: &Container, facts: &ContainerFacts, folder: &Path) -> Vec<Address> {
    let port = container.port.unwrap_or(PORT);
    let ip = match container.networks.first().map(String::as_str) {
        Some("none") => None,
        Some("host") => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        Some(name) => facts.addresses.get(name).or_else(|| facts.addresses.values().next()).copied(),
        None => facts.addresses.values().next().copied(),
    };
    let by_port = ip.map(|ip| Address::Port(SocketAddr::new(ip, port)));
    by_port.into_iter().chain([Address::Socket(folder.to_owned())]).collect()
}

/// Tries the pools in turn until one of them has a connection, which it keeps. Does not end before.
pub(super) async fn first_ready(mut pools: Vec<Pool>) -> Pool {
    let mut wait = FIRST_WAIT;
    loop {
        for at in 0..pools.len() {
            if let Ok(Ok(sender)) = tokio::time::timeout(TRY_MAX, pools[at].connect()).await {
                pools[at].give_back(sender);
                return pools.swap_remove(at);
            }
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(WAIT_MAX);
    }
}

/// What to do about a server that was not found.
pub(super) fn hint(addresses: &[Address]) -> String {
    let has_port = addresses.iter().any(|address| matches!(address, Address::Port(_)));
    if has_port {
        format!(
            "the server must listen at 0.0.0.0 and the port in $PORT, or at the Unix socket /tidemill/{SOCKET}, which is $TIDEMILL_HTTP_SOCKET"
        )
    } else {
        format!(
            "without a network the server must listen at the Unix socket /tidemill/{SOCKET}, which is $TIDEMILL_HTTP_SOCKET"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::container::engine::{ContainerId, ContainerStatus};

    #[test]
    fn a_server_is_looked_for_where_its_container_is() {
        let facts = |addresses: &[(&str, &str)]| ContainerFacts {
            id: ContainerId::new("c"),
            status: ContainerStatus::Running,
            exit_code: 0,
            is_oom_killed: false,
            error: String::new(),
            run_time: None,
            state: serde_json::Value::Null,
            addresses: addresses.iter().map(|(name, ip)| ((*name).to_owned(), ip.parse().unwrap())).collect(),
            published: BTreeMap::new(),
            labels: BTreeMap::new(),
        };
        let both = [("bridge", "172.17.0.2"), ("own", "10.0.0.3")];
        for (networks, port, addresses, expected) in [
            (&[][..], None, &both[..1], Some("172.17.0.2:8080")),
            (&["own", "bridge"], Some(9000), &both, Some("10.0.0.3:9000")),
            (&["host"], Some(9000), &[], Some("127.0.0.1:9000")),
            (&["none"], None, &[], None),
            (&[], None, &[], None),
        ] {
            let networks: Vec<String> = networks.iter().map(|name| (*name).to_owned()).collect();
            let container = Container { networks, port, ..Container::default() };
            let mut wanted: Vec<Address> = expected.iter().map(|text| Address::Port(text.parse().unwrap())).collect();
            wanted.push(Address::Socket("/f".into()));
            let found = addresses_of(&container, &facts(addresses));
            assert_eq!(found, wanted);
            assert_eq!(hint(&found).contains("0.0.0.0"), expected.is_some());
        }
    }

    fn addresses_of(container: &Container, facts: &ContainerFacts) -> Vec<Address> {
        addresses(container, facts, Path::new("/f"))
    }
}
