//! Connections.

use domesday_model::Connection;

use super::decoder::Decoder;
use super::field_path::FieldPath;
use crate::document::{Node, Value};

impl Decoder<'_> {
    pub(super) fn connection(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Connection> {
        if !matches!(node.value, Value::Mapping(_)) {
            return self.wrong(node, path, "a mapping");
        }
        if let Some((key, password)) = node.get("password")
            && matches!(password.value, Value::Text(..))
        {
            let message = "a file must not contain a password; name an environment variable as `{ env: NAME }` or a \
                           file as `{ file: PATH }`";
            self.error(key.at, FieldPath::Key(&path, "password"), message);
            return None;
        }
        let mut json = String::new();
        self.write_json(node, path, &mut json)?;
        match serde_json::from_str(&json) {
            Ok(connection) => Some(connection),
            Err(error) => {
                self.error(node.at, path, mistake(&error));
                None
            }
        }
    }
}

/// Returns the message of a decoder without its position, which counts in a text that nobody has seen.
fn mistake(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.split_once(" at line ").map_or(message.clone(), |(message, _)| message.to_owned())
}
