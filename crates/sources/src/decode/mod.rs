//! From trees to the model's types, collecting every mistake on the way (docs/catalog.md gives the format).
//!
//! A reader returns `None` for what it could not read and has then said why; nothing stops at the first
//! mistake, and a catalog with one is never used.

mod assets;
mod fields;
mod policies;
mod requests;
mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use domesday_model::validate::{Severity, Unread};
use domesday_model::{Attributes, Catalog, Condition, Declared, Excerpt, Instant, Kind};

use crate::diagnostic::{Collector, Diagnostic};
use crate::document::{Node, Style, Value};
use crate::text::SourceText;
use fields::Fields;

/// The way from a file's root to a value, kept on the stack.
#[derive(Clone, Copy)]
pub(crate) enum Trail<'t> {
    Root,
    Key(&'t Trail<'t>, &'t str),
    Index(&'t Trail<'t>, usize),
}

impl fmt::Display for Trail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, key) => Excerpt(key).fmt(f),
            Self::Key(parent, key) => write!(f, "{parent}.{}", Excerpt(key)),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// The name of an object as far as it can be read.
fn declared_name(kind: Kind, node: &Node) -> Option<String> {
    let key = match kind {
        Kind::User => "username",
        Kind::Request => "id",
        _ => "name",
    };
    match &node.get(key).map_or(node, |(_, value)| value).value {
        Value::Text(name, _) => Some(name.clone()),
        _ => None,
    }
}

/// Reads one file into a catalog.
pub(crate) struct Decoder<'f> {
    file: &'f str,
    text: &'f SourceText<'f>,
    collector: &'f mut Collector,
    /// Objects that could not be read whole.
    unread: &'f mut Unread,
}

/// The objects of one file, by kind the positions they have in its lists.
pub(crate) type Positions = BTreeMap<Kind, Vec<usize>>;

impl<'f> Decoder<'f> {
    pub(crate) fn new(
        file: &'f str,
        text: &'f SourceText<'f>,
        collector: &'f mut Collector,
        unread: &'f mut Unread,
    ) -> Self {
        Self { file, text, collector, unread }
    }

    /// Reports a mistake at a place, given in bytes.
    pub(crate) fn error(&mut self, at: usize, trail: Trail<'_>, message: impl Into<String>) {
        self.tell(Severity::Error, at, trail, message.into());
    }

    fn tell(&mut self, severity: Severity, at: usize, trail: Trail<'_>, message: String) {
        let Self { file, text, .. } = self;
        let make = || Diagnostic::new(severity, file, text, at, trail.to_string(), message);
        self.collector.add(severity, make);
    }

    fn wrong<T>(&mut self, node: &Node, trail: Trail<'_>, expected: &str) -> Option<T> {
        self.error(node.at, trail, format!("expected {expected}, found {}", node.kind()));
        None
    }

    /// Reads a whole file, adding its objects to the catalog and the place of each to `positions`.
    ///
    /// Returns the texts of values of which it is open what they declare: a root that is no mapping, values under unknown
    /// keys of it, and what else than a list is under a known one.
    pub(crate) fn file(&mut self, root: &Node, catalog: &mut Catalog, positions: &mut Positions) -> String {
        let mut open = String::new();
        let Some(mut fields) = Fields::of(self, root, &Trail::Root) else {
            root.add_texts(&mut open);
            return open;
        };
        let origin: Arc<str> = self.file.into();
        if let Some(node) = fields.take_list(self, Kind::Tenant.key()) {
            let trail = Trail::Key(&Trail::Root, Kind::Tenant.key());
            if catalog.tenant.is_some() {
                self.error(node.at, trail, "the tenant is declared a second time; a catalog has one");
            } else if let Some(tenant) = self.tenant(node, trail) {
                catalog.tenant = Some(Declared::new(tenant, origin.clone()));
                positions.entry(Kind::Tenant).or_default().push(0);
            }
        }
        macro_rules! lists {
            ($($kind:ident: $list:ident by $read:ident),* $(,)?) => {$(
                if let Some(node) = fields.take_list(self, Kind::$kind.key()) {
                    if !matches!(node.value, Value::List(_)) {
                        node.add_texts(&mut open);
                    }
                    let trail = Trail::Key(&Trail::Root, Kind::$kind.key());
                    let places = positions.entry(Kind::$kind).or_default();
                    self.each(node, trail, |decoder, item, trail| {
                        let mistakes = decoder.collector.mistakes();
                        let read = decoder.$read(item, trail);
                        if decoder.collector.mistakes() > mistakes {
                            decoder.unread.add(Kind::$kind, declared_name(Kind::$kind, item));
                        }
                        if let Some(spec) = read {
                            catalog.$list.push(Declared::new(spec, origin.clone()));
                            if let Trail::Index(_, index) = trail {
                                places.push(index);
                            }
                        }
                    });
                }
            )*};
        }
        lists! {
            Tag: tags by tag,
            Group: groups by group,
            User: users by user,
            Domain: domains by domain,
            DataSource: data_sources by data_source,
            Policy: policies by policy,
            DataPolicy: data_policies by data_policy,
            Agreement: agreements by agreement,
            RequestForm: request_forms by request_form,
            DataProduct: data_products by data_product,
            Request: requests by request,
        }
        fields.finish(self);
        if let Value::Mapping(entries) = &root.value {
            let unknown = entries.iter().filter(|(key, _)| Kind::of_key(&key.text).is_none());
            unknown.for_each(|(_, value)| value.add_texts(&mut open));
        }
        open
    }

    /// Reads one object that is a document of its own, as JSON text: numbers in answers keep their digits.
    pub(crate) fn object(&mut self, kind: Kind, node: &Node) -> Option<String> {
        macro_rules! read {
            ($($kind:ident by $read:ident),* $(,)?) => {
                match kind {
                    $(Kind::$kind => serde_json::to_string(&self.$read(node, Trail::Root)?),)*
                }
            };
        }
        let text = read! {
            Tenant by tenant,
            Tag by tag,
            Group by group,
            User by user,
            Domain by domain,
            DataSource by data_source,
            Policy by policy,
            DataPolicy by data_policy,
            Agreement by agreement,
            RequestForm by request_form,
            DataProduct by data_product,
            Request by request,
        };
        Some(text.expect("objects of the catalog have text keys only"))
    }

    /// Each entry of a list.
    fn each<'n>(
        &mut self,
        node: &'n Node,
        trail: Trail<'_>,
        mut read: impl FnMut(&mut Self, &'n Node, Trail<'_>),
    ) {
        let Value::List(items) = &node.value else {
            self.wrong::<()>(node, trail, "a list");
            return;
        };
        items.iter().enumerate().for_each(|(index, item)| read(self, item, Trail::Index(&trail, index)));
    }

    fn list<'n, T>(
        &mut self,
        node: &'n Node,
        trail: Trail<'_>,
        mut read: impl FnMut(&mut Self, &'n Node, Trail<'_>) -> Option<T>,
    ) -> Vec<T> {
        let mut list = Vec::new();
        self.each(node, trail, |decoder, item, trail| list.extend(read(decoder, item, trail)));
        list
    }

    /// A list that means a set: what stands in it twice is worth a warning.
    fn set<'n, T: Ord>(
        &mut self,
        node: &'n Node,
        trail: Trail<'_>,
        mut read: impl FnMut(&mut Self, &'n Node, Trail<'_>) -> Option<T>,
    ) -> BTreeSet<T> {
        let mut set = BTreeSet::new();
        self.each(node, trail, |decoder, item, trail| {
            if let Some(value) = read(decoder, item, trail)
                && !set.insert(value)
            {
                decoder.tell(
                    Severity::Warning,
                    item.at,
                    trail,
                    "this entry stands in the list twice".to_owned(),
                );
            }
        });
        set
    }

    fn text(&mut self, node: &Node, trail: Trail<'_>) -> Option<String> {
        match &node.value {
            Value::Text(text, _) => Some(text.clone()),
            Value::Number(_) | Value::Boolean(..) => {
                let message = format!("expected a text, found {}; put it in quotes", node.kind());
                self.error(node.at, trail, message);
                None
            }
            _ => self.wrong(node, trail, "a text"),
        }
    }

    /// A text, or a number or boolean taken as it is written.
    fn scalar_text(&mut self, node: &Node, trail: Trail<'_>) -> Option<String> {
        match &node.value {
            Value::Text(text, _) | Value::Number(text) | Value::Boolean(_, text) => Some(text.clone()),
            _ => self.wrong(node, trail, "a text"),
        }
    }

    fn integer(&mut self, node: &Node, trail: Trail<'_>) -> Option<i64> {
        match &node.value {
            Value::Number(text) => match text.parse() {
                // `010` is 8 to some readers of YAML and 10 to others.
                Ok(number) if is_decimal(text) => Some(number),
                _ => {
                    let range = if is_decimal(text) { " between -2^63 and 2^63-1" } else { " such as 12" };
                    let message = format!("expected a whole number{range}, found {}", Excerpt(text));
                    self.error(node.at, trail, message);
                    None
                }
            },
            _ => self.wrong(node, trail, "a whole number"),
        }
    }

    fn boolean(&mut self, node: &Node, trail: Trail<'_>) -> Option<bool> {
        match node.value {
            Value::Boolean(value, _) => Some(value),
            _ => self.wrong(node, trail, "true or false"),
        }
    }

    fn instant(&mut self, node: &Node, trail: Trail<'_>) -> Option<Instant> {
        self.parsed(node, trail)
    }

    fn uuid(&mut self, node: &Node, trail: Trail<'_>) -> Option<uuid::Uuid> {
        let text = self.text(node, trail)?;
        // Only the hyphenated form: it is what every table and API shows.
        let parsed = uuid::Uuid::try_parse(&text).ok().filter(|_| text.len() == 36);
        if parsed.is_none() {
            let message = format!(
                "expected a UUID such as 8f6c9a1e-3f0b-4f0e-9d3c-2a1b4c5d6e7f, found `{}`",
                Excerpt(&text)
            );
            self.error(node.at, trail, message);
        }
        parsed
    }

    fn parsed<T: std::str::FromStr<Err: fmt::Display>>(
        &mut self,
        node: &Node,
        trail: Trail<'_>,
    ) -> Option<T> {
        let text = self.text(node, trail)?;
        text.parse().map_err(|error: T::Err| self.error(node.at, trail, error.to_string())).ok()
    }

    /// One of some words.
    fn choice<T: Copy>(&mut self, node: &Node, trail: Trail<'_>, choices: &[(&str, T)]) -> Option<T> {
        let text = match &node.value {
            Value::Text(text, _) => text.as_str(),
            // `kind: null` names a kind of mask.
            Value::Null => "null",
            _ => return self.wrong(node, trail, "a text"),
        };
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.error(node.at, trail, format!("expected {}, found `{}`", either(&words), Excerpt(text)));
        }
        found.map(|(_, value)| *value)
    }

    fn condition(&mut self, node: &Node, trail: Trail<'_>) -> Option<Condition> {
        let text = self.text(node, trail)?;
        match text.parse::<Condition>() {
            Ok(condition) => Some(condition),
            Err(error) => {
                let at = inside(self.text, node, &text, &error);
                let message = format!("expected {} but found {}", error.expected, error.found);
                self.error(at, trail, message);
                None
            }
        }
    }

    fn attributes(&mut self, node: &Node, trail: Trail<'_>) -> Option<Attributes> {
        let Value::Mapping(entries) = &node.value else {
            return self.wrong(node, trail, "a mapping of keys to values");
        };
        let mut attributes = Attributes::new();
        for (key, node) in entries {
            let trail = Trail::Key(&trail, &key.text);
            let values = match &node.value {
                Value::List(_) => self.set(node, trail, Self::scalar_text),
                Value::Null => {
                    self.error(key.at, trail, fields::NO_VALUE);
                    continue;
                }
                _ => self.scalar_text(node, trail).into_iter().collect(),
            };
            if !values.is_empty() {
                attributes.insert(key.text.clone(), values);
            }
        }
        Some(attributes)
    }

    /// Any value, as JSON has it.
    fn json(&mut self, node: &Node, trail: Trail<'_>) -> Option<serde_json::Value> {
        Some(match &node.value {
            Value::Null => serde_json::Value::Null,
            Value::Boolean(value, _) => (*value).into(),
            Value::Number(_) => serde_json::Value::Number(self.number(node, trail)?),
            Value::Text(text, _) => text.clone().into(),
            Value::List(_) => self.list(node, trail, Self::json).into(),
            Value::Mapping(entries) => {
                let mut map = serde_json::Map::new();
                for (key, node) in entries {
                    map.insert(key.text.clone(), self.json(node, Trail::Key(&trail, &key.text))?);
                }
                map.into()
            }
        })
    }

    fn number(&mut self, node: &Node, trail: Trail<'_>) -> Option<serde_json::Number> {
        let Value::Number(text) = &node.value else { return self.wrong(node, trail, "a number") };
        let plain = text.strip_prefix('+').unwrap_or(text);
        let number = plain.parse::<i64>().map(serde_json::Number::from).ok();
        let number = number.or_else(|| serde_json::Number::from_f64(plain.parse().ok()?));
        let Some(number) = number else {
            let message = format!("expected a finite decimal number, found {}", Excerpt(text));
            self.error(node.at, trail, message);
            return None;
        };
        if number.is_f64() && significant_digits(plain) != significant_digits(&number.to_string()) {
            let message = format!(
                "the number {} has more digits than are kept; write fewer, or a text in quotes",
                Excerpt(text)
            );
            self.error(node.at, trail, message);
            return None;
        }
        Some(number)
    }
}

/// The digits of a decimal number that decide its value, apart from where its point is.
fn significant_digits(text: &str) -> String {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// Words joined as a sentence has them.
fn either(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Whether a number is written as people write whole ones.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits == "0" || !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Where in the file an error inside a text stands, in bytes, as far as the notation lets tell.
fn inside(
    file: &SourceText<'_>,
    node: &Node,
    text: &str,
    error: &domesday_model::condition::ParseError,
) -> usize {
    let Value::Text(_, style) = node.value else { return node.at };
    let before = &text[..error.offset.min(text.len())];
    match style {
        Style::Plain => node.at + before.len(),
        // Each quote inside is written twice.
        Style::SingleQuoted => node.at + 1 + before.len() + before.matches('\'').count(),
        // With escapes before the place, bytes of the text are not bytes of the file.
        Style::DoubleQuoted => match file.as_str().get(node.at + 1..) {
            Some(written) if written.starts_with(before) => node.at + 1 + before.len(),
            _ => node.at,
        },
        Style::Literal => {
            // A block begins on its first line of content.
            let line = file.line(file.line_of(node.at) + error.line - 1);
            let shown = &file.as_str()[line.clone()];
            let indent = shown.len() - shown.trim_start_matches(' ').len();
            let start = before.rfind('\n').map_or(0, |end| end + 1);
            (line.start + indent + before.len() - start).min(line.end)
        }
        Style::Folded => node.at,
    }
}
