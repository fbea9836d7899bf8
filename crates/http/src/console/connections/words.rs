//! What the pages of connections say in the same words.

use domesday_model::Instant;

use crate::console::errors::sentence;
use crate::console::listing::Chip;
use crate::console::times::{Calendar, TimeView};

/// The name of a kind of connection.
pub(super) fn kind_title(kind: &str) -> &'static str {
    match kind {
        "scim" => "SCIM",
        "ldap" => "LDAP",
        "csv" => "CSV",
        "postgres" => "PostgreSQL",
        "dbt" => "dbt",
        _ => "another kind",
    }
}

/// What a kind of connection does.
pub(super) fn about_kind(kind: &str) -> &'static str {
    match kind {
        "scim" => "An identity provider such as Okta or Entra pushes users and groups.",
        "ldap" => "OpenLDAP, Active Directory or another directory is read.",
        "csv" => "A list of users, and one of memberships, is imported.",
        "postgres" => "A database is read for its tables, columns and privileges.",
        "dbt" => "The files of a dbt project are imported.",
        _ => "",
    }
}

/// The states of a connection.
pub(super) const STATES: [&str; 5] = ["ok", "stale", "failed", "refused", "never"];

/// The state of a connection as a chip.
pub(super) fn connection_chip(state: &str) -> Chip {
    let chip = |class, icon, text| Chip { class, icon, text };
    match state {
        "ok" => chip("ok", "check", "Current"),
        "stale" => chip("warn", "warn", "Stale"),
        "failed" => chip("fail", "cross", "Failed"),
        "refused" => chip("warn", "blocked", "Refused"),
        _ => chip("none", "dash", "Never synced"),
    }
}

/// The state of a sync as a chip.
pub(super) fn sync_chip(state: &str) -> Chip {
    let chip = |class, icon, text| Chip { class, icon, text };
    match state {
        "running" => chip("run", "ring", "Running"),
        "succeeded" => chip("ok", "check", "Succeeded"),
        "refused" => chip("warn", "blocked", "Refused"),
        _ => chip("fail", "cross", "Failed"),
    }
}

/// What began a sync.
pub(super) fn beginner(trigger: &str, actor: &str) -> String {
    match trigger {
        "schedule" => "schedule".to_owned(),
        "run" => "before a run".to_owned(),
        "push" => "the identity provider".to_owned(),
        "import" => format!("{actor}, import"),
        _ => actor.to_owned(),
    }
}

/// The name of a kind of object.
pub(super) fn objects(kind: &str) -> &'static str {
    match kind {
        "users" => "Users",
        "groups" => "Groups",
        "dataSources" => "Data sources",
        _ => "Objects",
    }
}

/// The noun of a kind of object.
pub(super) fn noun(kind: &str) -> &'static str {
    match kind {
        "users" => "user",
        "groups" => "group",
        "dataSources" => "data source",
        _ => "object",
    }
}

/// Splits a message into what is wrong and what to do, as sentences; the second is empty when nothing is said of it.
pub(in crate::console) fn problem_and_fix(message: &str) -> (String, String) {
    let (problem, fix) = message.split_once("\nhelp: ").unwrap_or((message, ""));
    let text = |text: &str| if text.is_empty() { String::new() } else { sentence(text) };
    (text(problem), text(fix))
}

/// An instant that the service wrote as text.
pub(super) fn time(text: &str, calendar: &Calendar) -> Option<TimeView> {
    instant(text).map(|at| calendar.time(at))
}

pub(super) fn instant(text: &str) -> Option<Instant> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_split_into_what_is_wrong_and_what_to_do() {
        let split = problem_and_fix("the directory does not answer\nhelp: check the address");
        assert_eq!(split, ("The directory does not answer.".to_owned(), "Check the address.".to_owned()));
        assert_eq!(problem_and_fix("it broke off").1, "");
    }
}
