//! The mistakes in files as they are shown.

use domesday_sources::{Diagnostic, Diagnostics};

/// How many mistakes are listed.
const MAX_LISTED: usize = 100;

/// A mistake in the files.
pub(in crate::console) struct MistakeView {
    pub(in crate::console) place: String,
    pub(in crate::console) field: String,
    pub(in crate::console) message: String,
    pub(in crate::console) snippet: String,
}

/// Returns the first mistakes.
pub(in crate::console) fn mistakes(wrong: &Diagnostics) -> Vec<MistakeView> {
    let mistake = |one: &Diagnostic| MistakeView {
        place: if one.snippet.is_empty() {
            one.file.clone()
        } else {
            format!("{}:{}:{}", one.file, one.line, one.column)
        },
        field: one.field.clone(),
        message: one.message.clone(),
        snippet: one.snippet.clone(),
    };
    wrong.iter().take(MAX_LISTED).map(mistake).collect()
}
