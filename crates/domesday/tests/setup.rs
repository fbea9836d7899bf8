//! `domesday setup`: who the service is for AWS, and what lets it assume a role.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod cli;

use std::io::{Read, Write};
use std::net::TcpListener;

use cli::{Domesday, Finished};

const ROLE: &str = "arn:aws:iam::111122223333:role/domesday";

/// An invocation in surroundings that have an access key, or nothing.
fn setup(args: &[&str], sts: Option<&str>) -> Finished {
    let nothing = tempfile::tempdir().unwrap();
    let home = nothing.path().to_str().unwrap();
    let mut variables = vec![("HOME", home), ("AWS_EC2_METADATA_DISABLED", "true")];
    let credentials = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_STS"];
    if let Some(sts) = sts {
        variables.extend(credentials.into_iter().zip(["AKIAEXAMPLE", "secret", sts]));
    }
    let others = ["AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN"];
    let command = Domesday::new(&["setup"]).args(args).within(nothing.path());
    command.without(&credentials).without(&others).with(&variables).run()
}

/// An STS that says once who the caller is.
fn sts(arn: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let body = format!(
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{arn}</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut text, mut part) = (String::new(), [0; 4096]);
        while !text.contains("GetCallerIdentity") {
            let length = stream.read(&mut part).unwrap();
            text.push_str(&String::from_utf8_lossy(&part[..length]));
        }
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    });
    address
}

#[test]
fn the_policy_that_lets_the_service_assume_a_role() {
    let printed = setup(&["assume-policy", "--role-arn", ROLE], None);
    printed.succeeds();
    let document: serde_json::Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(document["Statement"][0]["Action"], "sts:AssumeRole");
    assert_eq!(document["Statement"][0]["Resource"], ROLE);
    assert!(printed.stderr.contains("domesday setup identity"), "{}", printed.stderr);
    let terraform = setup(&["assume-policy", "--role-arn", ROLE, "--format", "terraform"], None);
    terraform.succeeds();
    assert!(terraform.stdout.contains("resource \"aws_iam_policy\"") && terraform.stdout.contains(ROLE));
    let own = sts("arn:aws:iam::444455556666:user/ops/domesday");
    let attached = setup(&["assume-policy", "--role-arn", ROLE], Some(&own));
    assert!(attached.stderr.contains("arn:aws:iam::444455556666:user/ops/domesday"), "{}", attached.stderr);
    let wrong = setup(&["assume-policy", "--role-arn", "arn:aws:iam::111122223333:user/domesday"], None);
    wrong.fails_with(1);
    assert!(wrong.stderr.contains("not the ARN of a role"), "{}", wrong.stderr);
}

#[test]
fn the_identity_of_a_session_is_its_role() {
    let own = sts("arn:aws:sts::444455556666:assumed-role/domesday/i-0abc");
    let shown = setup(&["identity"], Some(&own));
    shown.succeeds();
    assert_eq!(shown.stdout.trim(), "arn:aws:iam::444455556666:role/domesday");
    assert!(shown.stderr.contains("assumed-role/domesday/i-0abc") && shown.stderr.contains("path"));
    let own = sts("arn:aws:sts::444455556666:assumed-role/domesday/i-0abc");
    let trust = ["trust-policy", "--to", "s3://acme-audit", "--external-id", "tenant"];
    let printed = setup(&trust, Some(&own));
    printed.succeeds();
    let document: serde_json::Value = serde_json::from_str(&printed.stdout).unwrap();
    assert_eq!(document["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::444455556666:role/domesday");
    let given = setup(&[&trust[..], &["--principal", ROLE]].concat(), None);
    given.succeeds();
    assert!(given.stdout.contains(ROLE));
    let unknown = setup(&trust, None);
    unknown.fails_with(1);
    assert!(unknown.stderr.contains("--principal"), "{}", unknown.stderr);
    assert_eq!(unknown.stdout, "");
}
