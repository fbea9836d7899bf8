//! The URL of a database: `postgres://user@host[:port]/database[?sslmode=…]`.

use domesday_model::Excerpt;
use percent_encoding::percent_decode_str;

use super::error::PostgresError;
use crate::network::HostAndPort;

/// The port that a URL need not name.
const USUAL_PORT: u16 = 5432;

/// How TLS protects the connection, by the names of libpq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SslMode {
    /// Never.
    Disable,
    /// If the server can; whoever answers is taken for the server.
    Prefer,
    /// Always; whoever answers is taken for the server.
    Require,
    /// Always, with a server whose certificate a trusted authority signed.
    VerifyCa,
    /// Always, with the server whose name such a certificate has.
    VerifyFull,
}

impl SslMode {
    const ALL: [(&'static str, Self); 5] = [
        ("disable", Self::Disable),
        ("prefer", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];
}

/// The address of a database, and who connects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// The host in small letters, and the port.
    pub(super) server: HostAndPort,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) ssl_mode: SslMode,
}

impl Address {
    /// Parses a URL. Without `sslmode` the certificate of the server is verified, unless the server is on this machine.
    ///
    /// # Errors
    /// When it has another scheme, lacks a part, or has any further one.
    pub(super) fn parse(url: &str) -> Result<Self, PostgresError> {
        let rest = ["postgres://", "postgresql://"].into_iter().find_map(|scheme| url.strip_prefix(scheme));
        let Some(rest) = rest else {
            return wrong("expected postgres://USER@HOST/DATABASE");
        };
        if rest.contains('#') {
            return wrong("write `#` as %23");
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, server) = authority.rsplit_once('@').unwrap_or(("", authority));
        if user.contains(':') {
            return wrong("it contains a password; give it as `password` instead, which is never shown");
        }
        if user.is_empty() {
            return wrong("it names no user: expected postgres://USER@HOST/DATABASE");
        }
        if database.is_empty() {
            return wrong("it names no database: expected postgres://USER@HOST/DATABASE");
        }
        if database.contains('/') {
            return wrong("write a `/` in the name of the database as %2F");
        }
        if server.contains(',') {
            return wrong("it names several hosts; name the one that is to be read");
        }
        let mut server = HostAndPort::parse(server, USUAL_PORT).or_else(wrong)?;
        server.host.make_ascii_lowercase();
        let mut ssl_mode = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", mode)) => ssl_mode = Some(parse_mode(mode)?),
                _ => {
                    let name = pair.split('=').next().unwrap_or_default();
                    return wrong(format!(
                        "the parameter `{}` is not supported; only `sslmode` is",
                        Excerpt(name)
                    ));
                }
            }
        }
        let is_here = server.host == "localhost"
            || server.host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let default = if is_here { SslMode::Prefer } else { SslMode::VerifyFull };
        Ok(Self {
            server,
            user: decode(user, "user")?,
            database: decode(database, "database")?,
            ssl_mode: ssl_mode.unwrap_or(default),
        })
    }

    /// Returns the host as data sources have it: with the port where that is not the usual one.
    pub(super) fn place(&self) -> String {
        let Self { server, .. } = self;
        if server.port == USUAL_PORT { server.host.clone() } else { server.shown() }
    }
}

fn wrong<T>(message: impl Into<String>) -> Result<T, PostgresError> {
    Err(PostgresError::Configuration { field: "url", message: message.into() })
}

fn parse_mode(mode: &str) -> Result<SslMode, PostgresError> {
    let found = SslMode::ALL.into_iter().find(|(name, _)| *name == mode);
    found.map_or_else(
        || {
            let names: Vec<_> = SslMode::ALL.iter().map(|(name, _)| *name).collect();
            wrong(format!("`sslmode` is one of {}; found `{}`", names.join(", "), Excerpt(mode)))
        },
        |(_, mode)| Ok(mode),
    )
}

fn decode(text: &str, part: &str) -> Result<String, PostgresError> {
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) if !decoded.contains('\0') => Ok(decoded.into_owned()),
        _ => wrong(format!("the {part} is not text in UTF-8 without U+0000")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_address_are_read() {
        let table = [
            ("postgres://r@db.acme.example/fin", ("db.acme.example", "r", "fin", SslMode::VerifyFull)),
            ("postgresql://r@DB:5433/fin?sslmode=require", ("db:5433", "r", "fin", SslMode::Require)),
            ("postgres://a%40b@[2001:db8::1]/f%2Fi", ("2001:db8::1", "a@b", "f/i", SslMode::VerifyFull)),
            ("postgres://r@[::1]:5433/fin", ("[::1]:5433", "r", "fin", SslMode::Prefer)),
            ("postgres://r@localhost/fin?", ("localhost", "r", "fin", SslMode::Prefer)),
            ("postgres://r@127.0.0.1/fin?sslmode=disable", ("127.0.0.1", "r", "fin", SslMode::Disable)),
        ];
        for (url, (place, user, database, mode)) in table {
            let address = Address::parse(url).unwrap();
            let found = (address.place(), address.user, address.database, address.ssl_mode);
            assert_eq!(found, (place.to_owned(), user.to_owned(), database.to_owned(), mode), "{url}");
        }
    }

    #[test]
    fn other_urls_are_refused_with_what_to_do() {
        let table = [
            ("mysql://r@db/fin", "expected postgres://"),
            ("postgres://r:secret@db/fin", "give it as `password`"),
            ("postgres://db/fin", "names no user"),
            ("postgres://r@db", "names no database"),
            ("postgres://r@db/", "names no database"),
            ("postgres://r@db/a/b", "%2F"),
            ("postgres://r@/fin", "the name or the address of a host"),
            ("postgres://r@%2Frun%2Fpostgresql/fin", "the name or the address of a host"),
            ("postgres://r@one,two/fin", "several hosts"),
            ("postgres://r@2001:db8::1/fin", "in brackets"),
            ("postgres://r@db:0/fin", "a port"),
            ("postgres://r@db/fin?sslmode=on", "is one of disable"),
            ("postgres://r@db/fin?host=10.0.0.1", "`host` is not supported"),
            ("postgres://r@db/fin?password=secret", "`password` is not supported"),
            ("postgres://r%00@db/fin", "the user"),
        ];
        for (url, expected) in table {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
