//! Settings by name, from the environment or the file, every mistake collected.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// Reads settings and collects mistakes.
pub(super) struct Reader<'v> {
    pub(super) variable: &'v dyn Fn(&str) -> Option<String>,
    /// The directory of the configuration file; empty without a file.
    pub(super) directory: PathBuf,
    pub(super) mistakes: Vec<String>,
    /// Whether the file was read as a whole. Else a setting that seems to be missing may be one that was not read.
    pub(super) is_whole: bool,
}

impl Reader<'_> {
    /// A number of the section `server` that must not be 0.
    pub(super) fn at_least_one<T>(&mut self, setting: &str, of_file: Option<T>, default: T) -> T
    where
        T: std::str::FromStr + Default + PartialEq + Copy,
    {
        let name = format!("DOMESDAY_{}", setting.to_ascii_uppercase());
        let number = self.number(&name, of_file, default);
        self.require(number != T::default(), format!("server.{setting} ({name}) must be at least 1"));
        number
    }

    pub(super) fn require(&mut self, holds: bool, mistake: String) {
        if !holds {
            self.mistakes.push(mistake);
        }
    }

    /// Reports a setting that is missing.
    pub(super) fn missing(&mut self, mistake: &str) {
        if self.is_whole {
            self.mistakes.push(mistake.to_owned());
        }
    }

    pub(super) fn environment(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn text(&self, name: &str, of_file: Option<String>) -> Option<String> {
        self.environment(name).or(of_file)
    }

    /// The path that a variable or the file names for a setting.
    pub(super) fn path(
        &mut self,
        setting: &str,
        variable: &str,
        of_file: Option<PathBuf>,
    ) -> Option<PathBuf> {
        self.environment(variable).map(PathBuf::from).or_else(|| self.path_of_file(setting, &of_file?))
    }

    /// A path of the configuration file, starting at the directory of the file. Earlier versions started at the working
    /// directory: where only that finds something, nothing is started on an empty place without saying so.
    pub(super) fn path_of_file(&mut self, setting: &str, path: &Path) -> Option<PathBuf> {
        let resolved = self.directory.join(path);
        if !resolved.exists() && path.is_relative() && path.exists() {
            self.mistakes.push(format!(
                "{setting} is relative to the directory of the configuration file, where there is no {}, and the working \
                 directory has a file of that name; move the file, or write its absolute path",
                resolved.display()
            ));
        }
        Some(resolved)
    }

    /// A secret that a variable contains, or a file that the configuration file names; none when a file cannot be read,
    /// which is a mistake.
    pub(super) fn secret(
        &mut self,
        setting: &str,
        variable: &str,
        of_file: Option<PathBuf>,
    ) -> Option<Option<SecretString>> {
        let trimmed = |secret: String| Some(SecretString::from(secret.trim().to_owned()));
        if let Some(secret) = self.environment(variable) {
            return Some(trimmed(secret));
        }
        let Some(path) = of_file else { return Some(None) };
        let path = self.path_of_file(setting, &path)?;
        match std::fs::read_to_string(&path) {
            Ok(secret) => Some(trimmed(secret)),
            Err(error) => {
                self.mistakes.push(format!("{setting} {}: {error}", path.display()));
                None
            }
        }
    }

    pub(super) fn number<T: std::str::FromStr>(&mut self, name: &str, of_file: Option<T>, default: T) -> T {
        let Some(text) = self.environment(name) else { return of_file.unwrap_or(default) };
        text.parse().unwrap_or_else(|_| {
            self.mistakes.push(format!("{name} must be a whole number, found `{text}`"));
            default
        })
    }

    pub(super) fn list(&self, name: &str, of_file: Option<Vec<String>>) -> Vec<String> {
        self.environment(name).map_or_else(
            || of_file.unwrap_or_default(),
            |text| text.split(',').map(|part| part.trim().to_owned()).collect(),
        )
    }

    pub(super) fn address(&mut self, what: &str, text: &str) -> Option<SocketAddr> {
        let address = text.parse().ok();
        self.require(
            address.is_some(),
            format!("{what} must be an address and port such as 127.0.0.1:8080, found `{text}`"),
        );
        address
    }
}
