//! Data sources from schema templates, with noise.

use std::collections::BTreeSet;

use domesday_model::{Column, DataSource, DataSourceStatus, Domain};

use super::people::username;
use super::words::{COLUMN_TAGS, FAMILIES, PURPOSES, RESTRICTED};
use crate::random::{Random, Zipf};

/// Schema templates of the whole enterprise.
const TEMPLATES: usize = 160;

/// The tables of a template's schemas come in layouts, each with columns of its own.
const LAYOUTS: [&str; 3] = ["dim", "fact", "stg"];

/// What the schemas of one template have in common.
struct Template {
    family: usize,
    tags: BTreeSet<String>,
    platform: &'static str,
    layouts: Vec<Vec<Column>>,
}

fn template(random: &mut Random, families: &Zipf, purposes: &Zipf) -> Template {
    let family = families.draw(random);
    let mut tags = BTreeSet::from([format!("{}.{}", FAMILIES[family], PURPOSES[purposes.draw(random)])]);
    if random.chance(0.3) {
        tags.insert(format!("{}.{}", FAMILIES[families.draw(random)], PURPOSES[purposes.draw(random)]));
    }
    match random.below(48) {
        0 => drop(tags.insert("Public".to_owned())),
        1..=5 => drop(tags.insert((*random.pick(&RESTRICTED)).to_owned())),
        6..=17 => drop(tags.insert("Certified".to_owned())),
        _ => {}
    }
    let platform = ["snowflake", "databricks", "redshift", "trino"][random.below(4)];
    Template { family, tags, platform, layouts: LAYOUTS.map(|kind| layout(kind, random)).to_vec() }
}

fn layout(kind: &str, random: &mut Random) -> Vec<Column> {
    let count = 8 + random.below(20);
    // Sensitive columns stand in some layouts only, two or three together.
    let sensitive = if kind != "stg" && random.chance(0.5) { 1 + random.below(4) } else { 0 };
    (0..count)
        .map(|position| {
            let tags = if position > 0 && position <= sensitive {
                BTreeSet::from([(*random.pick(&COLUMN_TAGS)).to_owned()])
            } else {
                BTreeSet::new()
            };
            Column {
                name: format!("{kind}_c{position:02}"),
                data_type: ["BIGINT", "STRING", "TIMESTAMP", "DECIMAL(18,2)"][random.below(4)].to_owned(),
                nullable: position > 0,
                tags,
                description: None,
            }
        })
        .collect()
}

/// The data sources, schema by schema as a crawler finds them. With `distinct`, each draws its tags by itself
/// and has an owner of its own, so that no two share a class.
pub(super) fn data_sources(
    count: usize,
    users: usize,
    distinct: bool,
    random: &mut Random,
) -> Vec<DataSource> {
    let (families, purposes) = (Zipf::new(FAMILIES.len(), 0.35), Zipf::new(PURPOSES.len(), 0.6));
    let templates: Vec<Template> = (0..TEMPLATES).map(|_| template(random, &families, &purposes)).collect();
    // Schemas grow with the enterprise in size, not in number: classes stay what they are.
    let mean = (count / 320).max(3);
    let mut sources = Vec::with_capacity(count);
    let mut schema = 0;
    while sources.len() < count {
        let template = &templates[schema % TEMPLATES];
        let family = FAMILIES[template.family];
        let owner = username(random.below(users));
        let wanted = mean / 2 + random.below(mean + 1);
        let size = wanted.max(1).min(count - sources.len());
        for table in 0..size {
            let layout = table * LAYOUTS.len() / size;
            let name = format!("{}_{family}_{table:04}", LAYOUTS[layout]).to_lowercase();
            let schema_name = format!("{family}_{schema:03}").to_uppercase();
            let mut tags = template.tags.clone();
            let mut owners = BTreeSet::from([owner.clone()]);
            let noise = random.below(1000);
            match noise {
                0..=9 => drop(tags.insert("Deprecated".to_owned())),
                10..=14 => {
                    tags.insert(format!(
                        "{}.{}",
                        random.pick::<&str>(&FAMILIES),
                        random.pick::<&str>(&PURPOSES)
                    ));
                }
                _ => {}
            }
            if distinct {
                // Enough tags that combinations seldom repeat; the owner makes sure of it.
                tags.retain(|tag| !tag.contains('.') || RESTRICTED.contains(&tag.as_str()));
                for _ in 0..2 {
                    tags.insert(format!("{}.{}", random.pick(&FAMILIES), PURPOSES[purposes.draw(random)]));
                }
                owners = BTreeSet::from([username(sources.len() % users)]);
            }
            sources.push(DataSource {
                name: format!("{}.{schema_name}.{name}", template.platform),
                platform: template.platform.to_owned(),
                host: Some(format!("{}.generated.example", template.platform)),
                database: Some(family.to_uppercase()),
                schema: Some(schema_name),
                table: Some(name.to_uppercase()),
                domain: Some(family.to_owned()),
                owners,
                status: if noise == 999 { DataSourceStatus::Disabled } else { DataSourceStatus::Enabled },
                tags,
                columns: template.layouts[layout].clone(),
                opt_in_policies: BTreeSet::new(),
                level_choice: None,
                created_at: None,
            });
        }
        schema += 1;
    }
    sources
}

pub(super) fn domains() -> Vec<Domain> {
    FAMILIES
        .iter()
        .map(|name| Domain { name: (*name).to_owned(), description: None, permissions: Vec::new() })
        .collect()
}
