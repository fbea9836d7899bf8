//! A connection to a directory server: addresses that are judged, TLS, and time limits.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::LdapAccess;
use super::address::Address;
use super::error::LdapError;
use crate::network::ConnectError;
use crate::tls::{client_config, explain_certificate};

/// A byte stream to the server.
pub(super) enum Transport {
    /// Before TLS begins.
    Plain(TimedStream),
    /// Inside TLS.
    Tls(Box<StreamOwned<ClientConnection, TimedStream>>),
}

/// A TCP connection whose reads and writes end at a deadline.
pub(super) struct TimedStream {
    stream: TcpStream,
    deadline: Instant,
}

impl TimedStream {
    fn remaining(&self) -> io::Result<Duration> {
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(remaining) }
    }
}

/// A socket's time limit is reported as `WouldBlock` on some systems.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}

impl Read for TimedStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.remaining()?))?;
        self.stream.read(buffer).map_err(timed_out)
    }
}

impl Write for TimedStream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.remaining()?))?;
        self.stream.write(buffer).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Read for Transport {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Transport {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(buffer),
            Self::Tls(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

impl Transport {
    /// Connects to the host, to an address that was judged and to no other.
    pub(super) fn connect(address: &Address, access: &LdapAccess<'_>) -> Result<Self, LdapError> {
        let unreachable = |reason: String| ConnectError::Unreachable { host: address.server.shown(), reason };
        let resolved = address.server.resolve(access.judge_addresses)?;
        let deadline = Instant::now() + access.time_limit;
        let mut last = None;
        for socket in &resolved {
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                break;
            }
            match TcpStream::connect_timeout(socket, remaining) {
                Ok(stream) => {
                    // Requests are small and each is waited for.
                    stream.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
                    return Ok(Self::Plain(TimedStream { stream, deadline }));
                }
                Err(error) => last = Some(error),
            }
        }
        let reason = match last {
            Some(error) if error.kind() != io::ErrorKind::TimedOut => error.to_string(),
            _ => format!("no answer within {} s", access.time_limit.as_secs_f64()),
        };
        Err(unreachable(reason).into())
    }

    /// Sets when reads and writes end.
    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        match self {
            Self::Plain(stream) => stream.deadline = deadline,
            Self::Tls(stream) => stream.sock.deadline = deadline,
        }
    }

    /// Whether TLS protects what is sent.
    pub(super) fn is_encrypted(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Begins TLS and checks the server's certificate.
    pub(super) fn into_tls(self, address: &Address, access: &LdapAccess<'_>) -> Result<Self, LdapError> {
        let Self::Plain(mut stream) = self else { return Ok(self) };
        let failed =
            |reason: String| LdapError::from(ConnectError::Tls { host: address.server.shown(), reason });
        let name = ServerName::try_from(address.server.host.clone())
            .map_err(|_| failed("the host of `url` cannot be the name in a certificate".to_owned()))?;
        let config = client_config(&access.authorities).map_err(failed)?;
        let mut connection =
            ClientConnection::new(Arc::new(config), name).map_err(|error| failed(error.to_string()))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).map_err(|error| match tls_error(&error) {
                Some(error) => failed(explain(error, address)),
                None if error.kind() == io::ErrorKind::TimedOut => {
                    LdapError::TimedOut { host: address.server.shown(), limit: access.time_limit }
                }
                None => LdapError::Interrupted {
                    host: address.server.shown(),
                    reason: format!(
                        "TLS could not begin ({error}){}",
                        if address.starts_tls { "" } else { ", as on a port for `ldap://`" }
                    ),
                },
            })?;
        }
        Ok(Self::Tls(Box::new(StreamOwned::new(connection, stream))))
    }
}

/// Returns the error of TLS inside one of I/O.
fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// Says what is wrong with a handshake and what to do.
fn explain(error: &rustls::Error, address: &Address) -> String {
    if let Some(explained) = explain_certificate(error) {
        return explained;
    }
    match error {
        rustls::Error::InvalidMessage(_) => {
            let help = if address.starts_tls {
                "check that the server has a certificate"
            } else {
                "the port may be the one without TLS; `ldap://` connects there and starts TLS"
            };
            format!("the server does not answer with TLS\nhelp: {help}")
        }
        _ => error.to_string(),
    }
}
