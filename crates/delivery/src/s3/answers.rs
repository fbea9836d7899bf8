//! What S3 and STS answer: small XML documents, read as they are.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

/// No answer that is read into memory is larger: a page of 1000 keys of 1024 bytes is about a megabyte.
pub(crate) const MAX_ANSWER_BYTES: u64 = 16 << 20;

/// How deep elements may lie in each other; S3's lie four deep.
const MAX_DEPTH: usize = 32;

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
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) if open.len() < MAX_DEPTH => {
                    open.push(Self::named(local(start.name().as_ref())));
                }
                Event::Start(_) => return None,
                Event::Empty(start) => {
                    open.last_mut()?.inside.push(Self::named(local(start.name().as_ref())));
                }
                Event::End(_) => {
                    let done = open.pop()?;
                    open.last_mut()?.inside.push(done);
                }
                Event::Text(part) => open.last_mut()?.text.push_str(&part.xml10_content()),
                Event::CData(part) => open.last_mut()?.text.push_str(&part.xml10_content()),
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().ok()?;
                    let text = &mut open.last_mut()?.text;
                    match character {
                        Some(character) => text.push(character),
                        None => text.push_str(resolve_predefined_entity(&reference)?),
                    }
                }
                Event::Eof => break,
                Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Comment(_) => {}
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

    /// The first element of a name directly inside.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.inside.iter().find(|element| element.name == name)
    }

    /// The text of the first element of a name, however deep.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        if self.name == name {
            return Some(self.text.trim());
        }
        self.inside.iter().find_map(|element| element.find(name))
    }
}

/// A name without its prefix.
fn local(name: &str) -> &str {
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
        assert_eq!(error.child("Code").map(|code| code.text.as_str()), Some("NoSuchBucket"));
    }

    #[test]
    fn what_is_no_document_is_none() {
        let deep = "<a>".repeat(100_000);
        for text in [
            "",
            "404 page not found",
            "<Error><Code>x</Error>",
            "<Error>",
            "{\"a\":1}",
            "<a>&evil;</a>",
            &deep,
        ] {
            assert_eq!(Element::parse(text), None, "{text:.40}");
        }
    }
}
