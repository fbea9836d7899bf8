//! Query strings: read strictly, and every refusal names the parameter, the value and what is allowed.

use std::collections::HashSet;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde::de::value::MapDeserializer;
use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};

use crate::paging::MAX_LIMIT;
use crate::problem::Problem;

/// Names and values of a query string.
///
/// # Errors
/// When the text is not percent-encoded UTF-8, a parameter is not one that the route takes, occurs twice, has no value,
/// or contains the character U+0000.
pub(crate) fn pairs(query: &str, declared: &[String]) -> Result<Vec<(String, String)>, Problem> {
    if percent_decode_str(query).decode_utf8().is_err() {
        return Err(Problem::bad_request("the query is not UTF-8; send name=value pairs, percent-encoded"));
    }
    let mut pairs = Vec::new();
    let mut seen = HashSet::new();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let decode =
            |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let (name, value) = (decode(name), decode(value));
        let shown = shorten(&name);
        if !declared.contains(&name) {
            let takes = if declared.is_empty() { "none".to_owned() } else { declared.join(", ") };
            return Err(Problem::bad_request(format!(
                "the query parameter `{shown}` is not known; this route takes {takes}"
            )));
        }
        if !seen.insert(name.clone()) {
            return Err(Problem::bad_request(format!(
                "the query parameter `{shown}` is given twice; give it once"
            )));
        }
        if value.is_empty() {
            return Err(Problem::bad_request(format!(
                "the query parameter `{shown}` has no value; give one or leave the parameter out"
            )));
        }
        if value.contains('\0') {
            return Err(Problem::bad_request(format!(
                "the query parameter `{shown}` contains the character U+0000, which no name or text may"
            )));
        }
        pairs.push((name, value));
    }
    Ok(pairs)
}

/// Reads the parameters that the fields of `T` are; others are for other readers.
///
/// Words are read in any case and with or without `_`: a filter can be spelt as answers spell it.
///
/// # Errors
/// When a value is not one that is allowed, or a required parameter is missing.
pub(crate) fn read<T: DeserializeOwned>(pairs: Vec<(String, String)>) -> Result<T, Problem> {
    T::deserialize(Parameters(pairs)).map_err(|Error(message)| Problem::bad_request(message))
}

/// The parameters of a query.
struct Parameters(Vec<(String, String)>);

impl<'de> de::Deserializer<'de> for Parameters {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let values = self.0.into_iter().map(|(name, text)| (name.clone(), Parameter { name, text }));
        visitor.visit_map(MapDeserializer::new(values))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.retain(|(name, _)| fields.contains(&name.as_str()));
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// One parameter's value, by name.
struct Parameter {
    name: String,
    text: String,
}

#[derive(Debug)]
struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self(format!("the query parameter `{field}` is missing"))
    }
}

impl Parameter {
    fn refuse(&self, expected: &str) -> Error {
        Error(format!(
            "the query parameter `{}` must be {expected}, found `{}`",
            self.name,
            shorten(&self.text)
        ))
    }

    fn number<N: std::str::FromStr>(&self) -> Result<N, Error> {
        let digits = self.text.bytes().all(|byte| byte.is_ascii_digit());
        self.text.parse().ok().filter(|_| digits).ok_or_else(|| match self.name.as_str() {
            "limit" => self.refuse(&format!("a whole number from 1 to {MAX_LIMIT}")),
            _ => self.refuse("a whole number"),
        })
    }
}

macro_rules! numbers {
    ($($method:ident => $visit:ident: $type:ty),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.number::<$type>()?)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Parameter {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        // The type's own message does not name the parameter.
        let name = self.name;
        visitor
            .visit_string(self.text)
            .map_err(|Error(message)| Error(format!("the query parameter `{name}`: {message}")))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.text.to_ascii_lowercase().as_str() {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ => Err(self.refuse("`true` or `false`")),
        }
    }

    numbers! {
        deserialize_u8 => visit_u8: u8,
        deserialize_u16 => visit_u16: u16,
        deserialize_u32 => visit_u32: u32,
        deserialize_u64 => visit_u64: u64,
        deserialize_i8 => visit_i8: i8,
        deserialize_i16 => visit_i16: i16,
        deserialize_i32 => visit_i32: i32,
        deserialize_i64 => visit_i64: i64,
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match variants.iter().find(|word| is_same_word(word, &self.text)) {
            Some(word) => visitor.visit_enum((*word).into_deserializer()),
            None => {
                let words: Vec<_> = variants.iter().map(|word| format!("`{word}`")).collect();
                Err(self.refuse(&either(&words)))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for Parameter {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Whether two spellings are of one word: `GIVEN_UP`, `givenUp`, `given_up`.
fn is_same_word(left: &str, right: &str) -> bool {
    let letters = |text: &str| text.replace(['_', '-'], "").to_lowercase();
    letters(left) == letters(right)
}

fn either(words: &[String]) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => words.concat(),
    }
}

/// A text as far as a message shows it.
fn shorten(text: &str) -> String {
    const SHOWN: usize = 80;
    let shown: String = text.chars().take(SHOWN).filter(|c| !c.is_control()).collect();
    if text.chars().nth(SHOWN).is_some() { format!("{shown}…") } else { shown }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    enum Word {
        Granted,
        GivenUp,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wanted {
        user: Option<String>,
        word: Option<Word>,
        limit: Option<usize>,
        #[serde(default)]
        dry_run: bool,
        at: Option<domesday_model::Instant>,
        id: Option<uuid::Uuid>,
    }

    const DECLARED: [&str; 6] = ["user", "word", "limit", "dryRun", "at", "id"];

    fn wanted(query: &str) -> Result<Wanted, Problem> {
        read(pairs(query, &DECLARED.map(str::to_owned))?)
    }

    #[test]
    fn words_are_read_as_answers_spell_them() {
        for (query, word) in [
            ("word=granted", Word::Granted),
            ("word=GRANTED", Word::Granted),
            ("word=Granted", Word::Granted),
            ("word=givenUp", Word::GivenUp),
            ("word=GIVEN_UP", Word::GivenUp),
            ("word=given-up", Word::GivenUp),
        ] {
            assert_eq!(wanted(query).unwrap().word, Some(word), "{query}");
        }
        let all = "user=a%20b+c%2B&limit=7&dryRun=True&at=2026-01-02T03:04:05Z&id=8f6c9a1e-3f0b-4f0e-9d3c-2a1b4c5d6e7f&";
        let all = wanted(all).unwrap();
        assert_eq!((all.user.as_deref(), all.limit, all.dry_run), (Some("a b c+"), Some(7), true));
        assert_eq!(all.at.unwrap().to_string(), "2026-01-02T03:04:05Z");
        assert!(all.id.is_some() && wanted("").unwrap().user.is_none());
    }

    #[test]
    fn refusals_name_the_parameter_the_value_and_what_is_allowed() {
        let long = format!("limit={}", "9".repeat(500));
        for (query, parts) in [
            ("word=refused", &["`word`", "`granted` or `givenUp`", "`refused`"][..]),
            ("limit=abc", &["`limit`", "from 1 to 1000", "`abc`"]),
            ("limit=1e9", &["`limit`", "from 1 to 1000", "`1e9`"]),
            ("limit=-1", &["`limit`", "from 1 to 1000", "`-1`"]),
            ("limit=%2B5", &["`limit`", "`+5`"]),
            (&long, &["`limit`", "from 1 to 1000", "999…`"]),
            ("dryRun=1", &["`dryRun`", "`true` or `false`", "`1`"]),
            ("dryRun=yes", &["`dryRun`", "`true` or `false`", "`yes`"]),
            ("at=yesterday", &["`at`", "RFC 3339", "`yesterday`"]),
            ("id=7", &["`id`"]),
            ("user=a&user=b", &["`user`", "twice"]),
            ("user=", &["`user`", "no value"]),
            ("user", &["`user`", "no value"]),
            ("usr=a", &["`usr`", "this route takes user, word"]),
            ("user=%ff", &["UTF-8"]),
            ("user=a%00", &["`user`", "U+0000"]),
        ] {
            let problem = wanted(query).unwrap_err().to_string();
            for part in parts {
                assert!(problem.contains(part), "{query}: {problem}");
            }
        }
    }
}
