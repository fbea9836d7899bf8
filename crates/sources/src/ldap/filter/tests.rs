//! Filters, right and wrong.

use proptest::prelude::*;

use super::*;

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

#[test]
fn every_form_of_the_rfc_is_understood() {
    let equal =
        |attribute: &str, value: &str| Filter::Compare(Comparison::Equal, attribute.to_owned(), bytes(value));
    let table = [
        ("(cn=Babs Jensen)", equal("cn", "Babs Jensen")),
        ("(!(cn=Tim Howes))", Filter::Not(Box::new(equal("cn", "Tim Howes")))),
        ("(o=)", equal("o", "")),
        ("(cn=*)", Filter::Present("cn".to_owned())),
        (
            " (&(objectClass=Person)\n  (|(sn=Jensen)(cn;lang-de=B)) ) ",
            Filter::And(vec![
                equal("objectClass", "Person"),
                Filter::Or(vec![equal("sn", "Jensen"), equal("cn;lang-de", "B")]),
            ]),
        ),
        ("(&)", Filter::And(Vec::new())),
        ("(o=Parens R Us \\28for all\\29)", equal("o", "Parens R Us (for all)")),
        ("(seeAlso=)", equal("seeAlso", "")),
        ("(n>=5)", Filter::Compare(Comparison::AtLeast, "n".to_owned(), bytes("5"))),
        ("(n<=5)", Filter::Compare(Comparison::AtMost, "n".to_owned(), bytes("5"))),
        ("(n~=5)", Filter::Compare(Comparison::Similar, "n".to_owned(), bytes("5"))),
        (
            "(o=univ*of*mich*)",
            Filter::Substrings {
                attribute: "o".to_owned(),
                initial: bytes("univ"),
                any: vec![bytes("of"), bytes("mich")],
                last: Vec::new(),
            },
        ),
        (
            "(userAccountControl:1.2.840.113556.1.4.803:=2)",
            Filter::Extensible {
                rule: Some("1.2.840.113556.1.4.803".to_owned()),
                attribute: Some("userAccountControl".to_owned()),
                value: bytes("2"),
                uses_dn: false,
            },
        ),
        (
            "(:DN:2.4.6.8.10:=Dino)",
            Filter::Extensible {
                rule: Some("2.4.6.8.10".to_owned()),
                attribute: None,
                value: bytes("Dino"),
                uses_dn: true,
            },
        ),
    ];
    for (text, expected) in table {
        assert_eq!(Filter::parse(text).as_ref(), Ok(&expected), "{text}");
    }
    let binary = Filter::parse("(bin=\\00\\00\\04)").unwrap();
    assert_eq!(binary, Filter::Compare(Comparison::Equal, "bin".to_owned(), vec![0, 0, 4]));
}

#[test]
fn what_is_no_filter_is_refused_with_its_place() {
    let table = [
        ("", "at character 1 expected `(`, found the end of the filter"),
        ("objectClass=person", "at character 1 expected `(`, found `objectClass=person`"),
        ("(objectClass=person", "at character 20 expected `)`, found the end of the filter"),
        ("(a=b))", "at character 6 expected the end of the filter, found `)`"),
        ("(&(a=b)", "at character 8 expected `)`, found the end of the filter"),
        ("(ä=b)", "at character 2 expected the name of an attribute, found `ä=b)`"),
        ("(a b=c)", "at character 3 expected `=`, `>=`, `<=`, `~=` or `:=`, found ` b=c)`"),
        ("(!(a=b)(c=d))", "at character 8 expected `)`, found `(c=d))`"),
        ("(ä", "at character 2 expected the name of an attribute, found `ä`"),
        (
            "(a=\\zz)",
            "at character 4 expected two hexadecimal digits after `\\`; a backslash is written `\\5c`, found `\\zz)`",
        ),
        ("(a=b(c)", "at character 5 expected a value, in which `(` is written `\\28`, found `(c)`"),
        ("(a:=)x", "at character 6 expected the end of the filter, found `x`"),
        ("(:=x)", "at character 2 expected the name of an attribute or of a matching rule, found `:=x)`"),
    ];
    for (text, expected) in table {
        assert_eq!(Filter::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
    assert!(Filter::parse(&format!("{}(a=b){}", "(!".repeat(40), ")".repeat(40))).is_err());
    assert!(Filter::parse(&format!("(a={})", "x".repeat(MAX_BYTES))).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_parsing_panic(text in "[(&|!a=*)\\\\0:é ]{0,24}") {
        if let Ok(filter) = Filter::parse(&text) {
            let mut writer = Writer::new();
            filter.write(&mut writer);
            prop_assert!(!writer.into_bytes().is_empty());
        }
    }
}
