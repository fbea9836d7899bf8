//! The addresses of a source: resolved once, and judged before any is connected to.

use std::net::{SocketAddr, ToSocketAddrs};

/// Judges the addresses that a host was resolved to, before any is connected to; an error says why not.
pub type JudgeAddresses<'a> = &'a dyn Fn(&str, &[SocketAddr]) -> Result<(), String>;

/// Why a host has no address that may be connected to.
pub(crate) enum ResolveError {
    /// The name leads nowhere; with the reason.
    Unknown(String),
    /// The addresses may not be connected to; with the reason.
    NotAllowed(String),
}

/// Returns the addresses of a host that may be connected to.
///
/// # Errors
/// When the name cannot be resolved, or its addresses are not allowed.
pub(crate) fn resolve(
    host: &str,
    port: u16,
    judge: JudgeAddresses<'_>,
) -> Result<Vec<SocketAddr>, ResolveError> {
    let resolved: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|error| ResolveError::Unknown(format!("the name cannot be resolved ({error})")))?
        .collect();
    if resolved.is_empty() {
        return Err(ResolveError::Unknown("the name has no address".to_owned()));
    }
    judge(host, &resolved).map_err(ResolveError::NotAllowed)?;
    Ok(resolved)
}
