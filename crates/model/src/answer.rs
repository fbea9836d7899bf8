//! Answers to the questions of a request form, in their original JSON.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::QuestionKind;

/// One answer: the text of a JSON value.
///
/// Stored as text, since a number of JSON can have more digits than any number type: `1.10` and
/// `12345678901234567890123` are returned unchanged.
#[derive(Debug, Clone)]
pub struct Answer(Box<RawValue>);

impl PartialEq for Answer {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}

impl Eq for Answer {}

/// Why a value is not an answer to a question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct AnswerError {
    /// What the question requires, such as `a date such as 2026-01-31`.
    pub expected: String,
}

impl Answer {
    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::from_json(serde_json::Value::from(text).to_string()).expect("a quoted text is JSON")
    }

    /// Creates an answer from its JSON text.
    ///
    /// # Errors
    /// When the text is not one JSON value.
    pub fn from_json(json: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(json).map(Self)
    }

    /// Returns the JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.0.get()
    }

    /// Returns the same answer without needless escapes in its text.
    #[must_use]
    pub fn into_canonical(self) -> Self {
        match serde_json::from_str::<String>(self.as_json()) {
            Ok(text) => Self::text(&text),
            Err(_) => self,
        }
    }

    /// Whether nothing was answered.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.as_json().trim() == "null"
    }

    /// Checks that the answer has the type that a question requires: a text, one of the choices, a number, a date or a
    /// boolean.
    ///
    /// # Errors
    /// When it is something else.
    pub fn check(&self, kind: &QuestionKind) -> Result<(), AnswerError> {
        let text = || serde_json::from_str::<String>(self.as_json()).ok();
        let (fits, expected) = match kind {
            QuestionKind::Text => (text().is_some(), "a text".to_owned()),
            QuestionKind::Choice { choices } => {
                let listed: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
                (text().is_some_and(|text| choices.contains(&text)), format!("one of {}", listed.join(", ")))
            }
            QuestionKind::Number => (self.is_number(), "a number".to_owned()),
            QuestionKind::Date => {
                let is_date = |text: String| is_date(&text);
                (text().is_some_and(is_date), "a date such as 2026-01-31".to_owned())
            }
            QuestionKind::Boolean => {
                (matches!(self.as_json().trim(), "true" | "false"), "true or false".to_owned())
            }
        };
        if fits { Ok(()) } else { Err(AnswerError { expected }) }
    }

    /// Whether it is a number that every reader of JSON can parse, with whatever precision.
    fn is_number(&self) -> bool {
        serde_json::from_str::<f64>(self.as_json()).is_ok_and(f64::is_finite)
    }
}

/// Whether a text is a calendar date, `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(position, byte)| match position {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
        && text.parse::<jiff::civil::Date>().is_ok()
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_json())
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Answer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(json: &str) -> Answer {
        Answer::from_json(json.to_owned()).unwrap()
    }

    #[test]
    fn numbers_keep_their_digits() {
        for json in ["12345678901234567890123", "1.10", "-0.0", "1e5", "0.30000000000000000001"] {
            let written = serde_json::to_string(&serde_json::from_str::<Answer>(json).unwrap()).unwrap();
            assert_eq!(written, json);
        }
    }

    #[test]
    fn an_answer_is_of_the_kind_that_the_question_asks_for() {
        let choice = QuestionKind::Choice { choices: vec!["a".into(), "b".into()] };
        let table = [
            (
                QuestionKind::Text,
                vec![r#""why""#, r#""""#],
                vec!["1", "true", "[]", "{}", "null", r#"["a"]"#],
            ),
            (choice, vec![r#""a""#], vec![r#""c""#, "1", r#"["a"]"#]),
            (QuestionKind::Number, vec!["1", "1.10", "-2e3"], vec![r#""1""#, "1e400", "true", "[1]"]),
            (
                QuestionKind::Date,
                vec![r#""2026-02-28""#],
                vec![r#""2026-02-29""#, r#""2026-1-1""#, r#""soon""#, "20260101"],
            ),
            (QuestionKind::Boolean, vec!["true", "false"], vec![r#""true""#, "0", "null"]),
        ];
        for (kind, right, wrong) in table {
            for json in right {
                assert_eq!(answer(json).check(&kind), Ok(()), "{json}");
            }
            for json in wrong {
                assert!(answer(json).check(&kind).is_err(), "{kind:?}: {json}");
            }
        }
    }
}
