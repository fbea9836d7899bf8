//! What files and variables mean, as far as no service is asked.

use secrecy::ExposeSecret;

use super::ProviderContext;
use super::default_chain::find_credentials;
use crate::destinations::s3::endpoint::Endpoint;
use crate::destinations::s3::endpoints::EndpointResolver;
use crate::http::Http;
use crate::{CallContext, Environment};

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
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    variables.extend(more);
    let context = ProviderContext {
        http: Http::new_local(CallContext::new()),
        environment: Environment::from_variables(variables),
        region: "r".into(),
        sts: Endpoint::parse("http://127.0.0.1:1").unwrap(),
        endpoints: EndpointResolver::default(),
    };
    match find_credentials(&context) {
        Ok((found, _)) => format!("{} {}", found.access_key_id, found.secret_access_key.expose_secret()),
        Err(error) => error.problem(),
    }
}

const KEYS: &str = "[default]\naws_access_key_id = A\naws_secret_access_key=a/+= \n\n[team]\n# mine\naws_access_key_id=T\naws_secret_access_key=t\n";

#[test]
fn keys_are_read_from_the_chosen_profile() {
    assert_eq!(found("", KEYS, &[]), "A a/+=");
    assert_eq!(found("", KEYS, &[("AWS_PROFILE", "team")]), "T t");
    let nested = "[profile team]\nregion = x\ns3 =\n  aws_access_key_id = nested\n";
    assert_eq!(found(nested, KEYS, &[("AWS_PROFILE", "team")]), "T t");
    assert!(found("", "", &[]).contains("the profile `default` has no credentials"));
    let missing = found("", KEYS, &[("AWS_PROFILE", "gone")]);
    assert!(missing.ends_with("the profile `gone` is in neither file"), "{missing}");
}

#[test]
fn the_environment_comes_first_and_must_be_whole() {
    let id = ("AWS_ACCESS_KEY_ID", "E");
    assert_eq!(found("", KEYS, &[id, ("AWS_SECRET_ACCESS_KEY", "e")]), "E e");
    assert!(found("", KEYS, &[id]).contains("AWS_SECRET_ACCESS_KEY is not"));
    let expired = ("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z");
    assert!(
        found("", KEYS, &[id, ("AWS_SECRET_ACCESS_KEY", "e"), expired]).contains("expired at 2020-01-01")
    );
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
    let config = format!("[default]\ncredential_process = cat '{}'", file.display());
    assert_eq!(found(&config, "", &[]), "P p");
    assert!(found("[default]\ncredential_process = false", "", &[]).contains("ended with"));
    assert!(found("[default]\ncredential_process = cat 'x", "", &[]).contains("a quote is not closed"));
}

#[test]
fn what_cannot_work_says_why() {
    let role = "role_arn=arn:aws:iam::111122223333:role/r";
    let circle = format!("[profile a]\n{role}\nsource_profile=b\n[profile b]\n{role}\nsource_profile=a\n");
    assert!(found(&circle, "", &[("AWS_PROFILE", "a")]).contains("in a circle"));
    assert!(found(&format!("[default]\n{role}\n"), "", &[]).contains("no source_profile"));
    let both = format!("[default]\n{role}\nsource_profile=x\ncredential_source=Environment\n");
    assert!(found(&both, "", &[]).contains("both a source_profile and a credential_source"));
    let gone = format!("[default]\n{role}\nsource_profile=x\n");
    assert!(found(&gone, "", &[]).contains("`x`, which does not exist"));
    let mfa = format!("[default]\n{role}\nsource_profile=default\nmfa_serial=arn\n");
    assert!(found(&mfa, KEYS, &[]).contains("second factor"));
    assert!(found("", "[default]\naws_access_key_id=x\n", &[]).contains("no aws_secret_access_key"));
    let blank = "[default]\naws_access_key_id = A B\naws_secret_access_key=x\n";
    let message = found("", blank, &[]);
    assert!(
        message.contains("aws_access_key_id of the profile `default` has a blank at position 2"),
        "{message}"
    );
    let message = found("[default]\nrole_arn=role/x\nsource_profile=default\n", KEYS, &[]);
    assert!(message.contains("role_arn of the profile"), "{message}");
    let login = found("[default]\nlogin_session = x\n", "", &[]);
    assert!(login.contains("export-credentials"), "{login}");
}

#[test]
fn sign_in_sessions_must_be_complete_and_open() {
    let home = tempfile::tempdir().unwrap();
    let home = ("HOME", home.path().to_str().unwrap());
    let session = "[sso-session corp]\nsso_start_url = https://corp.test/start\nsso_region = eu-west-1\n";
    let profile = "[default]\nsso_session = corp\nsso_account_id = 111122223333\n";
    let complete = format!("{session}{profile}sso_role_name = Reader\n");
    assert!(found(&complete, "", &[home]).contains("`aws sso login --profile default`"));
    assert!(found(&format!("{session}{profile}"), "", &[home]).contains("has no sso_role_name"));
    assert!(found(profile, "", &[home]).contains("`corp`, which does not exist"));
    let other = format!("{complete}sso_region = us-east-1\n");
    assert!(found(&other, "", &[home]).contains("different values of sso_region"));
    // A session alone is no way to credentials.
    assert!(found("[default]\nsso_session = x\n", "", &[home]).contains("has no credentials"));
}
