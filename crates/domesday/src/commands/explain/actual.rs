//! What the databases really allow, beside what the policies say.

use domesday_service::drift::{PairView, RoleView};

use crate::output::{ERROR, GOOD, WARNING};
use crate::page::Page;

/// Prints what each database that was read allows the user on the data source.
pub(super) fn actual(page: &mut Page, databases: &[PairView]) {
    for database in databases {
        page.title(&format!("In the database ({}, read at {})", database.connection, database.observed_at));
        for scope in &database.scopes {
            let verb = scope.scope.to_lowercase();
            for role in &scope.roles {
                page.line(1, &format!("{GOOD}✓{GOOD:#} {verb}: {}", way(role)));
            }
            if let Some(lack) = &scope.lack {
                page.line(1, &format!("{ERROR}✗{ERROR:#} {verb}: {lack}"));
            }
        }
        for finding in &database.findings {
            page.line(1, &format!("{WARNING}drift:{WARNING:#} {finding}"));
        }
    }
}

fn way(role: &RoleView) -> String {
    let RoleView { role_name, via, columns, is_row_filtered } = role;
    let way = match via.as_slice() {
        [word] if word == "SUPERUSER" => "is a superuser".to_owned(),
        [word] if word == "OWNER" => "owns it".to_owned(),
        [word] if word == "DIRECT" => "by a grant to the role itself".to_owned(),
        [word] if word == "PUBLIC" => "by a grant to PUBLIC".to_owned(),
        roles => format!("by way of {}", roles.join(" → ")),
    };
    let columns = columns.as_ref().map_or_else(String::new, |it| format!(", the columns {}", it.join(", ")));
    let rows = if *is_row_filtered { ", filtered by row security" } else { "" };
    format!("role {role_name}, {way}{columns}{rows}")
}
