//! The environment variables that the AWS tools and curl agree on, read once: tests pass their own, and nothing else
//! reads the process's environment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// A set of environment variables. Some of them are secrets, so their values are never printed.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// Variables besides `AWS_…` that concern credentials and proxies. `REQUEST_METHOD` marks a CGI process, where a
/// client can set `HTTP_PROXY` through a header.
const OTHER_VARIABLES: [&str; 10] = [
    "HOME",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "REQUEST_METHOD",
];

impl Environment {
    /// Reads the process's variables as far as they concern AWS and proxies.
    #[must_use]
    pub fn from_process() -> Self {
        let is_relevant = |name: &str| name.starts_with("AWS_") || OTHER_VARIABLES.contains(&name);
        Self::from_variables(std::env::vars_os().filter_map(|(name, value)| {
            let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
            is_relevant(&name).then_some((name, value))
        }))
    }

    /// Creates an environment of exactly these variables.
    pub fn from_variables<N: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// Returns the value of a variable; an empty one counts as not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_even_empty(name).filter(|value| !value.is_empty())
    }

    /// Returns the value of a variable, also when it is empty.
    pub(crate) fn get_even_empty(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns the path of a file that a variable names, or of its conventional place in the home directory.
    pub(crate) fn file(&self, name: &str, in_home: &str) -> Option<PathBuf> {
        let conventional = || Some(self.home()?.join(in_home));
        self.get(name).map(|path| self.expand(path)).or_else(conventional)
    }

    /// Returns the home directory.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.get("HOME").map(PathBuf::from)
    }

    /// Expands a leading `~/`, `$HOME/` or `${HOME}/` in a path, as the AWS tools do.
    fn expand(&self, path: &str) -> PathBuf {
        let in_home = ["~/", "$HOME/", "${HOME}/"].iter().find_map(|prefix| path.strip_prefix(prefix));
        match (in_home, self.home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => path.into(),
        }
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
        let environment =
            Environment::from_variables([("AWS_SECRET_ACCESS_KEY", "s3cr3t"), ("AWS_PROFILE", "")]);
        assert_eq!(format!("{environment:?}"), r#"{"AWS_PROFILE", "AWS_SECRET_ACCESS_KEY"}"#);
        assert_eq!(environment.get("AWS_PROFILE"), None);
        assert_eq!(environment.file("AWS_CONFIG_FILE", ".aws/config"), None);
    }

    #[test]
    fn files_are_named_by_a_variable_or_lie_in_the_home_directory() {
        let file = |variables: &[(&str, &str)]| {
            let environment = Environment::from_variables(variables.iter().copied());
            environment.file("AWS_CONFIG_FILE", ".aws/config").map(|path| path.display().to_string())
        };
        let home = ("HOME", "/home/ada");
        assert_eq!(file(&[home]).as_deref(), Some("/home/ada/.aws/config"));
        assert_eq!(file(&[home, ("AWS_CONFIG_FILE", "/etc/aws")]).as_deref(), Some("/etc/aws"));
        for path in ["~/aws", "$HOME/aws", "${HOME}/aws"] {
            assert_eq!(file(&[home, ("AWS_CONFIG_FILE", path)]).as_deref(), Some("/home/ada/aws"), "{path}");
        }
        assert_eq!(file(&[("AWS_CONFIG_FILE", "~/aws")]).as_deref(), Some("~/aws"));
    }
}
