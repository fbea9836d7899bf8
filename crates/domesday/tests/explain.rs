//! `domesday explain` through the binary, as an auditor asks it: over the example catalog and a world made for it.

mod cli;

use cli::{Domesday, Finished};
use serde_json::Value;

const ACME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/acme");
const AT: &str = "2026-11-24T02:00:00Z";

fn explain(user: &str, source: &str, more: &[&str]) -> Finished {
    let of = ["explain", "--catalog", ACME, "--at", AT, "--user", user, "--data-source", source];
    Domesday::new(&of).args(more).run()
}

fn json(user: &str, source: &str, more: &[&str]) -> Value {
    let finished = explain(user, source, &[more, &["--format", "json"]].concat());
    finished.succeeds();
    serde_json::from_str(&finished.stdout).expect("one JSON document")
}

#[test]
fn the_whole_derivation_in_words() {
    let finished = explain("daan.visser", "Web Orders", &[]);
    finished.succeeds();
    let expected = "\
daan.visser can read Web Orders.
  A policy grants it.

Grants
  ✗ Column stewards: its condition does not hold
    @hasTagAsAttribute('StewardOf', 'column') does not hold: the user has no StewardOf, and the data is tagged PII.Contact.Address, PII.Contact, PII, PII.Payment.Card and PII.Payment
  ✗ Customer data on request: ignored: a conflicting policy applies
  ✓ Open sales figures: anyone

Conflicts of levels
  READ: Customer data on request (APPROVAL) and Open sales figures (ANYONE) have different levels: only ANYONE applies, since `levelChoice` names Open sales figures

Guardrails
  ✓ GDPR training: its condition holds
    @hasAttribute('Training', 'GDPR.2026') holds: the user has Training = GDPR.2026

Requests
  ✗ REQ-1007: no effect: no grant by approval counts here, until 2027-04-11T07:00:00Z

Columns with masks
  order_email: masked by Hash contact data
  delivery_address: masked by Hash contact data
  card_last4: masked by Hide payment details

Policy: (@hasTagAsAttribute('StewardOf', 'column') OR ANYONE) AND @hasAttribute('Training', 'GDPR.2026')
As of 2026-11-24T02:00:00Z
";
    assert_eq!(finished.stdout, expected);
}

#[test]
fn who_has_no_access_is_told_the_nearest_ways() {
    let finished = explain("svc-mes-loader", "Sensor Archive", &[]);
    finished.succeeds();
    let lines = [
        "svc-mes-loader cannot read Sensor Archive: nothing grants it.",
        "    @hasAttribute('LoadsHost', '@hostname') does not hold: the data source has no @hostname",
        "  - join the group Manufacturing; and get the attribute VerifiedMail = svc-mes-loader@acme.example (admitted by Teams by name)",
    ];
    for line in lines {
        assert!(finished.stdout.lines().any(|known| known == line), "{line}\nis not in\n{}", finished.stdout);
    }
}

#[test]
fn a_blocked_row_is_told_with_what_blocks() {
    let told = json("nina.schubert", "General Ledger", &["--scope", "write"]);
    assert_eq!(told["access"], "BLOCKED");
    assert_eq!(told["reasons"], serde_json::json!(["REQUEST"]));
    assert_eq!(told["requestId"], "REQ-2003");
    assert_eq!(told["expiresAt"], "2027-04-30T09:00:00Z");
    let blocking: Vec<_> =
        told["guardrails"].as_array().unwrap().iter().filter(|step| step["admits"] == false).collect();
    assert_eq!(blocking.len(), 1);
    assert_eq!(blocking[0]["name"], "SOX segregation of duties");
    assert_eq!(told["guardrailPolicyIds"], serde_json::json!([blocking[0]["id"]]));
    let failing = &blocking[0]["condition"]["parts"][0];
    assert_eq!(failing["text"], "@hasAttribute('Training', 'SOX.2026')");
    assert_eq!((&failing["holds"], &failing["held"]), (&Value::Bool(false), &serde_json::json!([])));
    assert_eq!(told["ways"][0]["steps"][0]["do"], "haveAttribute");
}

#[test]
fn a_column_is_told_by_itself() {
    let finished = explain("felix.sommer", "Newsletter Subscribers", &["--column", "email"]);
    finished.succeeds();
    let expected = "\
felix.sommer sees Newsletter Subscribers.email unmasked.
  The masking exception REQ-4005 unmasks it, which expires at 2027-01-16T09:00:00Z.

Data policies
  ✗ Hash contact data (hash, by tag PII.Contact): masks, since its exception does not hold
    @isInGroups('Privacy Office') OR @isInGroups('Service') AND @hasAttribute('Training', 'GDPR.2026')
    @isInGroups('Privacy Office') does not hold: the user is not in Privacy Office
    @isInGroups('Service') does not hold: the user is not in Service
  ✗ Newsletter addresses stay home (null, by tag PII.Contact.Email): masks for everyone

Masking exceptions
  ✓ REQ-4005: in effect, until 2027-01-16T09:00:00Z

felix.sommer can read Newsletter Subscribers.
  A policy grants it.
As of 2026-11-24T02:00:00Z; leave out --column to see why
";
    assert_eq!(finished.stdout, expected);

    let told = json("sophie.lang", "Web Orders", &["--column", "order_email"]);
    assert_eq!(told["sight"], "MASKED");
    assert_eq!(told["row"]["reasons"], serde_json::json!(["POLICY"]));
    assert_eq!(told["policies"][0]["selectedBy"], serde_json::json!(["name *_email"]));
    assert_eq!(told["ways"][0]["steps"][0]["do"], "askForException");

    let told = json("daan.visser", "Dealer Contacts", &["--column", "email"]);
    assert_eq!(told["sight"], "UNREADABLE");
    assert_eq!(told["exceptions"][0]["whyNot"], "the user cannot read the data source");
    assert_eq!(told["read"]["access"], "NONE");
}

#[test]
fn disabled_users_and_sources_are_told_as_such() {
    let finished = explain("lukas.frey", "Legacy Sales Cube", &[]);
    finished.succeeds();
    assert!(finished.stdout.contains("The user is disabled"), "{}", finished.stdout);
    assert!(finished.stdout.contains("The data source is disabled"), "{}", finished.stdout);
    let told = json("lukas.frey", "General Ledger", &[]);
    assert_eq!(told["excluded"], serde_json::json!(["USER_DISABLED"]));
    assert!(told["grants"].as_array().unwrap().iter().all(|step| step["admits"] == false));
    // The README says so: but for being disabled, this one would admit him.
    let by_clearance =
        told["grants"].as_array().unwrap().iter().find(|step| step["name"] == "Finance by clearance");
    assert_eq!(by_clearance.unwrap()["condition"]["holds"], true);
}

#[test]
fn unknown_names_propose_what_was_meant() {
    let table = [
        (["Daan.Visser", "Web Orders", "order_email"], "no user `Daan.Visser`; did you mean `daan.visser`?"),
        (["daan.viser", "Web Orders", "order_email"], "no user `daan.viser`; did you mean `daan.visser`?"),
        (
            ["daan.visser", "web order", "order_email"],
            "no data source `web order`; did you mean `Web Orders`?",
        ),
        (
            ["daan.visser", "orders", "x"],
            "did you mean `Production Orders` or `Purchase Orders` or `Web Orders`?",
        ),
        (["daan.visser", "Web Orders", "email"], "called `email`; did you mean `order_email`?"),
        (["daan.visser", "Web Orders", "x"], "called `x`; it has order_id, customer_id,"),
        (["zzz", "Web Orders", "x"], "no user `zzz`; usernames are exact and case-sensitive"),
    ];
    for ([user, source, column], says) in table {
        let finished = explain(user, source, &["--column", column]);
        finished.fails_with(1);
        assert!(finished.stderr.contains(says), "{user} {source} {column}:\n{}", finished.stderr);
        assert!(finished.stdout.is_empty());
    }
}

#[test]
fn a_column_has_no_scope() {
    let finished = explain("daan.visser", "Web Orders", &["--column", "total", "--scope", "write"]);
    finished.fails_with(2);
}
