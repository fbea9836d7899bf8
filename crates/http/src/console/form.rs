//! Forms as browsers send them.

use percent_encoding::percent_decode_str;

/// The fields of a form, or of a query.
#[derive(Debug, Clone, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads fields; a value that is not UTF-8 has replacement characters. Control characters are removed but tabs and
    /// line breaks: no name contains them, and not every database stores U+0000.
    pub(super) fn parse(text: &str) -> Self {
        let decode = |text: &str| {
            let text = text.replace('+', " ");
            let text = percent_decode_str(&text).decode_utf8_lossy();
            text.chars().filter(|it| !it.is_control() || "\t\r\n".contains(*it)).collect::<String>()
        };
        let fields = text.split('&').filter(|part| !part.is_empty());
        let fields = fields.map(|part| part.split_once('=').unwrap_or((part, "")));
        Self(fields.map(|(name, value)| (decode(name), decode(value))).collect())
    }

    /// Returns the fields of a form that was sent in parts.
    pub(super) fn from_fields(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The trimmed value of a field; empty when it is absent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// Whether a field is there, even without a value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Every value of a field.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_may_repeat() {
        let form = Form::parse("name=A+b%20%C3%BC%00&permission=AUDIT&permission=GOVERNANCE&new");
        assert_eq!(form.get("name"), "A b ü");
        assert_eq!(form.all("permission").collect::<Vec<_>>(), ["AUDIT", "GOVERNANCE"]);
        assert!(form.has("new") && !form.has("old") && form.get("old").is_empty());
    }
}
