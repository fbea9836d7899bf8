//! A catalog so small that a night takes milliseconds, with rows in every table.

use domesday_model::Catalog;
use domesday_sources::parse_str;

const CATALOG: &str = r#"
tenant: { name: Acme, timeZone: UTC }
tags: [PII.Contact.Email]
groups: [{ name: Finance }]
domains: [{ name: Corporate }]
users:
  - { username: ada, name: Ada, groups: [Finance], permissions: [GOVERNANCE] }
  - { username: bob, name: Bob }
  - { username: eve, name: Eve, attributes: { Night: "NIGHT" } }
dataSources:
  - name: Customers
    platform: postgresql
    host: db.acme.example
    database: crm
    schema: public
    table: customers
    owners: [bob]
    domain: Corporate
    columns:
      - { name: id, type: bigint, nullable: false }
      - { name: email, type: text, tags: [PII.Contact.Email] }
  - name: Ledger
    platform: postgresql
    host: db.acme.example
    database: erp
    schema: public
    table: ledger
    owners: [ada]
    columns: [{ name: amount, type: numeric }]
policies:
  - name: Finance reads
    type: grant
    scope: read
    level: entitlements
    condition: "@isInGroups('Finance')"
    appliesTo: all
    state: active
    owner: ada
dataPolicies:
  - name: Hide mail
    mask: { kind: hash }
    columns: { tagged: [PII.Contact] }
    appliesTo: all
    state: active
    owner: ada
agreements: [{ name: Confidentiality, version: 1, text: "I tell nobody." }]
requestForms:
  - name: Short
    version: 1
    questions: [{ id: why, text: "Why?", kind: text, required: true }]
    review: [{ approvers: { permissions: [GOVERNANCE] }, need: any }]
dataProducts:
  - { name: Sales, createdBy: ada, status: published, dataSources: [Customers], form: Short, agreements: [Confidentiality] }
requests:
  - id: REQ-1
    type: dataAccess
    user: eve
    dataProduct: Sales
    scope: read
    status: approved
    answers: { why: "to sell" }
    createdAt: 2025-06-22T08:14:00Z
    updatedAt: 2025-07-01T09:00:00Z
    determinations: [{ by: ada, status: approved, at: 2025-07-01T09:00:00Z }]
    agreements: [{ name: Confidentiality, version: 1, acceptedBy: eve, acceptedAt: 2025-06-22T08:14:00Z }]
"#;

/// The catalog of a night.
///
/// # Errors
/// When it has a mistake.
pub(crate) fn catalog(night: u64) -> Result<Catalog, String> {
    let text = CATALOG.replace("NIGHT", &format!("n{night}"));
    parse_str("catalog.yaml", &text).map(|loaded| loaded.catalog).map_err(|error| error.to_string())
}
