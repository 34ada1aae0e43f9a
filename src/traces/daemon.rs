//! X-Ray's daemon, which takes documents as UDP datagrams and sends them on.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::env::variable;

/// Where the daemon listens. Lambda sets it.
const VARIABLE: &str = "AWS_XRAY_DAEMON_ADDRESS";

/// What comes before a document in a datagram ("Sending trace data to AWS X-Ray", AWS X-Ray Developer Guide).
const HEADER: &str = "{\"format\": \"json\", \"version\": 1}\n";

/// The socket to the daemon.
pub(super) struct Daemon(UdpSocket);

impl Daemon {
    /// A socket to the daemon that the environment names.
    ///
    /// # Errors
    /// Where it names none, or no socket can be opened.
    pub(super) fn from_env() -> Result<Self, String> {
        let given = variable(VARIABLE).ok_or_else(|| format!("{VARIABLE} is not set: nothing is traced"))?;
        let address = address(&given)
            .ok_or_else(|| format!("{VARIABLE}={given}: an IP address and a port expected; nothing is traced"))?;
        Self::open(address).map_err(|error| format!("{VARIABLE}={given}: {error}; nothing is traced"))
    }

    fn open(address: SocketAddr) -> std::io::Result<Self> {
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(address)?;
        socket.set_nonblocking(true)?;
        Ok(Self(socket))
    }

    /// Sends a document. One that cannot be sent at once is lost, as is one that the daemon does not take: a run never
    /// waits for its trace.
    pub(super) fn send(&self, document: &str) {
        let _ = self.0.send(format!("{HEADER}{document}").as_bytes());
    }
}

/// The address in either form of the variable: `address:port`, or `tcp:address:port udp:address:port`.
fn address(given: &str) -> Option<SocketAddr> {
    let udp = given.split_whitespace().find_map(|part| part.strip_prefix("udp:"));
    udp.unwrap_or(given).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_in_either_form() {
        let expected = Some("127.0.0.1:2001".parse().unwrap());
        for given in ["127.0.0.1:2001", "tcp:127.0.0.1:2000 udp:127.0.0.1:2001", "udp:127.0.0.1:2001 tcp:127.0.0.2:1"] {
            assert_eq!(address(given), expected, "{given}");
        }
        assert!(["", "127.0.0.1", "tcp:127.0.0.1:2000", "daemon:2000"].iter().all(|given| address(given).is_none()));
    }

    #[test]
    fn a_datagram_is_the_header_and_the_document() {
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        Daemon::open(daemon.local_addr().unwrap()).unwrap().send("{}");
        let mut datagram = [0; 100];
        let length = daemon.recv(&mut datagram).unwrap();
        assert_eq!(&datagram[..length], b"{\"format\": \"json\", \"version\": 1}\n{}");
    }
}
