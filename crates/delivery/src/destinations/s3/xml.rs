//! Short responses of S3 and STS: an error, a session, an identity. `listing` parses listings.
//!
//! The sender is not trusted: depth, elements and text are limited, and no entities are expanded except the five of XML
//! itself.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};

/// The deepest nesting of elements; S3 nests four deep.
const MAX_DEPTH: usize = 16;

/// The most elements of a short response; those of S3 have a dozen.
const MAX_ELEMENTS: usize = 500;

/// An element with its text and its children. Namespaces are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// Parses a document; `None` when it is not XML, or not an element.
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
                    open.push(Self::named(local_name(start.name().as_ref())));
                }
                Event::Empty(start) => {
                    elements += 1;
                    if elements > MAX_ELEMENTS {
                        return None;
                    }
                    open.last_mut()?.children.push(Self::named(local_name(start.name().as_ref())));
                }
                Event::End(_) => {
                    let done = open.pop()?;
                    open.last_mut()?.children.push(done);
                }
                Event::Text(part) => open.last_mut()?.text.push_str(&part.xml10_content()),
                Event::CData(part) => open.last_mut()?.text.push_str(&part.xml10_content()),
                Event::GeneralRef(reference) => push_reference(&mut open.last_mut()?.text, &reference)?,
                Event::Eof => break,
                // Only a document type can declare entities; no response of S3 has one.
                Event::DocType(_) => return None,
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            }
        }
        match <[Self; 1]>::try_from(open) {
            Ok([document]) => document.children.into_iter().next(),
            Err(_) => None,
        }
    }

    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Returns the text of the first element with a name, at any depth.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        if self.name == name {
            return Some(self.text.trim());
        }
        self.children.iter().find_map(|element| element.find(name))
    }
}

/// Appends the character of a reference; `None` for an entity that is not predefined in XML.
pub(super) fn push_reference(text: &mut String, reference: &BytesRef<'_>) -> Option<()> {
    match reference.resolve_char_ref().ok()? {
        Some(character) => text.push(character),
        None => text.push_str(resolve_predefined_entity(reference)?),
    }
    Some(())
}

/// Returns a name without its namespace prefix.
pub(super) fn local_name(name: &str) -> &str {
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
