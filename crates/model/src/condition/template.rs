//! Strings with variables: fields of the data source and of the user.

use std::borrow::Cow;
use std::fmt;

/// A string with variables, as written between the quotes (with `''` already replaced by `'`).
///
/// `@` and the name of a [`Variable`] are replaced by that field; the name ends at the first character that is not a
/// letter, digit or `_`, so `@table2` is not a variable. `@@` is a plain `@`, and so is every other `@`.
///
/// ```
/// use domesday_model::condition::{Template, Variable};
///
/// let template = Template::new("@schema-readers@@acme");
/// let lookup = |variable| (variable == Variable::Schema).then_some("GL");
/// assert_eq!(template.resolve(lookup).as_deref(), Some("GL-readers@acme"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Template(String);

/// A variable of a [`Template`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variable {
    /// `@hostname`: the data source's host.
    Hostname,
    /// `@database`: the data source's database.
    Database,
    /// `@schema`: the data source's schema.
    Schema,
    /// `@table`: the data source's table.
    Table,
    /// `@username`: the user's name.
    Username,
    /// `@iam`: the user's identity provider.
    Iam,
}

/// A segment of a [`Template`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Segment<'a> {
    /// Literal text; never empty.
    Text(&'a str),
    /// A variable.
    Variable(Variable),
}

impl Template {
    /// Creates a template from a text in which quotes are not doubled. Every text is valid.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text as written, with `@@` still double.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Iterates over the segments in order. Two texts may follow each other, since `@@` is split to drop its second `@`.
    pub fn segments(&self) -> Segments<'_> {
        Segments { rest: &self.0 }
    }

    /// Iterates over the variables in order, duplicates included.
    pub fn variables(&self) -> impl Iterator<Item = Variable> {
        self.segments().filter_map(|segment| match segment {
            Segment::Variable(variable) => Some(variable),
            Segment::Text(_) => None,
        })
    }

    /// Returns the text of a template without variables; `None` if it has any.
    pub fn literal(&self) -> Option<Cow<'_, str>> {
        self.resolve(|_| None)
    }

    /// Replaces every variable by the result of `lookup`. Returns `None` when one is absent, which makes the atom
    /// false. Replacements are not searched for variables again.
    pub fn resolve<'v>(&self, lookup: impl Fn(Variable) -> Option<&'v str>) -> Option<Cow<'_, str>> {
        let mut resolved = Cow::Borrowed("");
        for segment in self.segments() {
            match segment {
                Segment::Text(text) if resolved.is_empty() => resolved = Cow::Borrowed(text),
                Segment::Text(text) => resolved.to_mut().push_str(text),
                Segment::Variable(variable) => resolved.to_mut().push_str(lookup(variable)?),
            }
        }
        Some(resolved)
    }
}

impl Variable {
    /// All variables.
    pub const ALL: [Self; 6] =
        [Self::Hostname, Self::Database, Self::Schema, Self::Table, Self::Username, Self::Iam];

    /// Returns the name, without the `@`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hostname => "hostname",
            Self::Database => "database",
            Self::Schema => "schema",
            Self::Table => "table",
            Self::Username => "username",
            Self::Iam => "iam",
        }
    }

    /// Whether it is a field of the user, so that it differs between users of one data source.
    pub fn is_user(self) -> bool {
        matches!(self, Self::Username | Self::Iam)
    }

    /// Whether it is a field of the data source; exactly one of this and [`is_user`](Self::is_user) is true.
    pub fn is_data_source(self) -> bool {
        !self.is_user()
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variable| variable.name() == name)
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.name())
    }
}

/// The segments of a [`Template`], from [`Template::segments`].
#[derive(Debug, Clone)]
pub struct Segments<'a> {
    rest: &'a str,
}

impl<'a> Segments<'a> {
    fn text(&mut self, end: usize, next: usize) -> Segment<'a> {
        let text = &self.rest[..end];
        self.rest = &self.rest[next..];
        Segment::Text(text)
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let mut searched = 0;
        while let Some(found) = self.rest[searched..].find('@') {
            let at = searched + found;
            let after = &self.rest[at + 1..];
            if after.starts_with('@') {
                return Some(self.text(at + 1, at + 2));
            }
            let name = leading_name(after);
            match Variable::named(name) {
                Some(variable) if at == 0 => {
                    self.rest = &after[name.len()..];
                    return Some(Segment::Variable(variable));
                }
                Some(_) => return Some(self.text(at, at)),
                None => searched = at + 1,
            }
        }
        Some(self.text(self.rest.len(), self.rest.len()))
    }
}

/// The letters, digits and `_` that `text` begins with: what a name is made of, in templates and between
/// tokens.
pub(super) fn leading_name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::Segment::{Text, Variable as Var};
    use super::Variable::{Database, Hostname, Iam, Schema, Table, Username};
    use super::*;

    #[test]
    fn segments_of_every_kind_of_at_sign() {
        let table: [(&str, &[Segment<'_>]); 19] = [
            ("", &[]),
            ("plain", &[Text("plain")]),
            ("@hostname", &[Var(Hostname)]),
            ("@database.@schema.@table", &[Var(Database), Text("."), Var(Schema), Text("."), Var(Table)]),
            ("@username@iam", &[Var(Username), Var(Iam)]),
            ("@iam'@iam", &[Var(Iam), Text("'"), Var(Iam)]),
            ("db-@database-x", &[Text("db-"), Var(Database), Text("-x")]),
            ("@table2", &[Text("@table2")]),
            ("@table_", &[Text("@table_")]),
            ("@tableé", &[Text("@tableé")]),
            ("@table→", &[Var(Table), Text("→")]),
            ("@Table", &[Text("@Table")]),
            ("@", &[Text("@")]),
            ("a@b.c", &[Text("a@b.c")]),
            ("@ table", &[Text("@ table")]),
            ("@@", &[Text("@")]),
            ("@@table", &[Text("@"), Text("table")]),
            ("@@@table", &[Text("@"), Var(Table)]),
            ("é@nobody@table@", &[Text("é@nobody"), Var(Table), Text("@")]),
        ];
        for (text, expected) in table {
            assert_eq!(Template::new(text).segments().collect::<Vec<_>>(), expected, "{text:?}");
        }
    }

    #[test]
    fn literal_reads_doubled_signs_and_refuses_variables() {
        let table = [
            ("", Some("")),
            ("Team", Some("Team")),
            ("a@@b@@", Some("a@b@")),
            ("@@@@", Some("@@")),
            ("@@hostname", Some("@hostname")),
            ("@nobody", Some("@nobody")),
            ("x @hostname", None),
        ];
        for (text, expected) in table {
            assert_eq!(Template::new(text).literal().as_deref(), expected, "{text:?}");
        }
        assert!(matches!(Template::new("Team").literal(), Some(Cow::Borrowed("Team"))));
    }

    #[test]
    fn resolve_puts_fields_in_once_and_fails_on_absent_ones() {
        let lookup = |variable| match variable {
            Database => Some("FIN"),
            Schema => Some("@table"),
            Table => Some(""),
            _ => None,
        };
        let table = [
            ("@database.gl", Some("FIN.gl")),
            ("@schema", Some("@table")),
            ("@table@table", Some("")),
            ("@table@@x", Some("@x")),
            ("<@table>", Some("<>")),
            ("@database on @hostname", None),
        ];
        for (text, expected) in table {
            assert_eq!(Template::new(text).resolve(lookup).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn variables_belong_to_the_user_or_the_data_source() {
        let used: Vec<_> = Template::new("@iam:@table:@iam @@schema").variables().collect();
        assert_eq!(used, [Iam, Table, Iam]);
        let of_user: Vec<_> = Variable::ALL.into_iter().filter(|v| v.is_user()).collect();
        assert_eq!(of_user, [Username, Iam]);
        assert!(Variable::ALL.into_iter().all(|v| v.is_user() != v.is_data_source()));
        assert_eq!(Hostname.to_string(), "@hostname");
    }
}
