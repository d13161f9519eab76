//! Values of flags that have a form of their own.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// A DNS server: an address and, if it is not 53, a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsServer(pub SocketAddr);

impl FromStr for DnsServer {
    type Err = String;

    fn from_str(text: &str) -> Result<DnsServer, String> {
        let whole = text.parse::<SocketAddr>();
        whole
            .or_else(|_| {
                text.parse()
                    .map(|address: IpAddr| SocketAddr::new(address, 53))
            })
            .map(DnsServer)
            .map_err(|_| {
                format!("`{text}` is not an address; write it like 192.0.2.53 or 192.0.2.53:5353")
            })
    }
}

/// A name and its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostEntry {
    /// The name, in lower case, without a dot at its end.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
}

impl FromStr for HostEntry {
    type Err = String;

    fn from_str(text: &str) -> Result<HostEntry, String> {
        let form = || {
            format!(
                "`{text}` is not a name with an address; write it like www.example.com=10.77.0.1"
            )
        };
        let (name, address) = text.split_once('=').ok_or_else(form)?;
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let address = address.parse().map_err(|_| form())?;
        if name.is_empty() {
            return Err(form());
        }
        Ok(HostEntry { name, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_names_are_read_as_people_write_them() {
        assert_eq!(
            "192.0.2.1".parse::<DnsServer>().unwrap().0,
            "192.0.2.1:53".parse().unwrap()
        );
        assert_eq!(
            "[::1]:5353".parse::<DnsServer>().unwrap().0,
            "[::1]:5353".parse().unwrap()
        );
        let entry: HostEntry = "WWW.Example.com.=10.77.0.1".parse().unwrap();
        assert_eq!(entry.name, "www.example.com");
    }
}
