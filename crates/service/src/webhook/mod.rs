//! The webhook: messages about runs, signed as Standard Webhooks specifies, sent again when they are not accepted.
//!
//! A message is written into the store in the transaction that ends its run ([`run_message`]) and sent from there
//! ([`WebhookSender`]): what one process did not send, the next one does. `webhook-signature` is `v1,` and the base64 of
//! HMAC-SHA256 over `id.timestamp.body`; the id stays the same when a message is sent again, so that a receiver recognises
//! it.

mod http_date;
mod message;
mod post;
mod sender;

pub(crate) use message::run_message;
pub(crate) use sender::WebhookSender;
