//! Answers the questions of `tests/s3/test_oracle.py`, which asks botocore the same: one JSON object on a line of
//! standard input, one on a line of standard output. Secrets of the tests are answered as digests.

use std::io::{BufRead, Write};

use domesday_delivery::oracle::{self, RequestToSign};
use domesday_delivery::{DeliveryError, Environment};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        let answer = match question["kind"].as_str() {
            Some("credentials") => credentials(&question),
            Some("signature") => signature(&question)?,
            Some("endpoints") => endpoints(&question),
            Some("proxy") => proxy(&question),
            Some("words") => json!({ "words": oracle::split_words(text(&question, "line")) }),
            _ => return Err("unknown kind of question".into()),
        };
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn text<'a>(question: &'a Value, name: &str) -> &'a str {
    question[name].as_str().unwrap_or_default()
}

fn environment(question: &Value) -> Environment {
    let variables = question["environment"].as_object().into_iter().flatten();
    Environment::from_variables(
        variables.map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())),
    )
}

fn refused(error: &DeliveryError) -> Value {
    json!({ "error": error.to_string() })
}

fn credentials(question: &Value) -> Value {
    match oracle::find(&environment(question), text(question, "region")) {
        Err(error) => refused(&error),
        Ok(found) => json!({
            "id": found.access_key_id,
            "secret": found.secret_sha256,
            "token": found.token_sha256,
            "provider": found.provider,
        }),
    }
}

/// Headers that the product sends.
const HEADERS: [&str; 6] = [
    "content-type",
    "x-amz-checksum-sha256",
    "x-amz-expected-bucket-owner",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "expect",
];

fn signature(question: &Value) -> Result<Value, Box<dyn std::error::Error>> {
    let pairs = |name: &str| -> Vec<(String, String)> {
        let pairs = question[name].as_object().into_iter().flatten();
        pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
    };
    let known = |name: &str| HEADERS.into_iter().find(|known| *known == name);
    let headers = pairs("headers").into_iter().map(|(name, value)| Some((known(&name)?, value)));
    let request = RequestToSign {
        method: ["GET", "PUT", "POST"]
            .into_iter()
            .find(|method| *method == text(question, "method"))
            .ok_or("unknown method")?,
        host: text(question, "host"),
        path: text(question, "path"),
        query: pairs("query"),
        headers: headers.collect::<Option<_>>().ok_or("unknown header")?,
        body: text(question, "body").as_bytes(),
        region: text(question, "region"),
        service: if text(question, "service") == "sts" { "sts" } else { "s3" },
    };
    let token = question["token"].as_str().map(Into::into);
    let authorization = oracle::authorization(
        request,
        text(question, "id"),
        text(question, "secret").into(),
        token,
        text(question, "at").parse()?,
    );
    Ok(json!({ "authorization": authorization }))
}

fn endpoints(question: &Value) -> Value {
    let found = oracle::endpoints(&environment(question), text(question, "region"), text(question, "bucket"));
    match found {
        Err(error) => refused(&error),
        Ok([s3, sts, sso, oidc]) => json!({ "s3": s3, "sts": sts, "sso": sso, "oidc": oidc }),
    }
}

fn proxy(question: &Value) -> Value {
    match oracle::proxy(&environment(question), text(question, "url")) {
        Err(error) => refused(&error),
        Ok(proxy) => json!({ "proxy": proxy }),
    }
}
