//! One attempt to send a message.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domesday_model::Instant;
use domesday_store::Message;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::http_date;
use crate::config::Webhook;

/// How long a receiver may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// The longest wait that a receiver's `Retry-After` can ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(86_400);

/// The prefix of a secret of Standard Webhooks; base64 follows.
const SECRET_PREFIX: &str = "whsec_";

/// What the receiver answered to a message.
#[derive(Debug)]
pub(super) enum Response {
    /// It accepted it.
    Accepted,
    /// It wants no messages any more.
    Gone,
    /// It did not accept this one now.
    Refused {
        /// Why.
        error: String,
        /// How long it wants to be left alone.
        wait: Option<Duration>,
    },
}

/// The result of an attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    /// The status of the answer, when there was one.
    pub(super) status: Option<u16>,
    /// Its meaning.
    pub(super) response: Response,
}

/// Sends a message. The body of the answer is not read: nothing uses it, and it
/// could be of any size.
pub(super) fn post(webhook: &Webhook, message: &Message, at: Instant) -> Attempt {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        // The message was signed for the configured receiver.
        .max_redirects(0)
        .build()
        .into();
    let timestamp = at.as_micros().div_euclid(1_000_000);
    let sent = agent
        .post(&webhook.url)
        .header("content-type", "application/json")
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-signature", signature(&webhook.secret, &message.id, timestamp, &message.body))
        .send(&message.body);
    match sent {
        Ok(response) => {
            let status = response.status().as_u16();
            Attempt {
                status: Some(status),
                response: judge(status, response.headers().get("retry-after"), at),
            }
        }
        Err(error) => {
            let error: String = error.to_string().chars().filter(|c| !c.is_control()).take(500).collect();
            Attempt { status: None, response: Response::Refused { error, wait: None } }
        }
    }
}

fn judge(status: u16, retry_after: Option<&ureq::http::HeaderValue>, now: Instant) -> Response {
    match status {
        200..=299 => Response::Accepted,
        410 => Response::Gone,
        300..=399 => Response::Refused {
            error: format!(
                "answered {status}: redirects are not followed, name the new address as webhook.url"
            ),
            wait: None,
        },
        _ => {
            let wait = retry_after.and_then(|value| asked_wait(value.to_str().ok()?, now));
            Response::Refused { error: format!("answered {status}"), wait }
        }
    }
}

/// How long `Retry-After` asks to wait: seconds, or a date of HTTP. A date that has passed asks for no wait.
fn asked_wait(text: &str, now: Instant) -> Option<Duration> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        // A number that overflows is more seconds than the longest wait.
        let seconds = text.parse().map_or(LONGEST_ASKED, Duration::from_secs);
        return Some(seconds.min(LONGEST_ASKED));
    }
    let wait = http_date::parse(text, now)?.as_micros().saturating_sub(now.as_micros()).max(0);
    Some(Duration::from_micros(wait.unsigned_abs()).min(LONGEST_ASKED))
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

    #[test]
    fn a_receiver_may_ask_for_time_within_reason() {
        let now: Instant = "1994-11-06T08:48:37Z".parse().unwrap();
        let asked = |text: &str| match judge(503, Some(&text.parse().unwrap()), now) {
            Response::Refused { wait, .. } => wait,
            answer => panic!("{answer:?}"),
        };
        assert_eq!(asked("90"), Some(Duration::from_secs(90)));
        assert_eq!(asked(" 0 "), Some(Duration::ZERO));
        assert_eq!(asked("99999999999"), Some(LONGEST_ASKED));
        assert_eq!(asked("99999999999999999999999999"), Some(LONGEST_ASKED));
        for date in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(asked(date), Some(Duration::from_secs(60)), "{date}");
        }
        assert_eq!(asked("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO), "passed");
        assert_eq!(asked("Fri, 31 Dec 9999 23:59:59 GMT"), Some(LONGEST_ASKED));
        for text in ["tomorrow", "-5", "1.5", "+5", "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 CET"] {
            assert_eq!(asked(text), None, "{text}");
        }
    }
}
