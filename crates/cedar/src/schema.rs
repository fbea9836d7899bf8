//! The schema against which Cedar's validator checks the policies.

use std::fmt::Write;

use domesday_model::Snapshot;
use domesday_model::condition::Template;

use crate::conditions::{TemplateOwner, Templates, attribute_keys, template_owner};
use crate::literals::string;

pub(crate) fn schema(snapshot: &Snapshot, templates: &Templates) -> String {
    let mut values = String::new();
    for key in attribute_keys(snapshot) {
        let _ = write!(values, "\n      {}?: Set<String>,", string(key));
    }
    let (mut of_user, mut of_source) = (String::new(), String::new());
    for ((text, _), number) in &templates.by_use {
        match template_owner(&Template::new(text.as_str())) {
            TemplateOwner::Nobody => {}
            TemplateOwner::DataSource => {
                let _ = write!(
                    of_source,
                    "\n    // What `{}` asks for here.\n    resolved{number}?: Set<String>,",
                    comment_text(text)
                );
            }
            TemplateOwner::User => {
                let _ = write!(
                    of_user,
                    "\n    // What `{}` asks for.\n    resolved{number}?: Set<String>,",
                    comment_text(text)
                );
            }
            TemplateOwner::Both => {
                let _ = write!(
                    of_source,
                    "\n    // The users for whom `{}` holds here.\n    resolved{number}: Set<User>,",
                    comment_text(text)
                );
            }
        }
    }
    format!(
        "namespace Domesday {{
  entity Group;

  entity User in [Group] = {{
    active: Bool,
    // Names of the user's groups, `All Users` included.
    groups: Set<String>,
    // The user's attributes, own and inherited from groups.
    values: {{{values}
    }},
    // Data sources that an approved request covers for reading and for writing.
    coveredRead: Set<DataSource>,
    coveredWrite: Set<DataSource>,
    // Those of them that a request for a data product covers.
    productRead: Set<DataSource>,
    productWrite: Set<DataSource>,{of_user}
  }};

  entity DataSource = {{
    enabled: Bool,
    name: String,
    platform: String,
    host?: String,
    database?: String,
    schema?: String,
    table?: String,
    domain?: String,
    owners: Set<User>,
    // Tags with all their ancestors, of the source and of its columns.
    tags: Set<String>,
    columnTags: Set<String>,
    // Policies it opted into, and those that a conflict of levels silences here.
    optIn: Set<String>,
    silenced: Set<String>,{of_source}
  }};

  action Read, Write appliesTo {{ principal: User, resource: DataSource }};
}}
"
    )
}

/// Returns a text without line breaks, for a one-line comment.
fn comment_text(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
