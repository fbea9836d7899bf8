//! What holds for every condition and every text.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{Atom, Condition, ParseError, Segment, TagTarget, Template, Variable};

/// Strings made of what the language treats specially, and of what it does not.
fn string() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "'",
        "''",
        "@",
        "@@",
        "@schema",
        "@username",
        "@iamX",
        " ",
        "\n",
        "(",
        ")",
        ",",
        "NOT",
        "a",
        "é",
        "→",
        "𝒳",
        ".",
        "*",
        "_",
        "\\",
        "\"",
        "\0",
    ]);
    prop_oneof![proptest::collection::vec(pieces, 0..6).prop_map(|p| p.concat()), any::<String>()]
}

fn atom() -> impl Strategy<Value = Atom> {
    let target = || select(TagTarget::ALL.to_vec());
    prop_oneof![
        proptest::collection::vec(string().prop_map(Template::new), 1..4).prop_map(Atom::InGroups),
        (string(), string()).prop_map(|(key, value)| Atom::HasAttribute { key, value: Template::new(value) }),
        (string(), target()).prop_map(|(key, target)| Atom::HasTagAsAttribute { key, target }),
        target().prop_map(|target| Atom::HasTagAsGroup { target }),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    atom().prop_map(Condition::Atom).prop_recursive(6, 24, 4, |inner| {
        let children = || proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            inner.clone().prop_map(Condition::not),
            children().prop_map(Condition::and),
            children().prop_map(Condition::or),
        ]
    })
}

/// The text of a condition with a few characters exchanged, dropped or put in.
fn damaged() -> impl Strategy<Value = String> {
    let piece = select(vec!["", "'", "(", ")", ",", "@", " ", "NOT ", " AND ", " OR ", "x", "é", "\n"]);
    let damage = proptest::collection::vec((any::<Index>(), any::<bool>(), piece), 1..4);
    (condition(), damage).prop_map(|(condition, damage)| {
        let mut text: Vec<String> = condition.to_string().chars().map(String::from).collect();
        for (place, replace, piece) in damage {
            let at = place.index(text.len());
            text.splice(at..at + usize::from(replace), [piece.to_owned()]);
        }
        text.concat()
    })
}

/// Reads any text; what comes of it must be in order either way.
fn check_text(text: &str) -> Result<(), TestCaseError> {
    match text.parse::<Condition>() {
        Ok(condition) => {
            let printed = condition.to_string();
            check_form(&condition)?;
            let again = printed.parse::<Condition>().map(|condition| condition.to_string());
            prop_assert_eq!(again, Ok(printed.clone()));
            prop_assert_eq!(printed.parse(), Ok(condition));
            Ok(())
        }
        Err(error) => check_place(text, &error),
    }
}

/// AND and OR have two children or more, and none of their own kind.
fn check_form(condition: &Condition) -> Result<(), TestCaseError> {
    let children: &[Condition] = match condition {
        Condition::Atom(_) => return Ok(()),
        Condition::Not(child) => return check_form(child),
        Condition::And(children) | Condition::Or(children) => children,
    };
    prop_assert!(children.len() > 1);
    for child in children {
        prop_assert_ne!(std::mem::discriminant(child), std::mem::discriminant(condition));
        check_form(child)?;
    }
    Ok(())
}

fn check_place(text: &str, error: &ParseError) -> Result<(), TestCaseError> {
    prop_assert!(text.is_char_boundary(error.offset));
    let line = text.split('\n').nth(error.line - 1).expect("the line exists");
    let line_start: usize = text.split_inclusive('\n').take(error.line - 1).map(str::len).sum();
    prop_assert_eq!(
        line.chars().take(error.column - 1).map(char::len_utf8).sum::<usize>() + line_start,
        error.offset
    );
    // What precedes the place is no mistake: cut off there, the text is whole or only wants more.
    if let Err(earlier) = text[..error.offset].parse::<Condition>() {
        prop_assert_eq!(earlier.offset, error.offset);
        prop_assert_eq!(earlier.found, "the end of the text");
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(condition in condition()) {
        check_form(&condition)?;
        prop_assert_eq!(condition.to_string().parse(), Ok(condition));
    }

    #[test]
    fn any_text_is_read_or_refused_in_order(text in any::<String>()) {
        check_text(&text)?;
    }

    #[test]
    fn damaged_text_is_read_or_refused_in_order(text in damaged()) {
        check_text(&text)?;
    }

    #[test]
    fn doubled_signs_make_any_text_literal(text in string()) {
        let template = Template::new(text.replace('@', "@@"));
        prop_assert_eq!(template.literal().map(String::from), Some(text));
        prop_assert_eq!(template.variables().count(), 0);
    }

    #[test]
    fn segments_tell_the_whole_text(text in string()) {
        let template = Template::new(&*text);
        let written: usize = template.segments().map(|segment| match segment {
            Segment::Text(piece) => piece.len(),
            Segment::Variable(variable) => variable.to_string().len(),
        }).sum();
        prop_assert!(template.segments().all(|segment| segment != Segment::Text("")));
        // Only the second `@` of a pair is given up.
        prop_assert!(text.len() >= written && text.len() - written <= text.matches("@@").count());
        prop_assert_eq!(template.literal().is_none(), template.variables().next().is_some());
    }

    #[test]
    fn only_what_is_used_is_looked_up(text in string(), present in select(Variable::ALL.to_vec())) {
        let template = Template::new(text);
        let resolved = template.resolve(|variable| (variable == present).then_some("@table"));
        prop_assert_eq!(resolved.is_some(), template.variables().all(|variable| variable == present));
    }
}
