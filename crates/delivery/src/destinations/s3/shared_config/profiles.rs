//! Profiles, SSO sessions and service sections, as they are named in the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::ini::{self, Section, Value};
use crate::destinations::s3::shell_words;
use crate::{DeliveryError, Environment};

type Sections = BTreeMap<String, Section>;

/// Both files, read once, and the profile that the environment chooses.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedConfig {
    chosen: String,
    /// Profiles of the config file alone.
    config_profiles: Sections,
    /// Profiles of the credentials file alone.
    credentials_profiles: Sections,
    /// Profiles of both; the credentials file's keys outrank the config file's.
    profiles: Sections,
    sso_sessions: Sections,
    services: Sections,
}

/// One of the two files, where it matters which of them a key stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyFile {
    /// `~/.aws/credentials`
    Credentials,
    /// `~/.aws/config`
    Config,
}

/// The settings of one profile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Profile<'a> {
    pub(crate) name: &'a str,
    settings: Option<&'a Section>,
}

impl<'a> Profile<'a> {
    /// Returns a setting, which may be empty.
    pub(crate) fn get(&self, key: &str) -> Option<&'a str> {
        self.settings?.get(key)?.as_text()
    }

    /// Whether a setting is there, empty or not.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.settings.is_some_and(|settings| settings.contains_key(key))
    }

    /// Returns a setting below another.
    fn get_nested(&self, key: &str, inner: &str) -> Option<&'a str> {
        match self.settings?.get(key)? {
            Value::Nested(nested) => nested.get(inner).map(String::as_str),
            Value::Text(_) => None,
        }
    }

    /// Creates the error that this profile cannot be used.
    pub(crate) fn unusable(&self, reason: &str) -> DeliveryError {
        DeliveryError::NoCredentials { tried: format!("the profile `{}` {reason}", self.name) }
    }
}

impl SharedConfig {
    /// Reads the files that the environment names, where they exist.
    ///
    /// # Errors
    /// When a file cannot be read, or the environment chooses a profile that is in neither.
    pub(crate) fn load(environment: &Environment) -> Result<Self, DeliveryError> {
        let mut config = Self::default();
        if let Some(path) = environment.file("AWS_CONFIG_FILE", ".aws/config") {
            config.add_config_file(read(&path)?);
        }
        config.profiles.clone_from(&config.config_profiles);
        if let Some(path) = environment.file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials") {
            for (name, section) in read(&path)? {
                config.profiles.entry(name.clone()).or_default().extend(section.clone());
                config.credentials_profiles.insert(name, section);
            }
        }
        let named = environment.get("AWS_DEFAULT_PROFILE").or_else(|| environment.get("AWS_PROFILE"));
        named.unwrap_or("default").clone_into(&mut config.chosen);
        if let Some(name) = named
            && !config.profiles.contains_key(name)
        {
            return Err(config.chosen_profile().unusable("is in neither file"));
        }
        Ok(config)
    }

    /// Adds the sections of a config file: `[default]`, `[profile NAME]`, `[sso-session NAME]`, `[services NAME]`.
    /// Names with blanks are quoted. Where two sections mean one name, the later one counts.
    fn add_config_file(&mut self, sections: Vec<(String, Section)>) {
        for (title, section) in sections {
            let target = match title.as_str() {
                "default" => {
                    self.config_profiles.insert(title, section);
                    continue;
                }
                title if title.starts_with("profile") => &mut self.config_profiles,
                title if title.starts_with("sso-session") => &mut self.sso_sessions,
                title if title.starts_with("services") => &mut self.services,
                _ => continue,
            };
            let words = shell_words::split(&title).unwrap_or_default();
            if let [_, name] = &words[..] {
                target.insert(name.clone(), section);
            }
        }
    }

    /// Returns the profile that the environment chooses, which may have no settings.
    pub(crate) fn chosen_profile(&self) -> Profile<'_> {
        Profile { name: &self.chosen, settings: self.profiles.get(&self.chosen) }
    }

    /// Returns a profile of either file.
    pub(crate) fn profile<'a>(&'a self, name: &str) -> Option<Profile<'a>> {
        let (name, settings) = self.profiles.get_key_value(name)?;
        Some(Profile { name, settings: Some(settings) })
    }

    /// Returns the settings that a profile has in one of the files.
    pub(crate) fn profile_in_file<'a>(&'a self, name: &'a str, file: KeyFile) -> Profile<'a> {
        let profiles = match file {
            KeyFile::Credentials => &self.credentials_profiles,
            KeyFile::Config => &self.config_profiles,
        };
        Profile { name, settings: profiles.get(name) }
    }

    /// Returns the settings of an SSO session.
    pub(crate) fn sso_session(&self, name: &str) -> Option<BTreeMap<&str, &str>> {
        let section = self.sso_sessions.get(name)?;
        Some(section.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_text()?))).collect())
    }

    /// Returns a boolean setting of the chosen profile, unless a variable sets it.
    pub(crate) fn flag(&self, environment: &Environment, variable: &str, key: &str) -> bool {
        let value = environment.get(variable).or_else(|| self.chosen_profile().get(key));
        value.is_some_and(is_true)
    }

    /// Whether the chosen profile asks S3 alone for dual-stack endpoints.
    pub(crate) fn uses_dual_stack_for_s3(&self) -> Option<bool> {
        self.chosen_profile().get_nested("s3", "use_dualstack_endpoint").map(is_true)
    }

    /// Returns the endpoint that the chosen profile sets for a service: in its `services` section, else for all.
    ///
    /// # Errors
    /// When the profile names a `services` section that does not exist.
    pub(crate) fn endpoint_url(&self, service: &str) -> Result<Option<&str>, DeliveryError> {
        let profile = self.chosen_profile();
        if let Some(name) = profile.get("services") {
            let Some(section) = self.services.get(name) else {
                let message = format!(
                    "the profile `{}` names the services section `{name}`, which does not exist",
                    profile.name
                );
                return Err(DeliveryError::Configuration { message });
            };
            let services = Profile { name, settings: Some(section) };
            if let Some(url) = services.get_nested(service, "endpoint_url").filter(|url| !url.is_empty()) {
                return Ok(Some(url));
            }
        }
        Ok(profile.get("endpoint_url").filter(|url| !url.is_empty()))
    }
}

fn is_true(value: &str) -> bool {
    value.eq_ignore_ascii_case("true")
}

fn read(path: &Path) -> Result<Vec<(String, Section)>, DeliveryError> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let owned = || PathBuf::from(path);
    let bytes = std::fs::read(path).map_err(|source| DeliveryError::from_io(owned(), source))?;
    let unreadable = |reason: String| DeliveryError::Configuration {
        message: format!("cannot read `{}`: {reason}", path.display()),
    };
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    ini::parse(&text).map_err(|error| unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(config: &str, credentials: &str, more: &[(&str, &str)]) -> Result<SharedConfig, DeliveryError> {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let (config, credentials) = (write("config", config), write("credentials", credentials));
        let files =
            [("AWS_CONFIG_FILE", config.as_str()), ("AWS_SHARED_CREDENTIALS_FILE", credentials.as_str())];
        SharedConfig::load(&Environment::from_variables(files.into_iter().chain(more.iter().copied())))
    }

    fn region(config: &str, profile: &str) -> Option<String> {
        let config = load(config, "", &[("AWS_PROFILE", profile)]).ok()?;
        config.chosen_profile().get("region").map(str::to_owned)
    }

    #[test]
    fn profiles_are_named_as_the_aws_command_line_names_them() {
        for (title, name) in [
            ("[default]", "default"),
            ("[profile default]", "default"),
            ("[profile x]", "x"),
            ("[profile   x]", "x"),
            ("[profile \"a b\"]", "a b"),
            ("[profile 'a b']", "a b"),
            ("[profile a\\ b]", "a b"),
            ("[profilex y]", "y"),
        ] {
            assert_eq!(region(&format!("{title}\nregion = r\n"), name).as_deref(), Some("r"), "{title}");
        }
        for (title, name) in
            [("[x]", "x"), ("[profile a b]", "a"), ("[ profile x]", "x"), ("[profile \"x]", "x")]
        {
            assert_eq!(region(&format!("{title}\nregion = r\n"), name), None, "{title}");
        }
        // A comment is a line of its own: what follows a value belongs to it.
        assert_eq!(region("[profile x]\nregion = eu-north-1\n# home\n", "x").as_deref(), Some("eu-north-1"));
        assert_eq!(
            region("[profile x]\nregion = eu-north-1 # home\n", "x").as_deref(),
            Some("eu-north-1 # home")
        );
    }

    #[test]
    fn the_credentials_file_outranks_the_config_file() {
        let config =
            load("[profile x]\nregion = a\noutput = b\n", "[x]\nregion = c\n", &[("AWS_PROFILE", "x")]);
        let config = config.unwrap();
        let profile = config.chosen_profile();
        assert_eq!((profile.get("region"), profile.get("output")), (Some("c"), Some("b")));
        assert_eq!(config.profile_in_file("x", KeyFile::Config).get("region"), Some("a"));
        assert_eq!(config.profile_in_file("x", KeyFile::Credentials).get("output"), None);
    }

    #[test]
    fn a_named_profile_must_exist_and_the_default_need_not() {
        assert!(load("", "", &[]).is_ok());
        let error = load("", "", &[("AWS_PROFILE", "gone")]).unwrap_err().problem();
        assert!(error.ends_with("the profile `gone` is in neither file"), "{error}");
    }

    #[test]
    fn endpoints_come_from_the_services_section_then_from_the_profile() {
        let text = "[default]\nendpoint_url = https://all.test\nservices = own\n\
                    [services own]\ns3 =\n  endpoint_url = https://s3.test\n";
        let config = load(text, "", &[]).unwrap();
        assert_eq!(config.endpoint_url("s3").unwrap(), Some("https://s3.test"));
        assert_eq!(config.endpoint_url("sts").unwrap(), Some("https://all.test"));
        assert!(load("[default]\nservices = gone\n", "", &[]).unwrap().endpoint_url("s3").is_err());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error_that_repeats_no_line() {
        let error = load("", "[default]\nplanted-secret\n", &[]).unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("planted"), "{error}");
    }
}
