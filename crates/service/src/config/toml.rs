//! The TOML file, with every mistake in it at its place.
//!
//! A deserializer ends with the first mistake. So what can be parsed is deserialized setting by setting, and what is left
//! without the wrong ones as a whole.

use std::path::Path;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::ConfigFile;

/// A file as far as it could be read.
#[derive(Default)]
pub(super) struct ReadFile {
    pub(super) file: ConfigFile,
    pub(super) mistakes: Vec<String>,
}

/// Reads a file.
pub(super) fn read(path: &Path) -> ReadFile {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let mistake = format!("cannot read the configuration file {}: {error}", path.display());
            return ReadFile { file: ConfigFile::default(), mistakes: vec![mistake] };
        }
    };
    let (root, errors) = DeTable::parse_recoverable(&text);
    let mut found: Vec<(usize, String)> =
        errors.iter().map(|error| (start_of(error, 0), error.message().to_owned())).collect();
    let mut valid = DeTable::new();
    for (section, value) in root.into_inner() {
        let name = section.get_ref().to_string();
        let span = value.span();
        let DeValue::Table(settings) = value.get_ref() else {
            check(&section, value, section.span().start, &name, &mut valid, &mut found);
            continue;
        };
        for (key, setting) in settings.clone() {
            let (at, name) = (key.span().start, format!("{name}.{}", key.get_ref()));
            let mut alone = DeTable::new();
            alone.insert(key, setting);
            check(
                &section,
                Spanned::new(span.clone(), DeValue::Table(alone)),
                at,
                &name,
                &mut valid,
                &mut found,
            );
        }
        if settings.is_empty() {
            check(
                &section,
                Spanned::new(span, DeValue::Table(DeTable::new())),
                section.span().start,
                &name,
                &mut valid,
                &mut found,
            );
        }
    }
    let file = deserialize(&valid).unwrap_or_else(|error| {
        found.push((start_of(&error, 0), error.message().to_owned()));
        ConfigFile::default()
    });
    found.sort_by_key(|(at, _)| *at);
    let place = |at: usize| {
        let before = &text.as_bytes()[..at.min(text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
    };
    let mistakes = found.into_iter().map(|(at, message)| {
        let (line, column) = place(at);
        format!("{}:{line}:{column}: {message}", path.display())
    });
    ReadFile { file, mistakes: mistakes.collect() }
}

/// Checks what is under a key of the root; adds it to what is valid, or says what is wrong.
fn check<'i>(
    section: &Spanned<std::borrow::Cow<'i, str>>,
    value: Spanned<DeValue<'i>>,
    at: usize,
    name: &str,
    valid: &mut DeTable<'i>,
    found: &mut Vec<(usize, String)>,
) {
    let mut alone = DeTable::new();
    alone.insert(section.clone(), value.clone());
    if let Err(error) = deserialize(&alone) {
        found.push((at, format!("{name}: {}", error.message())));
        return;
    }
    match (valid.get_mut(section).map(Spanned::get_mut), value.into_inner()) {
        (Some(DeValue::Table(settings)), DeValue::Table(more)) => settings.extend(more),
        (_, value) => {
            valid.insert(section.clone(), Spanned::new(section.span(), value));
        }
    }
}

fn deserialize(table: &DeTable<'_>) -> Result<ConfigFile, toml::de::Error> {
    ConfigFile::deserialize(toml::Deserializer::from(Spanned::new(0..0, table.clone())))
}

fn start_of(error: &toml::de::Error, default: usize) -> usize {
    error.span().map_or(default, |span| span.start)
}
