//! Profiles: the files `~/.aws/credentials` and `~/.aws/config` that AWS's tools share.
//!
//! A profile holds a key, names a program that prints one, or names a role and where the credentials to assume
//! it come from. Sign-in sessions (SSO) are kept by the tools that opened them; they hand them on by
//! `credential_process`.

use std::collections::BTreeMap;
use std::path::Path;

use super::{
    Credentials, Means, RoleSession, chain, checks, container, instance, process, sts, web_identity,
};
use crate::{DeliveryError, Environment};

/// How many profiles may lie between a role and the key that assumes it.
const MAX_ROLES: usize = 8;

type Settings = BTreeMap<String, String>;

/// Every profile of both files. A profile's settings in the credentials file outrank those in the other.
#[derive(Debug, Default)]
pub(crate) struct Profiles {
    profiles: BTreeMap<String, Settings>,
    chosen: String,
    /// Whether the name was given, not assumed.
    is_named: bool,
}

impl Profiles {
    /// Reads the files that the environment names, where they are.
    pub(crate) fn read(environment: &Environment) -> Result<Self, DeliveryError> {
        let named = environment.get("AWS_PROFILE").or_else(|| environment.get("AWS_DEFAULT_PROFILE"));
        let chosen = named.unwrap_or("default").to_owned();
        let mut profiles = Self { profiles: BTreeMap::new(), chosen, is_named: named.is_some() };
        let files = [
            (environment.file("AWS_CONFIG_FILE", ".aws/config"), true),
            (environment.file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"), false),
        ];
        for (file, prefixed) in files {
            let Some(file) = file.filter(|file| file.exists()) else { continue };
            let text =
                std::fs::read_to_string(&file).map_err(|source| DeliveryError::from_io(file, source))?;
            profiles.add(&text, prefixed);
        }
        Ok(profiles)
    }

    /// The region of the chosen profile.
    pub(crate) fn region(&self) -> Option<&str> {
        self.chosen()?.get("region").map(String::as_str)
    }

    fn chosen(&self) -> Option<&Settings> {
        self.profiles.get(&self.chosen)
    }

    /// Adds a file's sections. In the config file a profile's section is `[profile NAME]`, save the default's.
    fn add(&mut self, text: &str, prefixed: bool) {
        let mut section = None;
        for line in text.lines() {
            // What is indented belongs to a nested setting, of which none concerns us.
            let is_nested = line.starts_with([' ', '\t']);
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) || is_nested {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
                let name = name.trim();
                let of_profile = name.strip_prefix("profile ").map(str::trim);
                section = match (prefixed, of_profile) {
                    (true, Some(name)) => Some(name.to_owned()),
                    (true, None) => (name == "default").then(|| name.to_owned()),
                    (false, _) => Some(name.to_owned()),
                };
                continue;
            }
            if let (Some(section), Some((key, value))) = (&section, line.split_once('=')) {
                let value = value.split(" #").next().unwrap_or_default().trim();
                let settings = self.profiles.entry(section.clone()).or_default();
                settings.insert(key.trim().to_ascii_lowercase(), value.to_owned());
            }
        }
    }
}

/// The chosen profile's credentials; `None` when it has none and nobody named it.
pub(super) fn credentials(means: &Means) -> Result<Option<Credentials>, DeliveryError> {
    let profiles = Profiles::read(&means.environment)?;
    match profiles.chosen() {
        Some(_) => {}
        None if profiles.is_named => return Err(unusable(&profiles.chosen, "is in neither file")),
        None => return Ok(None),
    }
    let found = of_profile(means, &profiles, &profiles.chosen, MAX_ROLES)?;
    if found.is_none() && profiles.is_named {
        return Err(unusable(&profiles.chosen, "has no credentials"));
    }
    Ok(found)
}

fn of_profile(
    means: &Means,
    profiles: &Profiles,
    name: &str,
    depth: usize,
) -> Result<Option<Credentials>, DeliveryError> {
    let settings = profiles.profiles.get(name).ok_or_else(|| unusable(name, "is in neither file"))?;
    let get = |key: &str| settings.get(key).map(String::as_str).filter(|value| !value.is_empty());
    let own = own_key(name, settings)?;
    if let Some(role_arn) = get("role_arn") {
        let session_name = get("role_session_name");
        if let Some(file) = get("web_identity_token_file") {
            return web_identity::from_file(means, Path::new(file), role_arn, session_name).map(Some);
        }
        let source = match (get("source_profile"), get("credential_source")) {
            (Some(source), _) if source == name => {
                own.ok_or_else(|| unusable(name, "is its own source_profile and has no key"))?
            }
            (Some(source), _) if depth > 0 => of_profile(means, profiles, source, depth - 1)?
                .ok_or_else(|| unusable(source, "has no credentials"))?,
            (Some(_), _) => return Err(unusable(name, "goes in a circle with its source_profile")),
            (None, Some(source)) => named_source(means, name, source)?,
            (None, None) => return Err(unusable(name, "has a role_arn and no source_profile")),
        };
        checks::check_role_arn(role_arn, &format!("role_arn of the profile `{name}`"))?;
        let role = RoleSession {
            arn: role_arn.to_owned(),
            external_id: get("external_id").unwrap_or_default().to_owned(),
            name: session_name.unwrap_or("domesday").to_owned(),
        };
        return sts::assume_role(means, &source, &role).map(Some);
    }
    if own.is_some() {
        return Ok(own);
    }
    if let Some(command) = get("credential_process") {
        return process::credentials(means, name, command).map(Some);
    }
    if settings.keys().any(|key| key.starts_with("sso_")) {
        let hint = "signs in by SSO; name `aws configure export-credentials --profile NAME` as its credential_process";
        return Err(unusable(name, hint));
    }
    Ok(None)
}

fn own_key(name: &str, settings: &Settings) -> Result<Option<Credentials>, DeliveryError> {
    let Some(access_key_id) = settings.get("aws_access_key_id") else { return Ok(None) };
    let secret = settings
        .get("aws_secret_access_key")
        .ok_or_else(|| unusable(name, "has an aws_access_key_id and no aws_secret_access_key"))?;
    let token = settings.get("aws_session_token").map(|token| token.as_str().into());
    let named = |what: &str| format!("{what} of the profile `{name}`");
    let names = [named("aws_access_key_id"), named("aws_secret_access_key"), named("aws_session_token")];
    let names = names.each_ref().map(String::as_str);
    Credentials::new(access_key_id, secret.as_str().into(), token, None, names).map(Some)
}

fn named_source(means: &Means, name: &str, source: &str) -> Result<Credentials, DeliveryError> {
    let missing = || unusable(name, &format!("names the credential_source {source}, which has none"));
    match source {
        "Environment" => chain::environment(means)?.ok_or_else(missing),
        "EcsContainer" => container::credentials(means)?.ok_or_else(missing),
        "Ec2InstanceMetadata" => instance::credentials(means).map_err(|reason| unusable(name, &reason)),
        other => Err(unusable(name, &format!("names the credential_source {other}, which does not exist"))),
    }
}

pub(super) fn unusable(name: &str, what: &str) -> DeliveryError {
    DeliveryError::NoCredentials { tried: format!("the profile `{name}` {what}") }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::Supervision;
    use crate::s3::endpoint::Endpoint;
    use crate::s3::http::Http;

    /// The credentials that files and variables give, as `id secret`, or the message.
    fn found(config: &str, credentials_file: &str, more: &[(&str, &str)]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let (config, credentials_file) = (write("config", config), write("credentials", credentials_file));
        let mut variables = vec![
            ("AWS_CONFIG_FILE", config.as_str()),
            ("AWS_SHARED_CREDENTIALS_FILE", credentials_file.as_str()),
        ];
        variables.extend(more);
        let means = Means {
            http: Http::direct(Supervision::new()),
            environment: Environment::of(variables),
            region: "r".into(),
            sts: Endpoint::parse("http://127.0.0.1:1").unwrap(),
        };
        match credentials(&means) {
            Ok(Some(found)) => format!("{} {}", found.access_key_id, found.secret_access_key.expose_secret()),
            Ok(None) => "none".to_owned(),
            Err(error) => error.problem(),
        }
    }

    const KEYS: &str = "[default]\naws_access_key_id = A\naws_secret_access_key=a/+= \n\n[team]\n# mine\naws_access_key_id=T\naws_secret_access_key=t\n";

    #[test]
    fn keys_are_read_from_the_chosen_profile() {
        assert_eq!(found("", KEYS, &[]), "A a/+=");
        assert_eq!(found("", KEYS, &[("AWS_PROFILE", "team")]), "T t");
        assert_eq!(
            found(
                "[profile team]\nregion = x\ns3 =\n  aws_access_key_id = nested\n",
                KEYS,
                &[("AWS_PROFILE", "team")]
            ),
            "T t"
        );
        assert_eq!(found("", "", &[]), "none");
        let missing = found("", KEYS, &[("AWS_PROFILE", "gone")]);
        assert!(missing.ends_with("the profile `gone` is in neither file"), "{missing}");
    }

    #[test]
    fn a_program_can_hand_out_credentials() {
        let config = "[default]\ncredential_process = echo \"{\\\"AccessKeyId\\\"}\"";
        assert!(found(config, "", &[]).contains("printed no credentials"));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a b.json");
        std::fs::write(&file, r#"{"Version":1,"AccessKeyId":"P","SecretAccessKey":"p"}"#).unwrap();
        let config = format!("[default]\ncredential_process = cat \"{}\"", file.display());
        assert_eq!(found(&config, "", &[]), "P p");
        assert!(found("[default]\ncredential_process = false", "", &[]).contains("ended with"));
    }

    #[test]
    fn what_cannot_work_says_why() {
        let circle = "[profile a]\nrole_arn=arn:aws:iam::111122223333:role/r\nsource_profile=b\n[profile b]\nrole_arn=arn:aws:iam::111122223333:role/r\nsource_profile=a\n";
        assert!(found(circle, "", &[("AWS_PROFILE", "a")]).contains("in a circle"));
        assert!(
            found("[default]\nrole_arn=arn:aws:iam::111122223333:role/r\n", "", &[])
                .contains("no source_profile")
        );
        assert!(found("[default]\nsso_session = x\n", "", &[]).contains("export-credentials"));
        assert!(found("", "[default]\naws_access_key_id=x\n", &[]).contains("no aws_secret_access_key"));
        let blank = "[default]\naws_access_key_id = A B\naws_secret_access_key=x\n";
        assert!(
            found("", blank, &[])
                .contains("aws_access_key_id of the profile `default` has a blank at position 2")
        );
        assert!(
            found("[default]\nrole_arn=role/x\nsource_profile=default\n", KEYS, &[])
                .contains("role_arn of the profile")
        );
    }

    #[test]
    fn regions_come_from_the_profile() {
        let mut profiles = Profiles { chosen: "x".into(), ..Profiles::default() };
        profiles.add("[profile x]\nregion = eu-north-1 # home\n", true);
        assert_eq!(profiles.region(), Some("eu-north-1"));
    }
}
