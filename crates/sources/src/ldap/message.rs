//! Messages of LDAP (RFC 4511) as bytes: requests that are sent, responses that are read.

use super::ber::{BOOLEAN, ENUMERATED, INTEGER, Malformed, OCTET_STRING, Reader, SEQUENCE, SET, Writer};
use super::filter::Filter;

/// The control of paged results (RFC 2696).
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";
/// The extended operation that starts TLS (RFC 4511, section 4.14).
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";

/// How many attributes and values an entry may have. Each occupies more memory than its two bytes in a message.
const MAX_VALUES: usize = 2_000_000;
/// How many texts of a list of servers are kept.
const MAX_TEXTS: usize = 100;
/// How many bytes of the words of a server are kept.
const MAX_TEXT_BYTES: usize = 1000;

const BIND_REQUEST: u8 = 0x60;
const BIND_RESPONSE: u8 = 0x61;
const UNBIND_REQUEST: u8 = 0x42;
const SEARCH_REQUEST: u8 = 0x63;
const SEARCH_ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
const SEARCH_REFERENCE: u8 = 0x73;
const EXTENDED_REQUEST: u8 = 0x77;
const EXTENDED_RESPONSE: u8 = 0x78;
const INTERMEDIATE_RESPONSE: u8 = 0x79;
const CONTROLS: u8 = 0xa0;
const REFERRAL: u8 = 0xa3;

/// Which entries below the base a search is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SearchScope {
    /// The base itself.
    Base,
    /// The base and everything below it.
    Subtree,
}

/// A search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'s> {
    pub(super) base: &'s str,
    pub(super) scope: SearchScope,
    pub(super) filter: &'s Filter,
    pub(super) attributes: &'s [String],
}

/// Encodes a simple bind (RFC 4511, section 4.2).
pub(super) fn bind(id: i64, name: &str, password: &str) -> Vec<u8> {
    message(id, |message| {
        message.nested(BIND_REQUEST, |bind| {
            bind.integer(INTEGER, 3).text(name).element(0x80, password.as_bytes());
        });
    })
}

/// Encodes the end of a connection.
pub(super) fn unbind(id: i64) -> Vec<u8> {
    message(id, |message| {
        message.element(UNBIND_REQUEST, &[]);
    })
}

/// Encodes the request to start TLS.
pub(super) fn start_tls(id: i64) -> Vec<u8> {
    message(id, |message| {
        message.nested(EXTENDED_REQUEST, |request| {
            request.element(0x80, START_TLS.as_bytes());
        });
    })
}

/// Encodes a search; with a page, for at most so many entries, from a cookie.
pub(super) fn search(id: i64, search: Search<'_>, page: Option<(u32, &[u8])>) -> Vec<u8> {
    message(id, |message| {
        message.nested(SEARCH_REQUEST, |request| {
            let scope = match search.scope {
                SearchScope::Base => 0,
                SearchScope::Subtree => 2,
            };
            // Aliases are never followed, and there is neither a limit of entries nor one of time.
            request.text(search.base).integer(ENUMERATED, scope).integer(ENUMERATED, 0);
            request.integer(INTEGER, 0).integer(INTEGER, 0).boolean(false);
            search.filter.write(request);
            request.nested(SEQUENCE, |list| {
                for attribute in search.attributes {
                    list.text(attribute);
                }
            });
        });
        if let Some((size, cookie)) = page {
            message.nested(CONTROLS, |controls| {
                controls.nested(SEQUENCE, |control| {
                    let mut value = Writer::new();
                    value.nested(SEQUENCE, |value| {
                        value.integer(INTEGER, size.into()).element(OCTET_STRING, cookie);
                    });
                    // Critical: a server without paging must say so, rather than end at its limit.
                    control.text(PAGED_RESULTS).boolean(true).element(OCTET_STRING, &value.into_bytes());
                });
            });
        }
    })
}

fn message(id: i64, operation: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.nested(SEQUENCE, |message| {
        message.integer(INTEGER, id);
        operation(message);
    });
    writer.into_bytes()
}

/// A message of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Response {
    /// The id of the request; 0 for an unsolicited notification.
    pub(super) id: i64,
    pub(super) operation: Operation,
    /// The paged results control: the estimate of the total, 0 when unknown, and the cookie.
    pub(super) page: Option<(u64, Vec<u8>)>,
}

/// What the server answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// The result of a bind.
    Bind(LdapResult),
    /// An entry that was found.
    Entry(RawEntry),
    /// Another server that has more.
    Reference(Vec<String>),
    /// The end of a search.
    Done(LdapResult),
    /// The result of an extended operation, or a notification.
    Extended(LdapResult),
    /// Something that precedes the result and can be ignored.
    Intermediate,
}

/// The outcome of an operation (RFC 4511, section 4.1.9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LdapResult {
    pub(super) code: i64,
    /// The part of the base that exists, where the base does not.
    pub(super) matched: String,
    /// The server's own words.
    pub(super) message: String,
    /// Servers that have what this one has not.
    pub(super) referrals: Vec<String>,
}

/// An entry with the attributes that the server sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct RawEntry {
    /// The distinguished name. One that is not UTF-8 has replacement characters.
    pub(super) dn: String,
    pub(super) attributes: Vec<RawAttribute>,
}

/// An attribute with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawAttribute {
    /// Type and options, as the server writes them.
    pub(super) name: String,
    pub(super) values: Vec<Vec<u8>>,
}

impl Response {
    /// Decodes a message without its outermost header.
    ///
    /// # Errors
    /// When it is not a message that a server sends.
    pub(super) fn decode(content: &[u8]) -> Result<Self, Malformed> {
        let mut message = Reader::new(content);
        let id = message.integer(INTEGER)?;
        let (tag, content) = message.element()?;
        let mut reader = Reader::new(content);
        let operation = match tag {
            BIND_RESPONSE => Operation::Bind(result(&mut reader)?),
            SEARCH_ENTRY => Operation::Entry(entry(&mut reader)?),
            SEARCH_REFERENCE => Operation::Reference(texts(reader)?),
            SEARCH_DONE => Operation::Done(result(&mut reader)?),
            EXTENDED_RESPONSE => Operation::Extended(result(&mut reader)?),
            INTERMEDIATE_RESPONSE => Operation::Intermediate,
            _ => return Err(Malformed),
        };
        let page = match message.optional(CONTROLS)? {
            Some(controls) => page(Reader::new(controls))?,
            None => None,
        };
        Ok(Self { id, operation, page })
    }
}

fn result(reader: &mut Reader<'_>) -> Result<LdapResult, Malformed> {
    let code = reader.integer(ENUMERATED)?;
    let matched = short(reader.expect(OCTET_STRING)?);
    let message = short(reader.expect(OCTET_STRING)?);
    let referrals = match reader.optional(REFERRAL)? {
        Some(list) => texts(Reader::new(list))?,
        None => Vec::new(),
    };
    Ok(LdapResult { code, matched, message, referrals })
}

fn entry(reader: &mut Reader<'_>) -> Result<RawEntry, Malformed> {
    let dn = lossy(reader.expect(OCTET_STRING)?);
    let mut list = reader.nested(SEQUENCE)?;
    let mut attributes = Vec::new();
    let mut room = MAX_VALUES;
    while !list.is_empty() {
        room = room.checked_sub(1).ok_or(Malformed)?;
        let mut attribute = list.nested(SEQUENCE)?;
        let name = lossy(attribute.expect(OCTET_STRING)?);
        let mut set = attribute.nested(SET)?;
        let mut values = Vec::new();
        while !set.is_empty() {
            room = room.checked_sub(1).ok_or(Malformed)?;
            values.push(set.expect(OCTET_STRING)?.to_vec());
        }
        attributes.push(RawAttribute { name, values });
    }
    Ok(RawEntry { dn, attributes })
}

fn texts(mut list: Reader<'_>) -> Result<Vec<String>, Malformed> {
    let mut texts = Vec::new();
    while !list.is_empty() {
        let text = short(list.expect(OCTET_STRING)?);
        if texts.len() < MAX_TEXTS {
            texts.push(text);
        }
    }
    Ok(texts)
}

fn page(mut controls: Reader<'_>) -> Result<Option<(u64, Vec<u8>)>, Malformed> {
    while !controls.is_empty() {
        let mut control = controls.nested(SEQUENCE)?;
        let is_page = control.expect(OCTET_STRING)? == PAGED_RESULTS.as_bytes();
        control.optional(BOOLEAN)?;
        let value = control.optional(OCTET_STRING)?;
        if is_page {
            let mut value = Reader::new(value.ok_or(Malformed)?).nested(SEQUENCE)?;
            // The estimate is not to be relied upon, and some servers send a negative one.
            let total = u64::try_from(value.integer(INTEGER)?).unwrap_or(0);
            return Ok(Some((total, value.expect(OCTET_STRING)?.to_vec())));
        }
    }
    Ok(None)
}

/// Decodes the beginning of a text that is only shown.
fn short(bytes: &[u8]) -> String {
    lossy(bytes.get(..MAX_TEXT_BYTES).unwrap_or(bytes))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_decoding_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Response::decode(&bytes);
        }
    }

    #[test]
    fn a_bind_is_encoded_as_the_rfc_says() {
        let expected = [0x30, 0x10, 2, 1, 1, 0x60, 0x0b, 2, 1, 3, 4, 2, b'c', b'n', 0x80, 2, b'p', b'w'];
        assert_eq!(bind(1, "cn", "pw"), expected);
        assert_eq!(unbind(3), [0x30, 5, 2, 1, 3, 0x42, 0]);
    }

    #[test]
    fn an_entry_and_the_end_of_a_page_are_decoded() {
        let mut writer = Writer::new();
        writer.integer(INTEGER, 7).nested(SEARCH_ENTRY, |entry| {
            entry.text("uid=ada").nested(SEQUENCE, |list| {
                list.nested(SEQUENCE, |attribute| {
                    attribute.text("mail").nested(SET, |set| {
                        set.text("a@x").text("b@x");
                    });
                });
            });
        });
        let response = Response::decode(&writer.into_bytes()).unwrap();
        let values = vec![b"a@x".to_vec(), b"b@x".to_vec()];
        let attributes = vec![RawAttribute { name: "mail".to_owned(), values }];
        let entry = RawEntry { dn: "uid=ada".to_owned(), attributes };
        assert_eq!(response, Response { id: 7, operation: Operation::Entry(entry), page: None });

        let mut writer = Writer::new();
        writer.integer(INTEGER, 7).nested(SEARCH_DONE, |done| {
            done.integer(ENUMERATED, 0).text("").text("");
        });
        writer.nested(CONTROLS, |controls| {
            controls.nested(SEQUENCE, |control| {
                let mut value = Writer::new();
                value.nested(SEQUENCE, |value| {
                    value.integer(INTEGER, 1200).element(OCTET_STRING, b"next");
                });
                control.text(PAGED_RESULTS).element(OCTET_STRING, &value.into_bytes());
            });
        });
        let response = Response::decode(&writer.into_bytes()).unwrap();
        assert_eq!(response.page, Some((1200, b"next".to_vec())));
    }
}
