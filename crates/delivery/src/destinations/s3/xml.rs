//! What S3 and STS answer when it is short: an error, a session, an identity. Listings are read by `listing`.
//!
//! The sender is not trusted: depth, elements and text are bounded, and no entity is expanded but the five of XML
//! itself.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};

/// How deep elements may lie in each other; S3's lie four deep.
const MAX_DEPTH: usize = 16;

/// How many elements a short answer has at most; S3's have a dozen.
const MAX_ELEMENTS: usize = 500;

/// An element with its text and the elements inside it. Namespaces are not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) inside: Vec<Element>,
}

impl Element {
    /// Reads a document; `None` when it is not XML, or not an element.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::default()];
        let mut elements = 0;
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    elements += 1;
                    if open.len() >= MAX_DEPTH || elements > MAX_ELEMENTS {
                        return None;
                    }
                    open.push(Self::named(local(start.name().as_ref())));
                }
                Event::Empty(start) => {
                    elements += 1;
                    if elements > MAX_ELEMENTS {
                        return None;
                    }
                    open.last_mut()?.inside.push(Self::named(local(start.name().as_ref())));
                }
                Event::End(_) => {
                    let done = open.pop()?;
                    open.last_mut()?.inside.push(done);
                }
                Event::Text(part) => open.last_mut()?.text.push_str(&part.xml10_content()),
                Event::CData(part) => open.last_mut()?.text.push_str(&part.xml10_content()),
                Event::GeneralRef(reference) => push_reference(&mut open.last_mut()?.text, &reference)?,
                Event::Eof => break,
                // Only a document type can declare entities; no answer of S3 has one.
                Event::DocType(_) => return None,
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            }
        }
        match <[Self; 1]>::try_from(open) {
            Ok([document]) => document.inside.into_iter().next(),
            Err(_) => None,
        }
    }

    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The text of the first element of a name, however deep.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        if self.name == name {
            return Some(self.text.trim());
        }
        self.inside.iter().find_map(|element| element.find(name))
    }
}

/// Adds the character that a reference stands for; `None` for an entity that XML itself does not have.
pub(super) fn push_reference(text: &mut String, reference: &BytesRef<'_>) -> Option<()> {
    match reference.resolve_char_ref().ok()? {
        Some(character) => text.push(character),
        None => text.push_str(resolve_predefined_entity(reference)?),
    }
    Some(())
}

/// A name without its prefix.
pub(super) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_with_their_text() {
        let text = "<?xml version=\"1.0\"?>\n<Error xmlns=\"http://s3\"><Code>NoSuchBucket</Code>\
                    <Message>The &lt;bucket&gt; does &#38; will not exist</Message><Empty/></Error>";
        let error = Element::parse(text).unwrap();
        assert_eq!(error.name, "Error");
        assert_eq!(error.find("Code"), Some("NoSuchBucket"));
        assert_eq!(error.find("Message"), Some("The <bucket> does & will not exist"));
        assert_eq!(error.find("Empty"), Some(""));
        assert_eq!(error.find("RequestId"), None);
    }

    #[test]
    fn what_is_no_document_is_none() {
        let deep = "<a>".repeat(100_000);
        let wide = format!("<a>{}</a>", "<b/>".repeat(100_000));
        for text in [
            "",
            "404 page not found",
            "<Error><Code>x</Error>",
            "<Error>",
            "{\"a\":1}",
            "<a>&evil;</a>",
            "<!DOCTYPE a [<!ENTITY b \"ccc\">]><a>&b;</a>",
            "<!DOCTYPE a><a/>",
            &deep,
            &wide,
        ] {
            assert_eq!(Element::parse(text), None, "{text:.40}");
        }
    }
}
