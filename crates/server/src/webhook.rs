//! Telling somebody of a run: a message signed as Standard Webhooks has it, sent again when it is not taken.
//!
//! `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; the id stays the same when
//! a message is sent again, so that a receiver can tell.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domesday_store::{RunRecord, RunState};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::Sha256;
use tracing::Instrument;
use uuid::Uuid;

use crate::runs::RunView;
use crate::service::App;

/// The waits before each further attempt.
const WAITS: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
    Duration::from_secs(3600),
];

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// What a secret of Standard Webhooks begins with; what follows is base64.
const SECRET_PREFIX: &str = "whsec_";

/// Tells the receiver, if there is one, that a run ended. Returns at once.
pub(crate) fn tell(app: &App, run: &RunRecord) {
    let Some(webhook) = &app.config.webhook else { return };
    let kind = if run.state == RunState::Succeeded { "run.succeeded" } else { "run.failed" };
    let view = RunView::from(run.clone());
    let body = json!({ "type": kind, "timestamp": app.now().to_string(), "data": view }).to_string();
    let id = format!("msg_{}", Uuid::new_v4().simple());
    let send = send(app.clone(), webhook.url.clone(), webhook.secret.clone(), id, body);
    tokio::spawn(send.instrument(tracing::Span::current()));
}

async fn send(app: App, url: String, secret: SecretString, id: String, body: String) {
    for wait in std::iter::once(Duration::ZERO).chain(WAITS) {
        tokio::time::sleep(wait).await;
        let timestamp = app.now().as_micros() / 1_000_000;
        let signature = signature(&secret, &id, timestamp, &body);
        let (url, id, body) = (url.clone(), id.clone(), body.clone());
        let post = move || {
            let agent: ureq::Agent =
                ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build().into();
            agent
                .post(url)
                .header("content-type", "application/json")
                .header("webhook-id", id)
                .header("webhook-timestamp", timestamp.to_string())
                .header("webhook-signature", signature)
                .send(body)
                .map(drop)
        };
        match tokio::task::spawn_blocking(post).await {
            Ok(Ok(())) => {
                app.metrics.webhook("delivered");
                return;
            }
            Ok(Err(error)) => tracing::warn!(%error, "the webhook was not taken"),
            Err(error) => tracing::warn!(%error, "the webhook could not be sent"),
        }
        app.metrics.webhook("failed");
    }
    tracing::error!("the webhook was given up");
}

/// The signature of a message.
fn signature(secret: &SecretString, id: &str, timestamp: i64, body: &str) -> String {
    let secret = secret.expose_secret();
    let key = secret.strip_prefix(SECRET_PREFIX).and_then(|rest| STANDARD.decode(rest).ok());
    let key = key.unwrap_or_else(|| secret.as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_specification_shows() {
        // The example that libraries of Standard Webhooks test themselves with.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
        let body = r#"{"test": 2432232314}"#;
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
