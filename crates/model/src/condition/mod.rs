//! The condition language (`docs/access.md`, "Condition language"): statements about a user and a data source.
//!
//! Files, the HTTP API and the `policy` column of the access summary have the same grammar. A condition is stored as a
//! syntax tree ([`Condition`]) and printed canonically: parsing what was printed gives the same condition.
//!
//! ```text
//! condition   = conjunction { OR conjunction }
//! conjunction = factor { AND factor }
//! factor      = NOT factor | "(" condition ")" | atom
//! atom        = @isInGroups "(" string { "," string } ")"        in all of these groups
//!             | @hasAttribute "(" string "," string ")"          has a value that satisfies the second
//!             | @hasTagAsAttribute "(" string "," target ")"     has a tag, or its ancestor, as a value
//!             | @hasTagAsGroup "(" target ")"                    is in a group named like a tag or its ancestor
//! target      = 'dataSource' | 'column'
//! string      = "'" any text, a quote in it doubled "'"
//! ```
//!
//! Operators are accepted in any case, function names only exactly; whitespace, including line breaks, is allowed
//! between any two tokens. The strings of `@isInGroups` and the value of `@hasAttribute` are [`Template`]s: they may
//! contain variables, which are fields of the data source and of the user. This module has no access to these: the
//! evaluator passes them to [`Template::resolve`] and compares texts with [`value_matches`] and
//! [`is_same_or_ancestor`].
//!
//! ```
//! use domesday_model::condition::Condition;
//!
//! let condition: Condition = "@isInGroups( 'Analysts' ) and not @hasAttribute('Region', 'EU')".parse()?;
//! assert_eq!(condition.to_string(), "@isInGroups('Analysts') AND NOT @hasAttribute('Region', 'EU')");
//!
//! let error = "@isInGroups('Analysts'".parse::<Condition>().unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "expected `,` or `)` but found the end of the text at line 1, column 23 of the condition",
//! );
//! # Ok::<(), domesday_model::condition::ParseError>(())
//! ```

mod ast;
mod error;
mod lex;
mod matching;
mod parse;
mod print;
#[cfg(test)]
mod properties;
mod template;

pub use ast::{Atom, Condition, TagTarget};
pub use error::ParseError;
pub use matching::{is_same_or_ancestor, value_matches};
pub use parse::MAX_DEPTH;
pub use template::{Segment, Segments, Template, Variable};
