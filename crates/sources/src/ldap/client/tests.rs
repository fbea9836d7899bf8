//! What servers answer that a real one does not answer on request.

use std::net::TcpListener;
use std::thread::JoinHandle;

use super::*;
use crate::ldap::ber::{ENUMERATED, INTEGER, OCTET_STRING, Reader, SEQUENCE, SET, Writer};
use crate::network::HostAndPort;

/// What a server sends to one request, by the request's id.
type Answer = Box<dyn FnOnce(i64) -> Vec<u8> + Send>;

/// A server that sends one answer to each request, and the requests that it gets.
fn serve(answers: Vec<Answer>) -> (u16, JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut requests = Vec::new();
        for answer in answers {
            let mut request = Vec::new();
            let length = loop {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
                if let Some((_, length, _)) = ber::header(&request).unwrap() {
                    break length;
                }
            };
            let mut content = vec![0; length];
            stream.read_exact(&mut content).unwrap();
            let id = Reader::new(&content).integer(INTEGER).unwrap();
            stream.write_all(&answer(id)).unwrap();
            requests.push(content);
        }
        requests
    });
    (port, server)
}

fn client(port: u16, change: impl FnOnce(&mut LdapBounds)) -> Client {
    let server = HostAndPort { host: "127.0.0.1".to_owned(), port };
    let address = Address { server, starts_tls: true };
    let mut bounds = LdapBounds::default();
    change(&mut bounds);
    let access = LdapAccess {
        password: None,
        authorities: Vec::new(),
        time_limit: Duration::from_secs(20),
        bounds: bounds.clone(),
        judge_addresses: &|_, _| Ok(()),
    };
    let end = Instant::now() + bounds.total_time;
    Client {
        transport: Transport::connect(&address, &access).unwrap(),
        host: address.server.shown(),
        next_id: 1,
        time_limit: access.time_limit,
        end,
        bounds,
        received: 0,
        is_anonymous: true,
    }
}

fn message(build: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.nested(SEQUENCE, build);
    writer.into_bytes()
}

fn entry(id: i64, dn: &str, attribute: &str, values: &[&str]) -> Vec<u8> {
    message(|message| {
        message.integer(INTEGER, id).nested(0x64, |entry| {
            entry.text(dn).nested(SEQUENCE, |list| {
                list.nested(SEQUENCE, |inner| {
                    inner.text(attribute).nested(SET, |set| {
                        for value in values {
                            set.text(value);
                        }
                    });
                });
            });
        });
    })
}

/// The end of a search, with the control of paged results if there is a page.
fn done(id: i64, code: i64, page: Option<(i64, &str)>) -> Vec<u8> {
    message(|message| {
        message.integer(INTEGER, id).nested(0x65, |done| {
            done.integer(ENUMERATED, code).text("").text("in its own words");
        });
        if let Some((total, cookie)) = page {
            message.nested(0xa0, |controls| {
                controls.nested(SEQUENCE, |control| {
                    let mut value = Writer::new();
                    value.nested(SEQUENCE, |value| {
                        value.integer(INTEGER, total).text(cookie);
                    });
                    control.text("1.2.840.113556.1.4.319").element(OCTET_STRING, &value.into_bytes());
                });
            });
        }
    })
}

fn reference(id: i64, url: &str) -> Vec<u8> {
    message(|message| {
        message.integer(INTEGER, id).nested(0x73, |list| {
            list.text(url);
        });
    })
}

fn search(port: u16, change: impl FnOnce(&mut LdapBounds)) -> Result<Found, LdapError> {
    let (filter, attributes) = (Filter::any(), ["member".to_owned()]);
    let subject = Subject { section: "users", base: "dc=x", filter: &filter, attributes: &attributes };
    client(port, change).search(subject, false)
}

fn answers(list: Vec<fn(i64) -> Vec<u8>>) -> Vec<Answer> {
    list.into_iter().map(|answer| Box::new(answer) as Answer).collect()
}

#[test]
fn pages_follow_each_other_by_the_cookie_and_references_are_named() {
    let (port, server) = serve(answers(vec![
        |id| [entry(id, "cn=a", "member", &["x"]), done(id, 0, Some((3, "first")))].concat(),
        |id| [reference(id, "ldap://other/dc=x"), done(id, 0, Some((3, "second")))].concat(),
        |id| {
            [entry(id, "cn=b", "member", &[]), entry(id, "cn=c", "cn", &["y"]), done(id, 0, Some((3, "")))]
                .concat()
        },
    ]));
    let found = search(port, |_| {}).unwrap();
    let names: Vec<&str> = found.entries.iter().map(|entry| entry.dn.as_str()).collect();
    assert_eq!(names, ["cn=a", "cn=b", "cn=c"]);
    assert_eq!((found.estimate, found.is_complete), (3, true));
    assert_eq!(found.references, ["ldap://other/dc=x"]);
    let requests = server.join().unwrap();
    let has = |request: &[u8], cookie: &[u8]| request.windows(cookie.len()).any(|window| window == cookie);
    assert!(has(&requests[1], b"first") && has(&requests[2], b"second"));
}

#[test]
fn an_attribute_in_ranges_is_read_to_its_end() {
    let (port, server) = serve(answers(vec![
        |id| [entry(id, "cn=all", "member;range=0-1", &["a", "b"]), done(id, 0, Some((0, "")))].concat(),
        |id| [entry(id, "cn=all", "member;range=2-3", &["c", "d"]), done(id, 0, None)].concat(),
        |id| [entry(id, "cn=all", "member;range=4-*", &["e"]), done(id, 0, None)].concat(),
    ]));
    let found = search(port, |_| {}).unwrap();
    let members: Vec<&[u8]> = found.entries[0].values_of("member").collect();
    assert_eq!(members, [b"a", b"b", b"c", b"d", b"e"]);
    let requests = server.join().unwrap();
    let text = String::from_utf8_lossy(&requests[2]).into_owned();
    assert!(text.contains("member;range=4-*"), "{text}");
}

#[test]
fn servers_that_lie_or_break_off_are_errors() {
    type Case = (Vec<fn(i64) -> Vec<u8>>, &'static str);
    let cases: Vec<Case> = vec![
        (vec![|id| done(id, 0, None)], "the server ignores paged results"),
        (
            vec![
                |id| {
                    [entry(id, "cn=a", "member;range=0-1", &["a", "b"]), done(id, 0, Some((0, "")))].concat()
                },
                |id| done(id, 32, None),
            ],
            "the directory lost the entry `cn=a`",
        ),
        (
            vec![
                |id| {
                    [entry(id, "cn=a", "member;range=0-1", &["a", "b"]), done(id, 0, Some((0, "")))].concat()
                },
                |id| [entry(id, "cn=a", "member;range=2-*", &[]), done(id, 0, None)].concat(),
            ],
            "the directory did not go on with the entry `cn=a`",
        ),
        (vec![|id| entry(id, "cn=a", "cn", &["a"])], "ended before the answer was complete"),
        (vec![|id| done(id + 1, 0, Some((0, "")))], "it answers another request"),
        (vec![|_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()], "what it sends is not LDAP"),
        (vec![|_| vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 2]], "has more than 128 MiB"),
        (vec![|_| vec![0x30, 3, 2, 1, 1]], "a message is malformed"),
        (vec![|id| done(id, 4, None)], "its size limit is exceeded"),
        (vec![|id| done(id, 12, None)], "does not support paged results"),
        (vec![|id| done(id, 50, None)], "the directory does not answer anonymously: `in its own words`"),
        (
            vec![|_| {
                message(|notice| {
                    notice.integer(INTEGER, 0).nested(0x78, |result| {
                        result.integer(ENUMERATED, 52).text("").text("shutting down");
                    });
                })
            }],
            "the server ended it: it is unavailable `shutting down`",
        ),
    ];
    for (list, expected) in cases {
        let (port, server) = serve(answers(list));
        let error = search(port, |_| {}).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
        drop(server);
    }
}

#[test]
fn pages_without_an_entry_do_not_go_on_forever() {
    let endless = (0..=MAX_EMPTY_PAGES + 1).map(|_| Box::new(|id| done(id, 0, Some((0, "more")))) as Answer);
    let (port, _server) = serve(endless.collect());
    let error = search(port, |_| {}).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the answer of the directory is not complete: the server sends page after page without an entry; nothing was read"
    );
}
