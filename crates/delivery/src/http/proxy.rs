//! Which proxy the environment names for an address, as curl and the AWS tools read it.
//!
//! `https_proxy` is for `https://` addresses, `http_proxy` for `http://`, and `all_proxy` where neither is set. The
//! lower-case name outranks the upper-case one, also when it is empty. `no_proxy` lists exceptions.

use std::fmt;
use std::net::IpAddr;

use ureq::Proxy;

use super::authority::is_authority;
use crate::{DeliveryError, Environment};

/// The proxies that an environment names. Their addresses may contain passwords and are never printed.
#[derive(Clone, Default)]
pub(crate) struct ProxySettings {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exceptions: Exceptions,
}

impl fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxySettings")
            .field("http", &self.http.is_some())
            .field("https", &self.https.is_some())
            .finish_non_exhaustive()
    }
}

impl ProxySettings {
    /// Reads the variables of an environment.
    ///
    /// # Errors
    /// When a variable is no address of a proxy; the message names the variable and repeats no password.
    pub(crate) fn from_environment(environment: &Environment) -> Result<Self, DeliveryError> {
        // A CGI process gets the client's `Proxy` header as HTTP_PROXY.
        let is_cgi = environment.get_even_empty("REQUEST_METHOD").is_some();
        let http_upper = if is_cgi { None } else { Some("HTTP_PROXY") };
        let all = variable(environment, "all_proxy", Some("ALL_PROXY"));
        let http = variable(environment, "http_proxy", http_upper).or(all);
        let https = variable(environment, "https_proxy", Some("HTTPS_PROXY")).or(all);
        let exceptions = variable(environment, "no_proxy", Some("NO_PROXY"));
        Ok(Self {
            http: parse(http)?,
            https: parse(https)?,
            exceptions: exceptions.map(|(_, list)| Exceptions::parse(list)).unwrap_or_default(),
        })
    }

    /// Returns the proxy for `http://` addresses.
    pub(crate) fn http(&self) -> Option<Proxy> {
        self.http.clone()
    }

    /// Returns the proxy for `https://` addresses.
    pub(crate) fn https(&self) -> Option<Proxy> {
        self.https.clone()
    }

    /// Returns the proxy through which an address is reached; `None` when it is reached directly.
    pub(crate) fn proxy_for(&self, url: &str) -> Option<&Proxy> {
        let (scheme, rest) = url.split_once("://")?;
        let proxy = if scheme == "https" { self.https.as_ref() } else { self.http.as_ref() }?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let default_port = if scheme == "https" { 443 } else { 80 };
        (!self.exceptions.contains(authority, default_port)).then_some(proxy)
    }
}

/// Returns the variable that counts and its value.
fn variable<'a>(
    environment: &'a Environment,
    lower: &'static str,
    upper: Option<&'static str>,
) -> Option<(&'static str, &'a str)> {
    let name = match environment.get_even_empty(lower) {
        Some(_) => lower,
        None => upper?,
    };
    environment.get_even_empty(name).map(|value| (name, value))
}

fn parse(variable: Option<(&'static str, &str)>) -> Result<Option<Proxy>, DeliveryError> {
    let Some((name, value)) = variable else { return Ok(None) };
    let value = value.trim();
    if value.is_empty() {
        return Ok(None);
    }
    let unusable = |reason: &str| {
        let message = format!("the environment variable {name} {reason}");
        Err(DeliveryError::Configuration { message })
    };
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let scheme = scheme.to_ascii_lowercase();
    if scheme.starts_with("socks") {
        return unusable("names a SOCKS proxy, which is not supported; name an HTTP proxy");
    }
    let no_address = "is no address of a proxy; write one such as http://proxy.example.com:3128";
    if scheme != "http" && scheme != "https" {
        return unusable(no_address);
    }
    // A password may contain a slash only as %2F.
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if !is_authority(host) {
        return unusable(no_address);
    }
    match Proxy::new(&format!("{scheme}://{authority}")) {
        Ok(proxy) => Ok(Some(proxy)),
        Err(_) => unusable(no_address),
    }
}

/// The hosts that are reached without a proxy.
#[derive(Debug, Clone, Default)]
struct Exceptions {
    /// `*`
    all: bool,
    entries: Vec<Exception>,
}

#[derive(Debug, Clone)]
struct Exception {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone)]
enum Hosts {
    /// A host and every host below it.
    Domain(String),
    /// The addresses that share so many bits.
    Network(IpAddr, u8),
}

impl Exceptions {
    /// Reads a list whose entries are separated by commas or blanks.
    fn parse(list: &str) -> Self {
        let words: Vec<_> =
            list.split([',', ' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()).collect();
        if words == ["*"] {
            return Self { all: true, entries: Vec::new() };
        }
        Self { all: false, entries: words.into_iter().filter_map(Exception::parse).collect() }
    }

    fn contains(&self, authority: &str, default_port: u16) -> bool {
        let (host, port) = split_port(authority);
        let (host, port) = (plain(host), port.unwrap_or(default_port));
        self.all || self.entries.iter().any(|entry| entry.matches(&host, port))
    }
}

impl Exception {
    fn parse(word: &str) -> Option<Self> {
        if let Some((address, bits)) = word.split_once('/') {
            let (address, bits): (IpAddr, u8) = (plain(address).parse().ok()?, bits.parse().ok()?);
            let is_valid = bits <= if address.is_ipv4() { 32 } else { 128 };
            return is_valid.then_some(Self { hosts: Hosts::Network(address, bits), port: None });
        }
        let (host, port) = split_port(word);
        let host = plain(host);
        let hosts = match host.parse::<IpAddr>() {
            Ok(address) => Hosts::Network(address, if address.is_ipv4() { 32 } else { 128 }),
            Err(_) => {
                let domain = host.strip_prefix('*').unwrap_or(&host).trim_start_matches('.');
                Hosts::Domain(domain.to_owned())
            }
        };
        Some(Self { hosts, port })
    }

    fn matches(&self, host: &str, port: u16) -> bool {
        let is_host = match &self.hosts {
            Hosts::Domain(domain) => host
                .strip_suffix(domain.as_str())
                .is_some_and(|rest| !domain.is_empty() && (rest.is_empty() || rest.ends_with('.'))),
            Hosts::Network(network, bits) => {
                host.parse().is_ok_and(|address| shares_bits(*network, address, *bits))
            }
        };
        is_host && self.port.is_none_or(|own| own == port)
    }
}

/// Splits a port off. An IPv6 address without brackets has none.
fn split_port(authority: &str) -> (&str, Option<u16>) {
    let is_plain_ipv6 = !authority.starts_with('[') && authority.matches(':').count() > 1;
    match authority.rsplit_once(':') {
        Some((host, port)) if !is_plain_ipv6 && !port.ends_with(']') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (authority, None),
        },
        _ => (authority, None),
    }
}

/// Returns a host in lower case, without brackets and the dot of the DNS root.
fn plain(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

/// Whether two addresses begin with the same bits.
fn shares_bits(a: IpAddr, b: IpAddr, bits: u8) -> bool {
    let (a, b) = match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()) << 96, u128::from(b.to_bits()) << 96),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits()),
        _ => return false,
    };
    bits == 0 || (a ^ b) >> (128 - u32::from(bits)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The host of the proxy for an address, `-` for none, or the error.
    fn chosen(variables: &[(&str, &str)], url: &str) -> String {
        let environment = Environment::from_variables(variables.iter().copied());
        match ProxySettings::from_environment(&environment) {
            Err(error) => error.to_string(),
            Ok(settings) => settings.proxy_for(url).map_or("-".to_owned(), |proxy| proxy.host().to_owned()),
        }
    }

    #[track_caller]
    fn check(variables: &[(&str, &str)], url: &str, expected: &str) {
        assert_eq!(chosen(variables, url), expected, "{variables:?} {url}");
    }

    const HTTP: &str = "http://s3.test/x";
    const HTTPS: &str = "https://s3.test/x";

    #[test]
    fn each_scheme_has_its_own_variable() {
        check(&[], HTTPS, "-");
        check(&[("HTTPS_PROXY", "http://p:1")], HTTPS, "p");
        check(&[("HTTPS_PROXY", "http://p:1")], HTTP, "-");
        check(&[("http_proxy", "http://p:1")], HTTP, "p");
        check(&[("http_proxy", "http://p:1")], HTTPS, "-");
        check(&[("ALL_PROXY", "http://p:1")], HTTP, "p");
        check(&[("ALL_PROXY", "http://p:1"), ("HTTPS_PROXY", "q")], HTTPS, "q");
        check(&[("https_proxy", "https://user:pw@p:1/")], HTTPS, "p");
    }

    #[test]
    fn the_lower_case_name_counts_and_cgi_ignores_http_proxy() {
        check(&[("HTTP_PROXY", "p")], HTTP, "p");
        check(&[("HTTP_PROXY", "p"), ("http_proxy", "q")], HTTP, "q");
        check(&[("HTTP_PROXY", "p"), ("http_proxy", "")], HTTP, "-");
        check(&[("HTTP_PROXY", "p"), ("REQUEST_METHOD", "GET")], HTTP, "-");
        check(&[("http_proxy", "p"), ("REQUEST_METHOD", "GET")], HTTP, "p");
        check(&[("HTTPS_PROXY", "p"), ("REQUEST_METHOD", "GET")], HTTPS, "p");
    }

    #[test]
    fn exceptions_are_domains_addresses_and_networks() {
        let direct = |list: &str, url: &str| chosen(&[("ALL_PROXY", "p"), ("NO_PROXY", list)], url) == "-";
        for (list, url) in [
            ("*", "https://anything.test"),
            ("example.com", "https://example.com"),
            ("example.com", "https://a.b.example.com:8443/x"),
            (".example.com", "https://example.com"),
            (".example.com", "https://a.example.com"),
            ("*.example.com", "https://a.example.com"),
            ("EXAMPLE.com.", "https://a.Example.COM./x"),
            ("a.test, b.test", "https://b.test"),
            ("a.test b.test", "https://b.test"),
            (" a.test ,\tb.test\n", "https://b.test"),
            ("localhost,127.0.0.1", "http://127.0.0.1:9000/"),
            ("10.0.0.0/8", "http://10.1.2.3"),
            ("192.168.1.0/25", "http://192.168.1.127"),
            ("::1", "http://[::1]:9000/"),
            ("[fd00::1]", "http://[fd00::1]/"),
            ("fd00::/8", "http://[fd12::1]/"),
            ("example.com:8443", "https://example.com:8443"),
            ("example.com:443", "https://example.com/"),
            ("[::1]:9000", "http://[::1]:9000/"),
        ] {
            assert!(direct(list, url), "{list} {url}");
        }
        for (list, url) in [
            ("", "https://example.com"),
            ("example.com", "https://badexample.com"),
            ("example.com", "https://example.com.evil.test"),
            ("a.test,*", "https://b.test"),
            ("10.0.0.0/8", "http://11.0.0.1"),
            ("10.0.0.0/8", "http://10.example.com"),
            ("10.0.0.0/33", "http://10.0.0.1"),
            ("192.168.1.0/25", "http://192.168.1.128"),
            ("127.0.0.1", "http://localhost"),
            ("fd00::/8", "http://10.0.0.1/"),
            ("example.com:8443", "https://example.com"),
            ("., ,", "https://example.com"),
        ] {
            assert!(!direct(list, url), "{list} {url}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_an_error_that_names_the_variable_and_no_password() {
        for (name, value, word) in [
            ("HTTPS_PROXY", "http://user:planted@", "HTTPS_PROXY"),
            ("https_proxy", "ftp://p:1", "https_proxy"),
            ("HTTPS_PROXY", "http://", "proxy.example.com"),
            ("HTTPS_PROXY", "http://a b:1", "no address"),
            ("HTTPS_PROXY", "http://user:planted@p:port", "no address"),
            ("HTTPS_PROXY", "http://user:planted@p:99999", "no address"),
            ("ALL_PROXY", "socks5://user:planted@p:1080", "SOCKS"),
            ("http_proxy", "://p", "http_proxy"),
            ("HTTPS_PROXY", "http://us er:planted@p:1", "HTTPS_PROXY"),
        ] {
            let error = chosen(&[(name, value)], HTTPS);
            assert!(error.contains(word) && error.contains(name), "{value}: {error}");
            assert!(!error.contains("planted"), "{error}");
        }
        let shown = ProxySettings::from_environment(&Environment::from_variables([(
            "HTTPS_PROXY",
            "http://user:planted@p:1",
        )]));
        assert!(!format!("{shown:?}").contains("planted"));
    }
}
