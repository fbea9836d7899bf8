//! Hosts and ports as they are written in addresses.

use std::net::Ipv6Addr;

/// Whether a text is a host, or a host and a port.
pub(crate) fn is_authority(text: &str) -> bool {
    let (is_host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            let port = if rest.is_empty() { Some(None) } else { rest.strip_prefix(':').map(Some) };
            let Some(port) = port else { return false };
            (address.parse::<Ipv6Addr>().is_ok(), port)
        }
        None => {
            let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
            (name.len() <= 253 && name.split('.').all(is_label), port)
        }
    };
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    is_host && port.is_none_or(is_port)
}

/// Whether a text is a part of a host's name.
fn is_label(text: &str) -> bool {
    let in_label = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=63).contains(&text.len())
        && text.chars().all(in_label)
        && !text.starts_with('-')
        && !text.ends_with('-')
}
