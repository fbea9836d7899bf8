//! The variables that AWS's tools agree on, taken once: tests give their own, and nothing else reads the process.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// A set of environment variables. Some of them are secrets, so it never shows their values.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The process's own, as far as it concerns AWS: `AWS_…` and `HOME`.
    #[must_use]
    pub fn of_process() -> Self {
        let concerns = |name: &str| name.starts_with("AWS_") || name == "HOME";
        Self::of(std::env::vars_os().filter_map(|(name, value)| {
            let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
            concerns(&name).then_some((name, value))
        }))
    }

    /// These variables and no others.
    pub fn of<N: Into<String>, V: Into<String>>(variables: impl IntoIterator<Item = (N, V)>) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The value of a variable; an empty one counts as not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A file that a variable names, or the one in the home directory where it is by convention.
    pub(crate) fn file(&self, name: &str, in_home: &str) -> Option<PathBuf> {
        let by_convention = || Some(PathBuf::from(self.get("HOME")?).join(in_home));
        self.get(name).map(PathBuf::from).or_else(by_convention)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_never_shown_and_empty_ones_are_not_there() {
        let environment = Environment::of([("AWS_SECRET_ACCESS_KEY", "s3cr3t"), ("AWS_PROFILE", "")]);
        assert_eq!(format!("{environment:?}"), r#"{"AWS_PROFILE", "AWS_SECRET_ACCESS_KEY"}"#);
        assert_eq!(environment.get("AWS_PROFILE"), None);
        assert_eq!(environment.file("AWS_CONFIG_FILE", ".aws/config"), None);
    }
}
