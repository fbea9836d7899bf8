//! Every decoder: what it reads, and what it reports.

use domesday_model::Kind;
use domesday_model::validate::Unread;

use super::Decoder;
use crate::diagnostic::Collector;
use crate::document;
use crate::text::SourceText;

/// Decodes an object and compares it with its JSON, or with its mistakes, one a line: `column field: message`.
#[track_caller]
fn check(kind: Kind, yaml: &str, expect: &str) {
    let text = SourceText::new(yaml);
    let root = document::parse("object.yaml", yaml, usize::MAX).expect("the text is YAML");
    let (mut collector, mut unread) = (Collector::new(usize::MAX), Unread::default());
    let decoded = Decoder::new("object.yaml", &text, &mut collector, &mut unread).object(kind, &root);
    let found = match collector.finish(Vec::new()) {
        Ok(warnings) if warnings.is_empty() => decoded.expect("an object without a mistake is decoded"),
        Ok(warnings) => lines(warnings.iter()),
        Err(diagnostics) => lines(diagnostics.iter()),
    };
    assert_eq!(found, expect, "{yaml}");
}

fn lines<'d>(diagnostics: impl Iterator<Item = &'d crate::Diagnostic>) -> String {
    let line = |found: &crate::Diagnostic| format!("{} {}: {}", found.column, found.field, found.message);
    diagnostics.map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn tenant() {
    check(
        Kind::Tenant,
        "{ name: Acme, timeZone: Europe/Berlin }",
        r#"{"name":"Acme","timeZone":"Europe/Berlin"}"#,
    );
    check(
        Kind::Tenant,
        "{ name: Acme, timeZone: UTC, id: 8f6c9a1e-3f0b-4f0e-9d3c-2a1b4c5d6e7f }",
        r#"{"name":"Acme","timeZone":"UTC","id":"8f6c9a1e-3f0b-4f0e-9d3c-2a1b4c5d6e7f"}"#,
    );
    check(
        Kind::Tenant,
        "{ name: Acme, timeZone: UTC, id: 8f6c9a1e3f0b4f0e9d3c2a1b4c5d6e7f }",
        "34 id: expected a UUID such as 8f6c9a1e-3f0b-4f0e-9d3c-2a1b4c5d6e7f, found `8f6c9a1e3f0b4f0e9d3c2a1b4c5d6e7f`",
    );
    check(
        Kind::Tenant,
        "{ name: 7 }",
        r#"1 : `timeZone` is missing
9 name: expected a text, found a number; put it in quotes"#,
    );
    check(Kind::Tenant, "[Acme]", "1 : expected a mapping, found a list");
}

#[test]
fn tags() {
    check(Kind::Tag, "PII.Contact", r#"{"name":"PII.Contact"}"#);
    check(
        Kind::Tag,
        "{ name: PII, description: Personal data }",
        r#"{"name":"PII","description":"Personal data"}"#,
    );
    check(Kind::Tag, "{ description: x }", "1 : `name` is missing");
    check(Kind::Tag, "7", "1 : expected a text, found a number; put it in quotes");
}

#[test]
fn groups() {
    check(
        Kind::Group,
        "{ name: Analysts, attributes: { Region: [EU, US], Floor: 3 } }",
        r#"{"name":"Analysts","attributes":{"Floor":["3"],"Region":["EU","US"]}}"#,
    );
    check(
        Kind::Group,
        "{ name: A, attributes: { Region: } }",
        "26 attributes.Region: expected a value, found nothing; give the key a value or remove it",
    );
    check(
        Kind::Group,
        "{ name: A, attributes: [EU] }",
        "24 attributes: expected a mapping of keys to values, found a list",
    );
    check(
        Kind::Group,
        "{ name: A, members: [ada] }",
        "12 members: unknown key; known here: `name`, `description`, `attributes`",
    );
}

#[test]
fn users() {
    check(Kind::User, "{ username: ada }", r#"{"username":"ada","status":"active"}"#);
    check(
        Kind::User,
        "{ username: ada, name: Ada, email: a@x.example, status: disabled, groups: [B, A], permissions: [AUDIT], employeeNumber: 12, manager: eve, createdAt: 2026-01-01T00:00:00Z }",
        r#"{"username":"ada","name":"Ada","email":"a@x.example","status":"disabled","groups":["A","B"],"permissions":["AUDIT"],"employeeNumber":"12","manager":"eve","createdAt":"2026-01-01T00:00:00Z"}"#,
    );
    check(
        Kind::User,
        "{ usrname: ada }",
        r#"1 : `username` is missing
3 usrname: unknown key; did you mean `username`?"#,
    );
    check(
        Kind::User,
        "{ username: ada, status: gone, permissions: [ROOT], createdAt: yesterday }",
        r#"26 status: expected `active` or `disabled`, found `gone`
46 permissions[0]: expected `GOVERNANCE`, `USER_ADMIN`, `AUDIT`, `CREATE_DATA_SOURCE` or `APPLICATION_ADMIN`, found `ROOT`
64 createdAt: expected an RFC 3339 instant with offset such as 2026-01-02T03:04:05Z, found `yesterday`"#,
    );
    check(
        Kind::User,
        "{ username: ada, groups: [A, A] }",
        "30 groups[1]: this entry occurs twice in the list",
    );
    check(Kind::User, "{ username: ada, groups: A }", "26 groups: expected a list, found a text");
    check(
        Kind::User,
        "{ username: ada, name: }",
        "18 name: expected a value, found nothing; give the key a value or remove it",
    );
}

#[test]
fn domains() {
    check(
        Kind::Domain,
        "{ name: Sales, permissions: [{ user: ada, permission: MANAGE_POLICIES }] }",
        r#"{"name":"Sales","permissions":[{"user":"ada","permission":"MANAGE_POLICIES"}]}"#,
    );
    check(
        Kind::Domain,
        "{ name: Sales, permissions: [{ user: ada }] }",
        "30 permissions[0]: `permission` is missing",
    );
}

#[test]
fn data_sources() {
    check(
        Kind::DataSource,
        "{ name: L, platform: postgres, columns: [{ name: iban, type: TEXT, nullable: false, tags: [PII] }] }",
        r#"{"name":"L","platform":"postgres","status":"enabled","columns":[{"name":"iban","type":"TEXT","nullable":false,"tags":["PII"]}]}"#,
    );
    check(
        Kind::DataSource,
        "{ name: L, platform: postgres, host: h, database: d, schema: s, table: t, domain: D, owners: [ada], tags: [A], status: disabled, optInPolicies: [P], levelChoice: P }",
        r#"{"name":"L","platform":"postgres","host":"h","database":"d","schema":"s","table":"t","domain":"D","owners":["ada"],"status":"disabled","tags":["A"],"optInPolicies":["P"],"levelChoice":"P"}"#,
    );
    check(
        Kind::DataSource,
        "{ name: L, columns: [{ name: iban, nullable: yes }] }",
        r#"1 : `platform` is missing
22 columns[0]: `type` is missing
46 columns[0].nullable: expected true or false, found a text"#,
    );
}

#[test]
fn policies() {
    check(
        Kind::Policy,
        "{ name: P, type: grant, level: anyone, appliesTo: all }",
        r#"{"name":"P","type":"grant","scope":"read","level":"anyone","appliesTo":"all","state":"active"}"#,
    );
    check(
        Kind::Policy,
        r#"{ name: P, type: guardrail, condition: "@isInGroups('A')", scope: write, state: staged, appliesTo: { tagged: [PII], except: { names: ['x*'] } } }"#,
        r#"{"name":"P","type":"guardrail","scope":"write","level":"entitlements","condition":"@isInGroups('A')","appliesTo":[{"tagged":["PII"],"except":[{"names":["x*"]}]}],"state":"staged"}"#,
    );
    check(
        Kind::Policy,
        "{ name: P, type: grant, level: individuals, individuals: { users: [ada] }, appliesTo: [{ domains: [D] }, { owners: [eve] }] }",
        r#"{"name":"P","type":"grant","scope":"read","level":"individuals","individuals":{"users":["ada"]},"appliesTo":[{"domains":["D"]},{"owners":["eve"]}],"state":"active"}"#,
    );
    check(
        Kind::Policy,
        "{ name: P, type: grant, level: approval, appliesTo: optIn }",
        r#"{"name":"P","type":"grant","scope":"read","level":"approval","appliesTo":"optIn","state":"active"}"#,
    );
    check(
        Kind::Policy,
        "{ name: P, type: guardrail, level: anyone, appliesTo: all }",
        "36 level: a guardrail's level is `entitlements` or `individuals`, found `anyone`",
    );
    check(
        Kind::Policy,
        "{ name: P, type: grant, individuals: { users: [ada] }, appliesTo: all }",
        "1 individuals: `individuals` belongs to the level `individuals`, and this policy's is `entitlements`; write `level: individuals`",
    );
    check(
        Kind::Policy,
        r#"{ name: P, type: grant, level: anyone, condition: "@isInGroups('A')", appliesTo: all }"#,
        "1 condition: `condition` belongs to the level `entitlements`, and this policy's is `anyone`",
    );
    check(
        Kind::Policy,
        "{ name: P, type: grant, appliesTo: all }",
        "1 : `condition` is missing; the level `entitlements` (the default) requires it",
    );
    check(
        Kind::Policy,
        "{ name: P, type: grant, level: individuals, appliesTo: all }",
        "1 : `individuals` is missing; the level `individuals` requires it",
    );
    check(
        Kind::Policy,
        r#"{ name: P, type: grant, condition: "@isInGroups('A'", appliesTo: all }"#,
        "52 condition: expected `,` or `)` but found the end of the text",
    );
    check(
        Kind::Policy,
        "{ name: P, type: grant, level: anyone, appliesTo: everything }",
        "51 appliesTo: expected `all`, `optIn`, a mapping or a list of mappings, found `everything`",
    );
    check(
        Kind::Policy,
        "{ name: P, type: grant, level: anyone, appliesTo: 7 }",
        "51 appliesTo: expected a mapping or a list of mappings, found a number",
    );
    check(
        Kind::Policy,
        "{ name: P, type: deny, level: none, appliesTo: { tables: t } }",
        r#"18 type: expected `grant` or `guardrail`, found `deny`
31 level: expected `entitlements`, `anyone`, `approval` or `individuals`, found `none`
58 appliesTo.tables: expected a list, found a text"#,
    );
}

#[test]
fn data_policies() {
    check(
        Kind::DataPolicy,
        "{ name: M, mask: { kind: null }, columns: { names: [iban] }, appliesTo: all }",
        r#"{"name":"M","mask":{"kind":"null"},"columns":{"names":["iban"]},"appliesTo":"all","state":"active"}"#,
    );
    check(
        Kind::DataPolicy,
        r#"{ name: M, mask: { kind: constant, value: [1, { a: 0.50 }] }, columns: { tagged: [PII] }, appliesTo: all, except: "@isInGroups('A')" }"#,
        r#"{"name":"M","mask":{"kind":"constant","value":[1,{"a":0.5}]},"columns":{"tagged":["PII"]},"appliesTo":"all","except":"@isInGroups('A')","state":"active"}"#,
    );
    check(
        Kind::DataPolicy,
        "{ name: M, mask: { kind: rounding, precision: 0.5 }, columns: { tagged: [PII] }, appliesTo: all }",
        r#"{"name":"M","mask":{"kind":"rounding","precision":0.5},"columns":{"tagged":["PII"]},"appliesTo":"all","state":"active"}"#,
    );
    check(
        Kind::DataPolicy,
        "{ name: M, mask: { kind: rounding }, columns: { tagged: [PII] }, appliesTo: all }",
        "18 mask: `precision` is missing",
    );
    check(
        Kind::DataPolicy,
        "{ name: M, mask: { kind: rounding, precision: .inf }, columns: { tagged: [PII] }, appliesTo: all }",
        "47 mask.precision: expected a finite decimal number, found .inf",
    );
    check(
        Kind::DataPolicy,
        "{ name: M, mask: { kind: blur }, columns: { tagged: 7 }, appliesTo: all }",
        r#"26 mask.kind: expected `null`, `hash`, `constant` or `rounding`, found `blur`
53 columns.tagged: expected a list, found a number"#,
    );
    check(
        Kind::DataPolicy,
        "{ name: M, mask: { kind: constant, value: 0.12345678901234567890 }, columns: { names: [a] }, appliesTo: all }",
        "43 mask.value: the number 0.12345678901234567890 has more digits than can be stored; write fewer, or a text in quotes",
    );
}

#[test]
fn agreements() {
    check(
        Kind::Agreement,
        "{ name: A, version: 2, text: I agree. }",
        r#"{"name":"A","version":2,"text":"I agree."}"#,
    );
    check(
        Kind::Agreement,
        "{ name: A, version: 010, text: x }",
        "21 version: expected a whole number such as 12, found 010",
    );
    check(
        Kind::Agreement,
        "{ name: A, version: 99999999999999999999, text: 7 }",
        r#"21 version: expected a whole number between -2^63 and 2^63-1, found 99999999999999999999
49 text: expected a text, found a number; put it in quotes"#,
    );
}

#[test]
fn request_forms() {
    check(
        Kind::RequestForm,
        "{ name: F, version: 1, questions: [{ id: q, text: Why?, kind: choice, choices: [a, b], required: true }], review: [{ approvers: { permissions: [GOVERNANCE], owners: any }, need: all }] }",
        r#"{"name":"F","version":1,"questions":[{"id":"q","text":"Why?","kind":"choice","choices":["a","b"],"required":true}],"review":[{"approvers":{"permissions":["GOVERNANCE"],"owners":"any"},"need":"all"}]}"#,
    );
    check(
        Kind::RequestForm,
        "{ name: F, version: 1, questions: [{ id: q, text: Why?, kind: choice }] }",
        "36 questions[0]: `choices` is missing; a question of kind `choice` requires it",
    );
    check(
        Kind::RequestForm,
        "{ name: F, version: 1, questions: [{ id: q, text: Why?, kind: picture }], review: [{ approvers: { owners: most } }] }",
        r#"63 questions[0].kind: expected `text`, `choice`, `number`, `date` or `boolean`, found `picture`
107 review[0].approvers.owners: expected `every` or `any`, found `most`"#,
    );
    check(
        Kind::RequestForm,
        "{ name: F, version: 1, review: [{ approvers: { owners: true } }, { need: any }] }",
        "66 review[1]: `approvers` is missing",
    );
}

#[test]
fn data_products() {
    check(
        Kind::DataProduct,
        "{ name: P, status: published, dataSources: [L, { name: O, columns: [a] }], createdBy: ada }",
        r#"{"name":"P","createdBy":"ada","status":"published","dataSources":[{"name":"L"},{"name":"O","columns":["a"]}]}"#,
    );
    check(
        Kind::DataProduct,
        "{ name: P, status: sold, dataSources: [7] }",
        r#"1 : `createdBy` is missing
20 status: expected `published` or `suspended`, found `sold`
40 dataSources[0]: expected a text, found a number; put it in quotes"#,
    );
}

#[test]
fn requests() {
    check(
        Kind::Request,
        "{ id: R, type: dataAccess, user: ada, dataSource: L, scope: read, status: pending, createdAt: 2026-01-01T00:00:00Z, answers: { a: 1.10, b: [true, null] } }",
        r#"{"id":"R","type":"dataAccess","user":"ada","dataSource":"L","scope":"read","status":"pending","answers":{"a":1.10,"b":[true,null]},"createdAt":"2026-01-01T00:00:00Z"}"#,
    );
    check(
        Kind::Request,
        "{ id: R, type: maskingException, user: ada, dataSource: L, columns: [iban], status: approved, createdAt: 2026-01-01T00:00:00Z, determinations: [{ by: eve, status: approved, at: 2026-01-02T00:00:00Z, duration: P30D }], agreements: [{ name: A, version: 1, acceptedBy: ada, acceptedAt: 2026-01-01T00:00:00Z }] }",
        r#"{"id":"R","type":"maskingException","user":"ada","dataSource":"L","columns":["iban"],"scope":"read","status":"approved","createdAt":"2026-01-01T00:00:00Z","determinations":[{"by":"eve","status":"approved","duration":"P30D","at":"2026-01-02T00:00:00Z"}],"agreements":[{"name":"A","version":1,"acceptedBy":"ada","acceptedAt":"2026-01-01T00:00:00Z"}]}"#,
    );
    check(
        Kind::Request,
        "{ id: R, type: dataAccess, user: ada, dataSource: L, dataProduct: P, status: pending, createdAt: 2026-01-01T00:00:00Z }",
        "1 : expected one of `dataProduct` and `dataSource`, found both",
    );
    check(
        Kind::Request,
        "{ id: R, type: dataAccess, user: ada, status: done, createdAt: 2026-01-01 }",
        r#"1 : expected one of `dataProduct` and `dataSource`, found neither
47 status: expected `pending`, `approved`, `denied`, `canceled` or `revoked`, found `done`
64 createdAt: expected an RFC 3339 instant with offset such as 2026-01-02T03:04:05Z, found `2026-01-01`"#,
    );
    check(
        Kind::Request,
        "{ id: R, type: dataAccess, user: ada, dataSource: L, status: approved, createdAt: 2026-01-01T00:00:00Z, determinations: [{ by: eve, status: approved, at: 2026-01-02T00:00:00Z, duration: P30D, durationDays: 3 }], answers: { a: .nan } }",
        r#"122 determinations[0]: expected one of `durationDays` and `duration`, found both
227 answers.a: expected a finite decimal number, found .nan"#,
    );
}
