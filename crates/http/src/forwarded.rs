//! The address of a client that is behind trusted proxies: what `X-Forwarded-For` says, as far as it can be believed.
//!
//! Each proxy appends the address that it was connected from, so the list is read from the right, and only as long as
//! a trusted proxy wrote the entry. Everything to the left of that, the client may have sent itself. An entry that
//! cannot be read ends the list: what is left of it is not known to be an address that a proxy wrote.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderValue};
use domesday_service::Network;

const HEADER: &str = "x-forwarded-for";

/// How many entries are read at most; chains of proxies are far shorter.
const MAX_ENTRIES: usize = 32;

/// Returns the address of the client: the rightmost one that is not a trusted proxy's, or the last one that can be
/// read, or the peer's own.
pub(crate) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    // A header that is repeated is one list; the last line was appended last.
    let mut lines: Vec<&HeaderValue> = headers.get_all(HEADER).iter().collect();
    lines.reverse();
    let entries = lines.into_iter().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for entry in entries.take(MAX_ENTRIES) {
        if !is_trusted(client) {
            break;
        }
        match parse_entry(entry) {
            Some(address) => client = address,
            None => break,
        }
    }
    client
}

/// Reads `ADDRESS`, `IPv4:PORT`, `[IPv6]` or `[IPv6]:PORT`.
fn parse_entry(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    // A zone index means something on the proxy's own machine only.
    let with_port = || text.parse::<SocketAddr>().ok().filter(|_| !text.contains('%')).map(|it| it.ip());
    let address = text.parse().ok().or_else(with_port).or_else(bracketed)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "10.0.0.1";

    fn client(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HEADER, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let trusted = ["10.0.0.0/24", "2001:db8:aa::1"].map(|network| network.parse().unwrap());
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_trusted_proxy_says_whom_it_was_connected_from() {
        for (lines, expected) in [
            (&["203.0.113.7"] as &[_], "203.0.113.7"),
            (&[" 203.0.113.7\t"], "203.0.113.7"),
            (&["6.6.6.6, 203.0.113.7"], "203.0.113.7"),
            (&["6.6.6.6, 203.0.113.7, 10.0.0.2"], "203.0.113.7"),
            (&["6.6.6.6, 203.0.113.7,10.0.0.2 , 2001:db8:aa::1"], "203.0.113.7"),
            // Several lines are one list, in order.
            (&["6.6.6.6", "203.0.113.7"], "203.0.113.7"),
            (&["203.0.113.7", "10.0.0.2"], "203.0.113.7"),
            (&["6.6.6.6, 203.0.113.7", "10.0.0.3, 10.0.0.2"], "203.0.113.7"),
            // Ports and brackets.
            (&["203.0.113.7:51234"], "203.0.113.7"),
            (&["203.0.113.7, 10.0.0.2:443"], "203.0.113.7"),
            (&["2001:db8::7"], "2001:db8::7"),
            (&["[2001:db8::7]"], "2001:db8::7"),
            (&["[2001:db8::7]:51234"], "2001:db8::7"),
            (&["203.0.113.7, [2001:db8:aa::1]:443"], "203.0.113.7"),
            // IPv4 in IPv6 is IPv4, for clients and for proxies.
            (&["::ffff:203.0.113.7"], "203.0.113.7"),
            (&["[::ffff:203.0.113.7]:51234"], "203.0.113.7"),
            (&["6.6.6.6, ::ffff:10.0.0.2"], "6.6.6.6"),
            (&["::ffff:cb00:7107"], "203.0.113.7"),
        ] {
            assert_eq!(client(PEER, lines), expected, "{lines:?}");
            assert_eq!(client("::ffff:10.0.0.1", lines), expected, "{lines:?} through a mapped peer");
        }
    }

    #[test]
    fn what_a_client_sends_before_is_not_believed() {
        for (lines, expected) in [
            (&["6.6.6.6,, 203.0.113.7"] as &[_], "203.0.113.7"),
            (&["garbage, 203.0.113.7"], "203.0.113.7"),
            (&["garbage", "203.0.113.7"], "203.0.113.7"),
            (&["", "203.0.113.7"], "203.0.113.7"),
            (&["10.0.0.2, 203.0.113.7"], "203.0.113.7"),
            (&["\u{fc}, 203.0.113.7"], "203.0.113.7"),
        ] {
            assert_eq!(client(PEER, lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn an_entry_that_cannot_be_read_ends_the_list() {
        for entry in [
            "",
            " ",
            "garbage",
            "unknown",
            "_hidden",
            "203.0.113",
            "203.0.113.07",
            "203.0.113.256",
            "203.0.113.7:",
            "203.0.113.7:65536",
            "203.0.113.7:-1",
            "203.0.113.7 6.6.6.6",
            "203.0.113.7;6.6.6.6",
            "2001:db8::7]:1",
            "[2001:db8::7",
            "[203.0.113.7]",
            "[2001:db8::7]51234",
            "fe80::1%eth0",
            "[fe80::1%2]:80",
            "\"203.0.113.7\"",
            "for=203.0.113.7",
            "http://203.0.113.7/",
            "\u{ff11}.1.1.1",
        ] {
            for (list, expected) in [
                (format!("6.6.6.6, {entry}"), PEER),
                (format!("6.6.6.6, {entry}, 10.0.0.2"), "10.0.0.2"),
                (format!("6.6.6.6, {entry}, 203.0.113.7, 10.0.0.2"), "203.0.113.7"),
            ] {
                assert_eq!(client(PEER, &[&list]), expected, "{list:?}");
            }
            assert_eq!(client(PEER, &["6.6.6.6", entry]), PEER, "{entry:?} as a line of its own");
        }
    }

    #[test]
    fn without_a_client_the_request_is_a_proxys_own() {
        assert_eq!(client(PEER, &[]), PEER);
        assert_eq!(client("::ffff:10.0.0.1", &[]), PEER);
        assert_eq!(client(PEER, &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
    }

    #[test]
    fn a_peer_that_is_no_proxy_is_the_client_whatever_it_sends() {
        for peer in ["203.0.113.9", "::ffff:203.0.113.9", "10.0.1.1", "2001:db8:aa::2"] {
            let expected = peer.strip_prefix("::ffff:").unwrap_or(peer);
            for lines in [&["6.6.6.6"] as &[_], &["6.6.6.6, 10.0.0.2"], &["10.0.0.1"], &["garbage"]] {
                assert_eq!(client(peer, lines), expected, "{lines:?}");
            }
        }
    }

    #[test]
    fn a_long_list_is_not_read_to_its_end() {
        let list = format!("6.6.6.6, {}", vec!["10.0.0.2"; 5_000].join(", "));
        assert_eq!(client(PEER, &[&list]), "10.0.0.2");
        let lines = ["10.0.0.2"; 5_000];
        assert_eq!(client(PEER, &lines), "10.0.0.2");
    }
}
