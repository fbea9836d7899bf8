//! The syntax tree of conditions.

use std::iter;

use super::Template;

/// A statement about a user and a data source that holds or does not.
///
/// `And` and `Or` have at least two children and none of their own kind, which makes equal conditions equal
/// values; [`Condition::and`] and [`Condition::or`] keep it so, and code that builds a variant by hand must.
///
/// The text form ([`Display`](std::fmt::Display), [`FromStr`](std::str::FromStr), serde) is one and the same. A
/// condition built deeper than [`MAX_DEPTH`](super::MAX_DEPTH) can be printed but not read back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Condition {
    /// A function.
    Atom(Atom),
    /// Holds when the child does not. `NOT NOT x` is not simplified.
    Not(Box<Condition>),
    /// Holds when every child does.
    And(Vec<Condition>),
    /// Holds when any child does.
    Or(Vec<Condition>),
}

/// A function of the condition language: a fact about a user, possibly compared with fields and tags of the data source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Atom {
    /// The user is in **all** of these groups, of which there is at least one.
    InGroups(Vec<Template>),
    /// One of the user's values for `key` agrees with `value` by [`value_matches`](super::value_matches).
    HasAttribute {
        /// The attribute's key, taken literally.
        key: String,
        /// The value to compare with.
        value: Template,
    },
    /// One of the user's values for `key` is a tag of the target, or a dotted ancestor of one.
    HasTagAsAttribute {
        /// The attribute's key, taken literally.
        key: String,
        /// Whose tags are compared.
        target: TagTarget,
    },
    /// The name of one of the user's groups is a tag of the target, or a dotted ancestor of one.
    HasTagAsGroup {
        /// Whose tags are compared.
        target: TagTarget,
    },
}

/// Whose tags an atom compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TagTarget {
    /// The tags of the data source itself.
    DataSource,
    /// The tags of any of its columns.
    Column,
}

impl TagTarget {
    /// Both, in the order of messages.
    pub const ALL: [Self; 2] = [Self::DataSource, Self::Column];

    /// Returns the word for it in the language, without quotes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DataSource => "dataSource",
            Self::Column => "column",
        }
    }
}

impl Condition {
    /// Returns the conjunction of `children`. Children that are conjunctions are merged into it; a single child is
    /// returned unchanged.
    ///
    /// # Panics
    /// Without children: the language has no word for a condition that always holds.
    pub fn and(children: impl IntoIterator<Item = Condition>) -> Self {
        let mut flat = Vec::new();
        for child in children {
            match child {
                Condition::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        Self::joined(flat, Condition::And)
    }

    /// Returns the disjunction of `children`. Children that are disjunctions are merged into it; a single child is
    /// returned unchanged.
    ///
    /// # Panics
    /// Without children: the language has no word for a condition that never holds.
    pub fn or(children: impl IntoIterator<Item = Condition>) -> Self {
        let mut flat = Vec::new();
        for child in children {
            match child {
                Condition::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        Self::joined(flat, Condition::Or)
    }

    /// Returns the negation of `child`.
    #[expect(clippy::should_implement_trait, reason = "named with `and` and `or`, and not a method")]
    pub fn not(child: Condition) -> Self {
        Condition::Not(Box::new(child))
    }

    fn joined(mut children: Vec<Condition>, join: fn(Vec<Condition>) -> Self) -> Self {
        if children.len() > 1 {
            return join(children);
        }
        children.pop().expect("AND and OR need a child")
    }

    /// Returns the condition with another name of a group, and whether it names the group. Names with variables are left as
    /// they are: which groups they mean depends on the data source.
    #[must_use]
    pub fn with_group_renamed(mut self, old: &str, new: &str) -> (Self, bool) {
        let is_any = self.rename_group(old, &Template::new(new.replace('@', "@@")));
        (self, is_any)
    }

    fn rename_group(&mut self, old: &str, new: &Template) -> bool {
        match self {
            Condition::Atom(Atom::InGroups(groups)) => {
                let mut is_any = false;
                for group in groups.iter_mut().filter(|group| group.literal().as_deref() == Some(old)) {
                    *group = new.clone();
                    is_any = true;
                }
                is_any
            }
            Condition::Atom(_) => false,
            Condition::Not(child) => child.rename_group(old, new),
            Condition::And(children) | Condition::Or(children) => {
                let mut is_any = false;
                for child in children {
                    is_any |= child.rename_group(old, new);
                }
                is_any
            }
        }
    }

    /// Iterates over the atoms in the order of the text, duplicates included.
    pub fn atoms(&self) -> impl Iterator<Item = &Atom> {
        let mut open = vec![self];
        iter::from_fn(move || {
            loop {
                match open.pop()? {
                    Condition::Atom(atom) => return Some(atom),
                    Condition::Not(child) => open.push(child),
                    Condition::And(children) | Condition::Or(children) => open.extend(children.iter().rev()),
                }
            }
        })
    }
}

impl From<Atom> for Condition {
    fn from(atom: Atom) -> Self {
        Condition::Atom(atom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str) -> Condition {
        Atom::InGroups(vec![Template::new(name)]).into()
    }

    #[test]
    fn and_and_or_merge_their_own_kind_only() {
        let [a, b, c] = ["a", "b", "c"].map(group);
        let pair = Condition::and([a.clone(), b.clone()]);
        assert_eq!(
            Condition::and([pair.clone(), c.clone()]),
            Condition::And(vec![a.clone(), b.clone(), c.clone()])
        );
        assert_eq!(
            Condition::or([pair.clone(), Condition::or([a.clone(), c.clone()])]),
            Condition::Or(vec![pair.clone(), a.clone(), c])
        );
        assert_eq!(Condition::or([pair.clone()]), pair);
        assert_eq!(Condition::and([a.clone()]), a);
        let twice = Condition::not(Condition::not(b.clone()));
        assert_eq!(twice, Condition::Not(Box::new(Condition::Not(Box::new(b)))));
    }

    #[test]
    fn a_group_gets_another_name_wherever_it_is_written_out() {
        let text = "@isInGroups('a', 'b') AND NOT @isInGroups('a') OR @isInGroups('a@schema') OR @hasAttribute('a', 'a')";
        let (renamed, is_any) = text.parse::<Condition>().unwrap().with_group_renamed("a", "x@schema");
        let expected = "@isInGroups('x@@schema', 'b') AND NOT @isInGroups('x@@schema') OR @isInGroups('a@schema') OR \
                        @hasAttribute('a', 'a')";
        assert_eq!((renamed.to_string().as_str(), is_any), (expected, true));
    }

    #[test]
    #[should_panic(expected = "AND and OR need a child")]
    fn a_conjunction_of_nothing_is_refused() {
        Condition::and([]);
    }

    #[test]
    fn atoms_come_in_the_order_written() {
        let text = "@isInGroups('a') AND NOT (@isInGroups('b') OR @isInGroups('a')) AND @isInGroups('c')";
        let condition: Condition = text.parse().unwrap();
        let names: Vec<_> = condition.atoms().map(ToString::to_string).collect();
        assert_eq!(names, ["@isInGroups('a')", "@isInGroups('b')", "@isInGroups('a')", "@isInGroups('c')"]);
    }
}
