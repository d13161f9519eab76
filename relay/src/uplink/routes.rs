//! Whether the host uses our network's addresses already: then its packets and ours would go astray.

use crate::subnet::Subnet;
use std::net::Ipv4Addr;

/// The first interface with a route that overlaps with our network, and where the route leads.
pub(crate) fn overlapping(subnet: Subnet) -> Option<(String, Subnet)> {
    find(&std::fs::read_to_string("/proc/net/route").ok()?, subnet)
}

/// Looks through the kernel's table: interface, destination, gateway, flags, …, mask as the eighth; addresses in
/// hexadecimal, as this machine holds a word in network order.
fn find(table: &str, subnet: Subnet) -> Option<(String, Subnet)> {
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let address = |column: usize| {
            let word = u32::from_str_radix(columns.get(column)?, 16).ok()?;
            Some(Ipv4Addr::from(word.to_ne_bytes()))
        };
        let prefix_length = u8::try_from(address(7)?.to_bits().leading_ones()).ok()?;
        let network = Subnet::around(address(1)?, prefix_length);
        // A route as wide as the default one is everybody's, and a narrower one of ours beats it.
        let clash = prefix_length > 8 && network.overlaps(subnet);
        clash.then(|| ((*columns.first().unwrap_or(&"?")).to_owned(), network))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        wg0\t00004D0A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";

    #[test]
    fn a_route_to_the_same_addresses_is_found_and_the_default_is_not() {
        if cfg!(target_endian = "big") {
            return; // the table above is a little-endian machine's
        }
        let found = find(TABLE, "10.77.0.0/20".parse().unwrap()).unwrap();
        assert_eq!(
            (found.0.as_str(), found.1.to_string().as_str()),
            ("wg0", "10.77.0.0/16")
        );
        assert_eq!(find(TABLE, "10.78.0.0/20".parse().unwrap()), None);
        assert_eq!(find("", "10.78.0.0/20".parse().unwrap()), None);
    }
}
