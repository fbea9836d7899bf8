//! Operations on a directory server, one after the other.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};

use super::address::Address;
use super::ber;
use super::entry::Entry;
use super::error::{LdapError, meaning, sign_in_reason};
use super::filter::Filter;
use super::message::{self, LdapResult, Operation, RawEntry, Response, Search, SearchScope};
use super::transport::Transport;
use super::{LdapAccess, LdapBounds};
use crate::network::ConnectError;

/// How many entries a page has.
const PAGE_SIZE: u32 = 500;

/// How many pages without an entry may follow each other. A server may filter a page after it counted it, but does not
/// go on like that forever.
const MAX_EMPTY_PAGES: usize = 1000;

/// How many other servers are named.
const MAX_REFERENCES: usize = 20;

/// A connection on which requests are sent.
pub(super) struct Client {
    transport: Transport,
    host: String,
    next_id: i64,
    time_limit: Duration,
    /// When the whole read ends.
    end: Instant,
    bounds: LdapBounds,
    /// How many bytes of values were received.
    received: u64,
    is_anonymous: bool,
}

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// Other servers that have more, the first few.
    pub(super) references: Vec<String>,
    /// How many entries there are, as the server estimates; 0 when it does not.
    pub(super) estimate: u64,
    /// Whether every page was read.
    pub(super) is_complete: bool,
}

/// A search of people or groups.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'s> {
    /// The field of the connection that the search comes from.
    pub(super) section: &'static str,
    pub(super) base: &'s str,
    pub(super) filter: &'s Filter,
    pub(super) attributes: &'s [String],
}

impl Client {
    /// Connects, begins TLS and binds.
    pub(super) fn open(
        address: &Address,
        bind_dn: Option<&str>,
        access: &LdapAccess<'_>,
    ) -> Result<Self, LdapError> {
        let now = Instant::now();
        let mut client = Self {
            transport: Transport::connect(address, access)?,
            host: address.server.shown(),
            next_id: 1,
            time_limit: access.time_limit,
            end: now + access.bounds.total_time,
            bounds: access.bounds.clone(),
            received: 0,
            is_anonymous: bind_dn.is_none(),
        };
        if address.starts_tls {
            client.start_tls()?;
        }
        client.extend_deadline();
        client.transport = client.transport.into_tls(address, access)?;
        if let (Some(name), Some(password)) = (bind_dn, &access.password) {
            client.bind(name, password)?;
        }
        Ok(client)
    }

    fn start_tls(&mut self) -> Result<(), LdapError> {
        let id = self.send(message::start_tls)?;
        match self.receive(id)?.operation {
            Operation::Extended(result) if result.code == 0 => Ok(()),
            Operation::Extended(result) => Err(ConnectError::Tls {
                host: self.host.clone(),
                reason: format!(
                    "the server refuses StartTLS ({}: `{}`)\nhelp: use `ldaps://` if the server has it, or give it a certificate",
                    meaning(result.code),
                    domesday_model::Excerpt(&result.message)
                ),
            }
            .into()),
            _ => Err(self.protocol("it does not answer StartTLS")),
        }
    }

    fn bind(&mut self, name: &str, password: &SecretString) -> Result<(), LdapError> {
        if !self.transport.is_encrypted() {
            return Err(self.protocol("a password is sent only through TLS"));
        }
        let id = self.send(|id| message::bind(id, name, password.expose_secret()))?;
        let Operation::Bind(result) = self.receive(id)?.operation else {
            return Err(self.protocol("it does not answer a bind"));
        };
        match result.code {
            0 => Ok(()),
            // No such entry and an invalid name are wrong credentials too, to servers that tell.
            32 | 34 | 49 => {
                let message = sign_in_reason(&result.message).map_or(result.message.clone(), str::to_owned);
                Err(LdapError::Credentials { bind_dn: name.to_owned(), message })
            }
            _ => Err(self.refused("sign in", "bindDn", "", result)),
        }
    }

    /// Reads one entry by its name; none when it does not exist.
    pub(super) fn entry(&mut self, base: &str, attributes: &[String]) -> Result<Option<Entry>, LdapError> {
        let filter = Filter::any();
        let search = Search { base, scope: SearchScope::Base, filter: &filter, attributes };
        let id = self.send(|id| message::search(id, search, None))?;
        let mut found = None;
        loop {
            match self.receive(id)?.operation {
                Operation::Entry(entry) => found = Some(self.keep(entry, attributes)?),
                Operation::Reference(_) | Operation::Intermediate => {}
                Operation::Done(result) if result.code == 0 => return Ok(found),
                Operation::Done(result) if result.code == 32 => return Ok(None),
                Operation::Done(result) => return Err(self.refused("read an entry", "url", base, result)),
                _ => return Err(self.protocol("it answers a search with something else")),
            }
        }
    }

    /// Searches everything below a base, page by page: all pages, or only the first.
    pub(super) fn search(&mut self, subject: Subject<'_>, only_first: bool) -> Result<Found, LdapError> {
        let Subject { base, filter, attributes, .. } = subject;
        let search = Search { base, scope: SearchScope::Subtree, filter, attributes };
        let mut found = Found::default();
        let (mut cookie, mut empty_pages) = (Vec::new(), 0);
        loop {
            let before = found.entries.len();
            let id = self.send(|id| message::search(id, search, Some((PAGE_SIZE, &cookie))))?;
            let page = self.page(id, subject, &mut found)?;
            let Some((estimate, next)) = page else {
                let message = "the server ignores paged results, so that entries may be missing".to_owned();
                return Err(LdapError::Incomplete(message));
            };
            found.estimate = found.estimate.max(estimate);
            if next.is_empty() {
                found.is_complete = true;
                break;
            }
            if only_first {
                break;
            }
            empty_pages = if found.entries.len() == before { empty_pages + 1 } else { 0 };
            if empty_pages > MAX_EMPTY_PAGES {
                let message = "the server sends page after page without an entry".to_owned();
                return Err(LdapError::Incomplete(message));
            }
            cookie = next;
        }
        self.complete_ranges(&mut found.entries)?;
        Ok(found)
    }

    /// Receives one page; returns the control of paged results at its end.
    fn page(
        &mut self,
        id: i64,
        subject: Subject<'_>,
        found: &mut Found,
    ) -> Result<Option<(u64, Vec<u8>)>, LdapError> {
        loop {
            let response = self.receive(id)?;
            match response.operation {
                Operation::Entry(entry) => {
                    if found.entries.len() >= self.bounds.entries {
                        return Err(LdapError::TooMuch {
                            what: format!(
                                "`{}` has more than {} entries",
                                subject.section, self.bounds.entries
                            ),
                            help: format!("narrow `{}.base` or `{0}.filter`", subject.section),
                        });
                    }
                    let entry = self.keep(entry, subject.attributes)?;
                    found.entries.push(entry);
                }
                Operation::Reference(urls) => {
                    let room = MAX_REFERENCES.saturating_sub(found.references.len());
                    found.references.extend(urls.into_iter().take(room));
                }
                Operation::Intermediate => {}
                Operation::Done(result) if result.code == 0 => return Ok(response.page),
                Operation::Done(result) => {
                    let operation = format!("search the {}", subject.section);
                    let field = format!("{}.base", subject.section);
                    return Err(self.refused(&operation, &field, subject.base, result));
                }
                Operation::Bind(_) | Operation::Extended(_) => {
                    return Err(self.protocol("it answers a search with something else"));
                }
            }
        }
    }

    /// Reads the rest of attributes of which the server sent only a range of values (MS-ADTS, section 3.1.1.3.1.3.3).
    fn complete_ranges(&mut self, entries: &mut [Entry]) -> Result<(), LdapError> {
        for entry in entries {
            while let Some((attribute, next)) = entry.open_range() {
                let requested = [format!("{attribute};range={next}-*")];
                let dn = entry.dn.clone();
                let incomplete = |what: &str| {
                    LdapError::Incomplete(format!(
                        "{what} `{}` in its values of `{attribute}`",
                        domesday_model::Excerpt(&dn)
                    ))
                };
                let Some(more) = self.entry(&dn, &requested)? else {
                    return Err(incomplete("the directory lost the entry"));
                };
                if !entry.append_range(&attribute, next, more) {
                    return Err(incomplete("the directory did not go on with the entry"));
                }
            }
        }
        Ok(())
    }

    /// Takes the attributes of an entry that were asked for.
    fn keep(&mut self, raw: RawEntry, requested: &[String]) -> Result<Entry, LdapError> {
        let entry = Entry::new(raw, requested, self.bounds.value_bytes);
        self.received = self.received.saturating_add(entry.bytes());
        if self.received > self.bounds.total_bytes {
            return Err(LdapError::TooMuch {
                what: format!("the directory sends more than {} MiB", self.bounds.total_bytes >> 20),
                help: "narrow the bases and filters of `users` and `groups`".to_owned(),
            });
        }
        Ok(entry)
    }

    /// Ends the connection as the protocol wants it. That it fails changes nothing.
    pub(super) fn close(mut self) {
        let _ = self.send(message::unbind);
    }

    fn extend_deadline(&mut self) {
        let deadline = (Instant::now() + self.time_limit).min(self.end);
        self.transport.set_deadline(deadline);
    }

    /// Sends a request and returns its id.
    fn send(&mut self, encode: impl FnOnce(i64) -> Vec<u8>) -> Result<i64, LdapError> {
        let id = self.next_id;
        self.next_id += 1;
        self.extend_deadline();
        let request = encode(id);
        self.transport
            .write_all(&request)
            .and_then(|()| self.transport.flush())
            .map_err(|error| self.io_error(&error))?;
        Ok(id)
    }

    /// Receives the next message, which must answer a request.
    fn receive(&mut self, id: i64) -> Result<Response, LdapError> {
        self.extend_deadline();
        let length = self.receive_header()?;
        if length > self.bounds.message_bytes {
            return Err(LdapError::TooMuch {
                what: format!(
                    "an entry of the directory has more than {} MiB",
                    self.bounds.message_bytes >> 20
                ),
                help: "narrow the filters, so that they leave it out".to_owned(),
            });
        }
        // The buffer grows with what arrives, not with what the server announces.
        let mut content = Vec::with_capacity(length.min(64 << 10));
        let wanted = length as u64;
        let read = (&mut self.transport).take(wanted).read_to_end(&mut content);
        read.map_err(|error| self.io_error(&error))?;
        if content.len() < length {
            return Err(self.io_error(&io::ErrorKind::UnexpectedEof.into()));
        }
        let response = Response::decode(&content).map_err(|_| self.protocol("a message is malformed"))?;
        match response {
            Response { id: 0, operation: Operation::Extended(result), .. } => Err(LdapError::Interrupted {
                host: self.host.clone(),
                reason: format!(
                    "the server ended it: {} `{}`",
                    meaning(result.code),
                    domesday_model::Excerpt(&result.message)
                ),
            }),
            response if response.id == id => Ok(response),
            _ => Err(self.protocol("it answers another request")),
        }
    }

    /// Receives the header of a message and returns the length of the rest.
    fn receive_header(&mut self) -> Result<usize, LdapError> {
        let mut header = Vec::with_capacity(10);
        loop {
            let mut byte = [0];
            self.transport.read_exact(&mut byte).map_err(|error| self.io_error(&error))?;
            header.push(byte[0]);
            match ber::header(&header) {
                Ok(None) => {}
                Ok(Some((ber::SEQUENCE, length, _))) => return Ok(length),
                Ok(Some(_)) | Err(_) => return Err(self.protocol("what it sends is not LDAP")),
            }
        }
    }

    fn io_error(&self, error: &io::Error) -> LdapError {
        match error.kind() {
            io::ErrorKind::TimedOut if Instant::now() >= self.end => LdapError::TooMuch {
                what: format!("reading took longer than {} s", self.bounds.total_time.as_secs_f64()),
                help: "narrow the filters, or read when the directory has less to do".to_owned(),
            },
            io::ErrorKind::TimedOut => {
                LdapError::TimedOut { host: self.host.clone(), limit: self.time_limit }
            }
            io::ErrorKind::UnexpectedEof => {
                LdapError::Interrupted { host: self.host.clone(), reason: "the server closed it".to_owned() }
            }
            _ => LdapError::Interrupted { host: self.host.clone(), reason: error.to_string() },
        }
    }

    fn protocol(&self, reason: &str) -> LdapError {
        LdapError::Protocol { host: self.host.clone(), reason: reason.to_owned() }
    }

    fn refused(&self, operation: &str, field: &str, base: &str, result: LdapResult) -> LdapError {
        let LdapResult { code, matched, message, referrals } = result;
        match code {
            // Active Directory answers with 1 to who did not bind.
            1 | 8 | 48 | 50 | 53 if self.is_anonymous => LdapError::AnonymousRefused { message },
            3 | 4 | 11 => LdapError::TooMuch {
                what: format!("the directory refused to {operation}: {}", meaning(code)),
                help: "raise the limits of the account of `bindDn` (OpenLDAP: `limits dn.exact=… size=unlimited time=unlimited`; Active \
                       Directory: the LDAP policy), or narrow the filter"
                    .to_owned(),
            },
            32 => LdapError::UnknownBase { field: field.to_owned(), base: base.to_owned(), matched },
            10 => {
                let servers = referrals.iter().take(MAX_REFERENCES).map(String::as_str).collect::<Vec<_>>().join(", ");
                LdapError::Refused { operation: operation.to_owned(), code, reason: meaning(code), message: servers }
            }
            _ => LdapError::Refused { operation: operation.to_owned(), code, reason: meaning(code), message },
        }
    }
}

#[cfg(test)]
mod tests;
