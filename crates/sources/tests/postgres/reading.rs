//! What is read of tables, views and columns, against what the database says of itself.

use std::collections::{BTreeMap, BTreeSet};

use domesday_model::DataSource;
use domesday_sources::postgres::{PostgresError, read, verify};
use domesday_sources::reading::Reading;
use serde_json::json;

use crate::world::{World, access};

/// Odd names, types, and everything that is a relation.
const ODD: &str = r#"
    CREATE SCHEMA "Mixed Case"; CREATE SCHEMA "naïve.schema"; CREATE SCHEMA empty; CREATE SCHEMA hidden;
    CREATE DOMAIN email AS text NOT NULL CHECK (VALUE LIKE '%@%');
    CREATE DOMAIN "Mixed Case"."Code" AS varchar(3);
    CREATE TYPE mood AS ENUM ('good', 'bad');
    CREATE TYPE pair AS (a int, b text);
    CREATE TABLE "Mixed Case"."Straße ""quoted""" (
        id bigint PRIMARY KEY, dropped int, "E-Mail" email, code "Mixed Case"."Code", moods mood[], p pair,
        price numeric(10,2) NOT NULL, at timestamp(3) with time zone, ip inet, matrix int[][], bits bit varying(7),
        total numeric GENERATED ALWAYS AS (price * 2) STORED,
        "seqüence" int GENERATED ALWAYS AS IDENTITY
    );
    ALTER TABLE "Mixed Case"."Straße ""quoted""" DROP COLUMN dropped;
    COMMENT ON COLUMN "Mixed Case"."Straße ""quoted"""."E-Mail" IS E'Where to write.\nTwo lines.';
    COMMENT ON TABLE "Mixed Case"."Straße ""quoted""" IS 'A table.';
    CREATE TABLE "naïve.schema"."c" (x int);
    CREATE SCHEMA naïve; CREATE TABLE naïve."schema.c" (y int);
    CREATE TABLE public.t123456789012345678901234567890123456789012345678901234567890ab (
        c123456789012345678901234567890123456789012345678901234567890ab text);
    CREATE TABLE parent (a int, b text); CREATE TABLE child (c date) INHERITS (parent);
    CREATE TABLE sales (day date NOT NULL, amount money) PARTITION BY RANGE (day);
    CREATE TABLE sales_2025 PARTITION OF sales FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')
        PARTITION BY LIST (amount);
    CREATE TABLE sales_2025_rest PARTITION OF sales_2025 DEFAULT;
    CREATE TABLE hidden.sales_2026 PARTITION OF sales FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    CREATE VIEW seen AS SELECT day, amount, 'x'::text AS label FROM sales;
    CREATE MATERIALIZED VIEW kept AS SELECT 1::smallint AS one WITH NO DATA;
    CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
    CREATE FOREIGN TABLE far (line text) SERVER files OPTIONS (filename '/dev/null');
    CREATE TABLE nothing (); CREATE SEQUENCE numbers; CREATE INDEX ON parent (a);
    CREATE UNLOGGED TABLE fast (z "char");
"#;

fn by_place(reading: &Reading) -> BTreeMap<(String, String), &DataSource> {
    let place = |it: &DataSource| (it.schema.clone().unwrap(), it.table.clone().unwrap());
    reading.data_sources.iter().map(|listed| (place(&listed.object), &listed.object)).collect()
}

fn keys(reading: &Reading) -> BTreeMap<String, String> {
    let listed = reading.data_sources.iter();
    listed.map(|it| (it.object.table.clone().unwrap(), it.key.clone().unwrap())).collect()
}

#[test]
fn every_table_and_column_is_what_the_database_says() {
    let world = World::new("odd", ODD);
    let reading = world.read(json!({}));
    let sources = by_place(&reading);
    let mut client = world.client();
    let rows = client
        .query(
            "SELECT n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
                    col_description(c.oid, a.attnum), i.is_nullable = 'YES'
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
             LEFT JOIN information_schema.columns i
                 ON (i.table_schema, i.table_name, i.column_name) = (n.nspname, c.relname, a.attname)
             WHERE c.relkind = ANY ('{r,p,f,v,m}') AND NOT c.relispartition
                 AND n.nspname <> ALL ('{pg_catalog,information_schema,pg_toast}')
             ORDER BY c.oid, a.attnum",
            &[],
        )
        .unwrap();
    let mut expected: BTreeMap<(String, String), Vec<_>> = BTreeMap::new();
    for row in &rows {
        let columns = expected.entry((row.get(0), row.get(1))).or_default();
        let Some(name) = row.get::<_, Option<String>>(2) else { continue };
        // The information schema has no materialised views; nothing there is NOT NULL.
        let nullable = row.get::<_, Option<bool>>(5).unwrap_or(true);
        columns.push((name, row.get::<_, String>(3), nullable, row.get::<_, Option<String>>(4)));
    }
    assert_eq!(expected.len(), 12, "{expected:?}");
    let found: BTreeMap<_, Vec<_>> = sources
        .iter()
        .map(|(place, source)| {
            let columns = source.columns.iter().cloned();
            (place.clone(), columns.map(|it| (it.name, it.data_type, it.nullable, it.description)).collect())
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(reading.own_count, Some(12));
    assert_eq!(reading.skipped, []);
    let types = |place: (&str, &str)| {
        let place = (place.0.to_owned(), place.1.to_owned());
        sources[&place].columns.iter().map(|it| it.data_type.clone()).collect::<Vec<_>>()
    };
    let types = types(("Mixed Case", "Straße \"quoted\""));
    let first = ["bigint", "email", "\"Mixed Case\".\"Code\"", "mood[]", "pair", "numeric(10,2)"];
    assert_eq!(types[..6], first);
    let source = sources[&("public".to_owned(), "sales".to_owned())];
    let place = (source.platform.as_str(), source.host.clone().unwrap(), source.database.as_deref());
    assert_eq!(place, ("postgres", format!("localhost:{}", world.server.port()), Some("odd")));
    assert_eq!(source.name, "odd.public.sales");
    let names: BTreeSet<&str> = sources.values().map(|source| source.name.as_str()).collect();
    assert_eq!(names.len(), 12);
    assert!(
        names.contains("odd.naïve.schema.c") && names.contains("\"odd\".\"naïve\".\"schema.c\""),
        "{names:?}"
    );
    assert!(
        reading.warnings.iter().any(|it| it.contains("1 relations would have a name")),
        "{:?}",
        reading.warnings
    );
}

#[test]
fn a_second_reading_says_the_same_and_a_rename_keeps_the_key() {
    let world = World::new("renames", "CREATE TABLE a (x int); CREATE TABLE b (y int)");
    let first = world.read(json!({}));
    let second = world.read(json!({}));
    assert_eq!((&first.data_sources, first.sha256), (&second.data_sources, second.sha256));
    // The usual way to replace a table.
    world.run(
        "ALTER TABLE a RENAME TO a_old; CREATE TABLE a (x bigint); ALTER TABLE b RENAME COLUMN y TO z;
         ALTER TABLE b SET SCHEMA pg_catalog",
    );
    let third = world.read(json!({}));
    let (before, after) = (keys(&first), keys(&third));
    assert_eq!(after.keys().collect::<Vec<_>>(), ["a", "a_old"]);
    assert_eq!(after["a_old"], before["a"]);
    assert_ne!(after["a"], before["a"]);
    assert_ne!(third.sha256, first.sha256);
}

#[test]
fn schemas_are_chosen_and_columns_tagged_by_globs() {
    let world = World::new(
        "chosen",
        "CREATE SCHEMA fin_eu; CREATE SCHEMA fin_us; CREATE SCHEMA hr;
         CREATE TABLE fin_eu.person (\"work_email\" text, \"Email\" text, note varchar(9));
         CREATE TABLE fin_us.account (email text); CREATE TABLE hr.person (email text)",
    );
    let rules = json!([
        { "columns": ["*email*"], "tag": "PII.Contact.Email" },
        { "columns": ["*"], "types": ["character varying(9)"], "tables": ["per*"], "tag": "Short" },
    ]);
    let reading =
        world.read(json!({ "schemas": ["fin_*", "gone"], "tagRules": rules, "naming": "{table}@{schema}" }));
    let tags: BTreeMap<_, Vec<_>> = reading
        .data_sources
        .iter()
        .map(|it| {
            let columns = it.object.columns.iter();
            let tags = columns.map(|column| column.tags.iter().cloned().collect::<Vec<_>>().join(""));
            (it.object.name.clone(), tags.collect())
        })
        .collect();
    let expected = [
        ("account@fin_us", vec!["PII.Contact.Email"]),
        ("person@fin_eu", vec!["PII.Contact.Email", "", "Short"]),
    ];
    let expected =
        expected.map(|(name, tags)| (name.to_owned(), tags.into_iter().map(str::to_owned).collect()));
    assert_eq!(tags, BTreeMap::from(expected));
    assert_eq!(reading.own_count, Some(2));
    assert_eq!(reading.warnings, ["no schema matches `gone` of `schemas`"]);
    let privileges = reading.privileges.unwrap();
    assert!(privileges.privileges.is_consistent());
    let schemas: Vec<_> = privileges.privileges.schemas.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(schemas, ["fin_eu", "fin_us"]);
    let relations: Vec<_> =
        privileges.privileges.relations.iter().map(|it| (it.schema.get(), &*it.name)).collect();
    assert_eq!(relations, [(0, "person"), (1, "account")]);
    let none = world.read(json!({ "schemas": ["gone"] }));
    assert_eq!((none.data_sources.len(), none.own_count), (0, Some(0)));
    assert!(none.privileges.unwrap().privileges.relations.is_empty());
}

#[test]
fn two_tables_that_would_have_one_name_have_one_each() {
    let world = World::new(
        "names",
        "CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE b.orders (x int); CREATE TABLE a.orders (x int)",
    );
    let reading = world.read(json!({ "naming": "{table}" }));
    let names: Vec<_> = reading.data_sources.iter().map(|it| it.object.name.as_str()).collect();
    // The older one has the name.
    assert_eq!(names, ["orders", "\"names\".\"a\".\"orders\""]);
}

#[test]
fn grants_on_partitions_are_named_and_not_read() {
    let world = World::new(
        "parts",
        "CREATE TABLE p (a int) PARTITION BY LIST (a);
         CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
         CREATE TABLE p3 PARTITION OF p DEFAULT; GRANT SELECT ON p1 TO PUBLIC; GRANT UPDATE (a) ON p2 TO parts;
         GRANT SELECT ON p TO parts",
    );
    let reading = world.read(json!({}));
    assert_eq!(keys(&reading).keys().collect::<Vec<_>>(), ["p"]);
    let [warning] = &reading.warnings[..] else { panic!("{:?}", reading.warnings) };
    assert!(warning.ends_with("`public.p1`, `public.p2`"), "{warning}");
    let privileges = reading.privileges.unwrap().privileges;
    assert_eq!(privileges.relations.len(), 1);
    assert_eq!(privileges.relations[0].access_list.as_ref().map(Vec::len), Some(2));
}

#[test]
fn nothing_in_the_database_runs_in_the_name_of_the_reader() {
    let world = World::new(
        "traps",
        "CREATE TABLE t (c text);
         CREATE FUNCTION public.trap() RETURNS bool LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
         CREATE FUNCTION public.format_type(oid, int) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
         CREATE FUNCTION public.left(text, int) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
         CREATE FUNCTION public.trap(oid, int) RETURNS bool LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
         CREATE FUNCTION public.trap(smallint, bigint) RETURNS bool LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
         CREATE FUNCTION public.trap(\"char\", text) RETURNS bool LANGUAGE plpgsql AS $$BEGIN RAISE 'caught'; END$$;
         CREATE OPERATOR public.= (FUNCTION = trap, LEFTARG = oid, RIGHTARG = int);
         CREATE OPERATOR public.> (FUNCTION = trap, LEFTARG = smallint, RIGHTARG = bigint);
         CREATE OPERATOR public.= (FUNCTION = trap, LEFTARG = \"char\", RIGHTARG = text);
         COMMENT ON COLUMN t.c IS 'said'",
    );
    let reading = world.read(json!({}));
    assert_eq!(reading.data_sources[0].object.columns[0].description.as_deref(), Some("said"));
}

#[test]
fn ten_thousand_tables_are_read_and_counted() {
    let world = World::new(
        "many",
        "DO $$BEGIN
             FOR i IN 1..10000 LOOP
                 EXECUTE format('CREATE TABLE t%s (id bigint, email text, note text)', i);
                 IF i % 1000 = 0 THEN COMMIT; END IF;
             END LOOP;
         END$$",
    );
    let reading = world.read(json!({ "tagRules": [{ "columns": ["email"], "tag": "PII" }] }));
    assert_eq!((reading.data_sources.len(), reading.own_count), (10_000, Some(10_000)));
    let tagged = reading.data_sources.iter().filter(|it| it.object.columns[1].tags.contains("PII"));
    assert_eq!(tagged.count(), 10_000);
    assert_eq!(reading.privileges.unwrap().privileges.relations.len(), 10_000);
}

#[test]
fn more_than_the_bounds_is_an_error() {
    let world =
        World::new("bounds", "CREATE TABLE a (x int); CREATE TABLE b (x int); GRANT SELECT ON a TO PUBLIC");
    let connection = world.connection(json!({}));
    let refused = |change: &dyn Fn(&mut domesday_sources::postgres::PostgresBounds)| {
        let mut access = access(world.server);
        change(&mut access.bounds);
        match read(&connection, "warehouse", &access).unwrap_err() {
            PostgresError::TooLarge { what, .. } => what,
            error => panic!("{error}"),
        }
    };
    assert_eq!(refused(&|bounds| bounds.relations = 1), "tables and views");
    assert_eq!(refused(&|bounds| bounds.columns = 1), "columns");
    assert_eq!(refused(&|bounds| bounds.roles = 1), "roles");
    assert_eq!(refused(&|bounds| bounds.access_entries = 1), "entries of access lists");
}

#[test]
fn a_trial_counts_what_would_be_read() {
    let world = World::new(
        "trial",
        "CREATE SCHEMA other; CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT a FROM t;
         ALTER ROLE trial VALID UNTIL '2001-01-01'; ALTER ROLE trial VALID UNTIL 'infinity'",
    );
    let found = verify(&world.connection(json!({ "schemas": ["public"] })), &access(world.server)).unwrap();
    assert_eq!((found.schemas, found.relations, found.columns), ((1, 2), 2, 3));
    assert_eq!((found.database.as_str(), found.role.as_str()), ("trial", "trial"));
    assert!(found.version.starts_with(|first: char| first.is_ascii_digit()), "{}", found.version);
    let roles: i64 = world.client().query_one("SELECT count(*) FROM pg_roles", &[]).unwrap().get(0);
    assert_eq!(found.roles, u64::try_from(roles).unwrap());
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    world.run("ALTER ROLE trial SUPERUSER");
    let found = verify(&world.connection(json!({})), &access(world.server)).unwrap();
    assert!(found.warnings[0].contains("is a superuser"), "{:?}", found.warnings);
}
