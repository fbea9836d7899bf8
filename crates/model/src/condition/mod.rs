//! The condition language: who a policy means, said about the user and the data source they ask for.
//!
//! One grammar serves the files, the HTTP API and the `policy` column of the access summary, so a condition
//! is kept as what it says ([`Condition`]) and written in one way only: printing is canonical, and parsing
//! what was printed gives the same condition back. Its rule is the specification, section 3.
//!
//! ```text
//! condition   = conjunction { OR conjunction }
//! conjunction = factor { AND factor }
//! factor      = NOT factor | "(" condition ")" | atom
//! atom        = @isInGroups "(" string { "," string } ")"        in all of these groups
//!             | @hasAttribute "(" string "," string ")"          holds a value that agrees with the second
//!             | @hasTagAsAttribute "(" string "," target ")"     holds a tag, or its ancestor, as a value
//!             | @hasTagAsGroup "(" target ")"                    is in a group named like a tag or its ancestor
//! target      = 'dataSource' | 'column'
//! string      = "'" any text, a quote in it doubled "'"
//! ```
//!
//! Operators are read in any case and function names exactly; whitespace, line breaks among it, may stand
//! between any two tokens. The strings of `@isInGroups` and the value of `@hasAttribute` are [`Template`]s:
//! they may name fields of the data source and of the user. This module knows neither: it says which texts
//! are wanted ([`Template::resolve`]) and when two texts agree ([`value_matches`], [`is_same_or_ancestor`]);
//! whoever evaluates brings the fields.
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
