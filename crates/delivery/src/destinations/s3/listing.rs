//! Pages of `ListObjectsV2`, parsed as a stream of events, with limits on everything that a server decides.

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::xml::{local_name, push_reference};
use crate::http::HttpResponse;
use crate::text::excerpt_short;
use crate::timestamps::parse_time;
use crate::{DeliveryError, ErrorResponse, ListedObject};

/// The largest page in bytes: 1,000 keys of 1,024 characters, each written as `%XX`, with their attributes.
pub(crate) const MAX_PAGE_BYTES: u64 = 4 << 20;

/// The most objects of a page; S3 sends 1,000.
const MAX_PAGE_OBJECTS: usize = 10_000;

/// The most elements of a page.
const MAX_PAGE_ELEMENTS: usize = 200_000;

/// The longest text of an element in bytes: a key of 1,024 characters as `%XX`, or a token.
const MAX_TEXT_BYTES: usize = 8 << 10;

/// The longest `ETag` in bytes.
const MAX_ETAG_BYTES: usize = 256;

/// A page of a listing.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Every object, by its full key.
    pub(crate) objects: Vec<ListedObject>,
    /// The continuation token of the next page, unless this is the last.
    pub(crate) next: Option<String>,
    /// The server's time.
    pub(crate) date: Option<Timestamp>,
}

/// Parses a page of `ListObjectsV2`.
///
/// # Errors
/// When it is no listing, or exceeds a limit.
pub(crate) fn read_page(response: &HttpResponse) -> Result<Page, DeliveryError> {
    let mut page = match parse(&response.body) {
        Ok(page) => page,
        Err(Unreadable::TooLarge(what)) => {
            let what = format!("a page of the listing exceeds the limit of {what}");
            return Err(DeliveryError::LimitExceeded { what });
        }
        Err(Unreadable::NotAListing(why)) => {
            return Err(DeliveryError::Refused {
                what: "read the listing".to_owned(),
                response: Box::new(ErrorResponse {
                    service: "S3",
                    status: response.status,
                    message: format!("what came is no listing: {why}"),
                    ..ErrorResponse::default()
                }),
            });
        }
    };
    page.date = response.date();
    Ok(page)
}

/// Why a page cannot be read.
#[derive(Debug, PartialEq, Eq)]
enum Unreadable {
    NotAListing(String),
    TooLarge(String),
}

fn no_listing(why: impl Into<String>) -> Unreadable {
    Unreadable::NotAListing(why.into())
}

/// An object with its texts as they are in the page.
#[derive(Debug, Default)]
struct Written {
    key: Option<String>,
    size: Option<String>,
    modified: Option<String>,
    etag: Option<String>,
}

/// The page as far as it is parsed.
#[derive(Debug, Default)]
struct Parser {
    /// Open elements.
    depth: usize,
    elements: usize,
    /// Whether the open element directly below the root is `Contents`.
    in_contents: bool,
    /// The text of the innermost open element, if it is one of those that are read.
    text: String,
    object: Written,
    objects: Vec<Written>,
    is_encoded: bool,
    is_truncated: bool,
    next: Option<String>,
}

fn parse(text: &str) -> Result<Page, Unreadable> {
    let mut reader = Reader::from_str(text);
    let mut parser = Parser::default();
    loop {
        match reader.read_event().map_err(|error| no_listing(excerpt_short(&error.to_string())))? {
            Event::Start(start) => parser.open(local_name(start.name().as_ref()))?,
            Event::Empty(start) => {
                let name = start.name();
                parser.open(local_name(name.as_ref()))?;
                parser.close(local_name(name.as_ref()))?;
            }
            Event::End(end) => parser.close(local_name(end.name().as_ref()))?,
            Event::Text(part) => parser.text(&part.xml10_content())?,
            Event::CData(part) => parser.text(&part.xml10_content())?,
            Event::GeneralRef(reference) => {
                let mut character = String::new();
                push_reference(&mut character, &reference).ok_or_else(|| no_listing("an unknown entity"))?;
                parser.text(&character)?;
            }
            Event::DocType(_) => return Err(no_listing("a document type")),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
    parser.finish()
}

impl Parser {
    fn open(&mut self, name: &str) -> Result<(), Unreadable> {
        self.elements += 1;
        if self.elements > MAX_PAGE_ELEMENTS {
            return Err(Unreadable::TooLarge(format!("{MAX_PAGE_ELEMENTS} elements")));
        }
        self.depth += 1;
        self.text.clear();
        match self.depth {
            1 if self.elements > 1 || name != "ListBucketResult" => {
                Err(no_listing(format!("it begins with `{}`", excerpt_short(name))))
            }
            2 => {
                self.in_contents = name == "Contents";
                Ok(())
            }
            // S3 nests elements four deep.
            17.. => Err(no_listing("elements nested too deep")),
            _ => Ok(()),
        }
    }

    fn text(&mut self, part: &str) -> Result<(), Unreadable> {
        let is_read = if self.in_contents { self.depth == 3 } else { self.depth == 2 };
        if !is_read {
            return Ok(());
        }
        if self.text.len() + part.len() > MAX_TEXT_BYTES {
            return Err(Unreadable::TooLarge(format!("{MAX_TEXT_BYTES} bytes for one text")));
        }
        self.text.push_str(part);
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), Unreadable> {
        let text = std::mem::take(&mut self.text);
        match (self.depth, self.in_contents) {
            (3, true) => match name {
                "Key" => self.object.key = Some(text),
                "Size" => self.object.size = Some(text),
                "LastModified" => self.object.modified = Some(text),
                "ETag" => self.object.etag = Some(text),
                _ => {}
            },
            (2, true) => {
                self.objects.push(std::mem::take(&mut self.object));
                if self.objects.len() > MAX_PAGE_OBJECTS {
                    return Err(Unreadable::TooLarge(format!("{MAX_PAGE_OBJECTS} objects")));
                }
            }
            (2, false) => match name {
                "EncodingType" => self.is_encoded = text.trim() == "url",
                "IsTruncated" => self.is_truncated = text.trim() == "true",
                "NextContinuationToken" => self.next = Some(text.trim().to_owned()),
                _ => {}
            },
            _ => {}
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    fn finish(self) -> Result<Page, Unreadable> {
        if self.elements == 0 || self.depth > 0 {
            return Err(no_listing("it is cut off or no XML"));
        }
        let mut page = Page::default();
        for object in self.objects {
            page.objects.push(object.read(self.is_encoded)?);
        }
        if self.is_truncated {
            let next = self.next.filter(|next| !next.is_empty());
            page.next = Some(next.ok_or_else(|| no_listing("a further page without NextContinuationToken"))?);
        }
        Ok(page)
    }
}

impl Written {
    fn read(self, is_encoded: bool) -> Result<ListedObject, Unreadable> {
        let missing = |what: &str| no_listing(format!("an object without {what}"));
        let key = self.key.ok_or_else(|| missing("Key"))?;
        let key = if is_encoded {
            // Encoded like a form: a blank may be `+`.
            let encoded = key.trim().replace('+', "%20");
            let decoded = percent_decode_str(&encoded).decode_utf8();
            decoded.map(String::from).map_err(|_| no_listing("a key that is not UTF-8"))?
        } else {
            key
        };
        let size = self.size.ok_or_else(|| missing("Size"))?;
        let bytes =
            size.trim().parse().map_err(|_| no_listing(format!("the size `{}`", excerpt_short(&size))))?;
        let modified = self.modified.ok_or_else(|| missing("LastModified"))?;
        let modified = parse_time(&modified)
            .ok_or_else(|| no_listing(format!("the time `{}`", excerpt_short(&modified))))?;
        let etag =
            self.etag.map(|etag| unquote_etag(etag.trim())).filter(|etag| etag.len() <= MAX_ETAG_BYTES);
        Ok(ListedObject { key, bytes, modified: modified.into(), etag })
    }
}

/// Removes the quotes around an `ETag`.
pub(crate) fn unquote_etag(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_are_read_with_their_next_page() {
        let body = "<ListBucketResult><IsTruncated>true</IsTruncated>\
            <NextContinuationToken>n/1</NextContinuationToken>\
            <Contents><Key>a%2Fb+c%C3%BC</Key><ETag>&quot;e1&quot;</ETag><Size>12</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
            <Owner><ID>x</ID><Key>not this</Key></Owner></Contents>\
            <CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes><EncodingType>url</EncodingType>\
            </ListBucketResult>";
        let page = parse(body).unwrap();
        let modified = "2026-01-01T00:00:00Z".parse().unwrap();
        let listed =
            ListedObject { key: "a/b cü".to_owned(), bytes: 12, modified, etag: Some("e1".to_owned()) };
        assert_eq!(page.objects, [listed]);
        assert_eq!(page.next.as_deref(), Some("n/1"));
        let plain = "<ListBucketResult><IsTruncated>false</IsTruncated>\
            <Contents><Key>a+b%20</Key><Size>0</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>\
            </ListBucketResult>";
        let page = parse(plain).unwrap();
        assert_eq!((page.objects[0].key.as_str(), page.next), ("a+b%20", None));
        assert!(parse("<ListBucketResult/>").unwrap().objects.is_empty());
    }

    #[test]
    fn times_are_read_with_and_without_offset_and_fraction() {
        for time in [
            "2026-01-01T02:03:04Z",
            "2026-01-01T02:03:04",
            "2026-01-01T02:03:04.000",
            "2026-01-01T03:03:04+01:00",
            "2026-01-01 02:03:04",
            "Thu, 01 Jan 2026 02:03:04 GMT",
            "\n 2026-01-01T02:03:04.000000000Z ",
        ] {
            let body = format!(
                "<ListBucketResult><Contents><Key>k</Key><Size>1</Size><LastModified>{time}</LastModified></Contents></ListBucketResult>"
            );
            let page = parse(&body).unwrap();
            assert_eq!(page.objects[0].modified.to_string(), "2026-01-01T02:03:04Z", "{time}");
        }
    }

    #[test]
    fn a_listing_that_cannot_be_read_is_no_empty_listing() {
        for body in [
            "",
            "   ",
            "<html/>",
            "<ListBucketResult>",
            "<ListBucketResult/><ListBucketResult/>",
            "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
            "<ListBucketResult><Contents/></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken/></ListBucketResult>",
            "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents></ListBucketResult>",
            "<ListBucketResult><Contents><Key>a</Key><Size>1</Size><LastModified>today</LastModified></Contents></ListBucketResult>",
        ] {
            assert!(matches!(parse(body), Err(Unreadable::NotAListing(_))), "{body}");
        }
    }

    #[test]
    fn entities_are_not_expanded_and_everything_is_bounded() {
        let bomb = "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>\
            <ListBucketResult><Contents><Key>&b;</Key></Contents></ListBucketResult>";
        assert!(matches!(parse(bomb), Err(Unreadable::NotAListing(_))));
        assert!(parse("<ListBucketResult><Name>&a;</Name></ListBucketResult>").is_err());
        let object = "<Contents><Key>a</Key><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>";
        for (inside, limit) in [
            (object.repeat(MAX_PAGE_OBJECTS + 1), "10000 objects"),
            ("<x/>".repeat(MAX_PAGE_ELEMENTS), "200000 elements"),
            (format!("<NextContinuationToken>{}</NextContinuationToken>", "t".repeat(9 << 10)), "8192 bytes"),
            (format!("<Contents><Key>{}</Key></Contents>", "&amp;".repeat(9 << 10)), "8192 bytes"),
        ] {
            let body = format!("<ListBucketResult>{inside}</ListBucketResult>");
            match parse(&body) {
                Err(Unreadable::TooLarge(what)) => assert!(what.contains(limit), "{what}"),
                other => panic!("{limit}: {:?}", other.map(|page| page.objects.len())),
            }
        }
        let deep = format!("<ListBucketResult>{}", "<a>".repeat(100_000));
        assert!(matches!(parse(&deep), Err(Unreadable::NotAListing(_))));
    }
}
