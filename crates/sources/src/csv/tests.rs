//! Whole lists, right and wrong.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn map(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
    fields.iter().map(|(field, header)| ((*field).to_owned(), (*header).to_owned())).collect()
}

fn read_with(users: &[u8], memberships: Option<&str>, fields: &[(&str, &str)]) -> Result<Reading, CsvErrors> {
    read(&CsvConnection::default(), "hr", users, memberships.map(str::as_bytes), &map(fields))
}

/// The mistakes as `file:line:column: message`.
fn mistakes(users: &[u8], memberships: Option<&str>, fields: &[(&str, &str)]) -> Vec<String> {
    let errors = read_with(users, memberships, fields).unwrap_err();
    let line = |diagnostic: &Diagnostic| {
        let Diagnostic { file, line, column, message, .. } = diagnostic;
        format!("{file}:{line}:{column}: {message}")
    };
    errors.iter().map(line).collect()
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn every_field_is_read_with_and_without_a_byte_order_mark() {
    let text = "username,name,email,id,status,employeeNumber,department,title,manager,leavingDate,groups,attributes.Region\r\n\
        ada,\"Lovelace, Ada\",ada@acme.example,8f6c9a1e-3f0b-4f0e-9d3c-2a1b4c5d6e7f,disabled,007,Maths,\"Countess \"\"of\"\"\",BOB,\
        2026-12-31T23:59:59Z,Audit; Sales ;,EU;US\r\n\
        \r\n\
        Bob,,,,,,,,,,,\r\n";
    let plain = read_with(text.as_bytes(), Some("group,username\nAll,bob\nSales,BOB\n"), &[]).unwrap();
    let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
    assert_eq!(plain, read_with(&marked, Some("\u{feff}group,username\nAll,bob\nSales,BOB"), &[]).unwrap());
    let ada = &plain.users[0];
    assert_eq!(ada.key.as_deref(), Some("8f6c9a1e-3f0b-4f0e-9d3c-2a1b4c5d6e7f"));
    let ada = &ada.object;
    assert_eq!(ada.name.as_deref(), Some("Lovelace, Ada"));
    assert_eq!(ada.title.as_deref(), Some("Countess \"of\""));
    assert_eq!(ada.manager.as_deref(), Some("Bob"));
    assert_eq!(ada.employee_number.as_deref(), Some("007"));
    assert_eq!(ada.status, domesday_model::UserStatus::Disabled);
    assert_eq!(ada.leaving_date.unwrap().to_string(), "2026-12-31T23:59:59Z");
    assert_eq!((ada.identity_provider.as_str(), &ada.groups), ("hr", &set(&["Audit", "Sales"])));
    assert_eq!(ada.attributes["Region"], set(&["EU", "US"]));
    let bob = &plain.users[1].object;
    assert_eq!((bob.name.as_ref(), &bob.groups), (None, &set(&["All", "Sales"])));
    let groups: Vec<&str> = plain.groups.iter().map(|group| group.object.name.as_str()).collect();
    assert_eq!(groups, ["All", "Audit", "Sales"]);
}

#[test]
fn headers_are_mapped_and_the_command_line_counts_more() {
    let text = "Login,Mail,Land\nada,ada@acme.example,DE\n";
    let connection = CsvConnection { map: map(&[("username", "User"), ("attributes.Country", "Land")]) };
    let further = map(&[("username", "Login"), ("email", "Mail"), ("name", "Mail")]);
    let reading =
        read(&connection, "hr", text.as_bytes(), Some(b"username,group\nada,A\n"), &further).unwrap();
    let ada = &reading.users[0].object;
    assert_eq!((ada.username.as_str(), ada.email.as_deref()), ("ada", Some("ada@acme.example")));
    assert_eq!(ada.name, ada.email);
    assert_eq!(ada.attributes["Country"], set(&["DE"]));
    assert_eq!(ada.groups, set(&["A"]));
}

#[test]
fn every_mistake_has_its_line_and_column() {
    let text = "username,email,status,leavingDate,id,groups\n\
        ada,a@x,active,,,\n\
        ,b@x,active,,,\n\
        ADA,c@x,Active,,,\n\
        dan,\"two\nlines\",active,2026-12-31,,\n\
        eve,e@x,active\n\
        fay,f@x,active,,,x,y\n\
        gus,g@x,active,,42,\"A;all users\"\n\
        cli,h@x,,,,\n";
    let memberships = "username,group\nada,A\nzoe,A\ngus,\n,B\ngus,B\n";
    assert_eq!(
        mistakes(text.as_bytes(), Some(memberships), &[]),
        [
            "memberships:3:1: the list of people has no user `zoe`",
            "memberships:4:5: the group is missing",
            "memberships:5:1: the username is missing",
            "users:3:1: the username is missing",
            "users:4:1: the username `ADA` is already on line 2; line 4 repeats it",
            "users:4:9: expected `active` or `disabled`, found `Active`",
            "users:5:5: the name contains the control character U+000A; remove it",
            "users:6:15: expected an RFC 3339 instant with offset such as 2026-01-02T03:04:05Z, found `2026-12-31`",
            "users:7:9: expected 6 fields as in the first line, found 3",
            "users:8:20: expected 6 fields as in the first line, found 7",
            "users:9:17: expected a UUID such as 8f6c9a1e-3f0b-4f0e-9d3c-2a1b4c5d6e7f, found `42`",
            "users:9:20: `All Users` is reserved, in any spelling; choose another name",
            "users:10:1: `cli` is reserved, in any spelling; choose another name",
        ]
    );
}

#[test]
fn headers_that_are_not_known_name_the_nearest_and_the_mapping() {
    let found = mistakes(b"username,emial,Land,username,\nada,,,,\n", None, &[]);
    assert_eq!(
        found,
        [
            "users:1:10: no field is called `emial`, and `email` is the nearest; rename the column, map it with `--map \
             email=emial`, or remove it",
            "users:1:16: no field is called `Land`; rename the column, map it with `--map attributes.NAME=Land`, or remove it",
            "users:1:21: the column `username` is already column 1",
            "users:1:30: the column has no name",
        ]
    );
    assert_eq!(
        mistakes(b"Username\nada\n", None, &[]),
        [
            "users:1:1: no field is called `Username`, and `username` is the nearest; rename the column, map it with `--map \
             username=Username`, or remove it",
            "users:1:1: there is no column `username`; map one with `--map username=COLUMN`; did you mean `Username`?",
        ]
    );
    assert_eq!(
        mistakes(
            b"username,email,Mail\nada,,\n",
            None,
            &[("email", "Mails"), ("titles", "x"), ("attributes.", "y")]
        ),
        [
            "map:1:1: `attributes.` is not an attribute: expected a name, found an empty text",
            "map:1:1: the mapping names the field `titles`, which does not exist; there are `username`, `name`, `email`, `id`, \
             `status`, `employeeNumber`, `department`, `title`, `manager`, `leavingDate`, `groups`, `group` and \
             `attributes.NAME`; did you mean `title`?",
            "users:1:1: there is no column `Mails`, which the mapping names for `email`; did you mean `Mail`?",
            "users:1:10: the mapping takes `email` from the column `Mails`; remove this column, or map it to an attribute",
            "users:1:16: no field is called `Mail`, and `email` is the nearest; rename the column, map it with `--map \
             email=Mail`, or remove it",
        ]
    );
}

#[test]
fn files_that_are_not_csv_in_utf8_are_refused_with_the_place() {
    let table: [(&[u8], &[&str]); 9] = [
        (b"", &["users:1:1: the file is empty; its first line must name the columns"]),
        (b"\n\n", &["users:1:1: the file is empty; its first line must name the columns"]),
        (b"username\n", &["users:1:1: the list has no people, only the names of columns"]),
        (
            b"username;email\nada;a@x\n",
            &["users:1:1: the columns are separated by `;`; separate them by commas"],
        ),
        (b"\xff\xfeu\0", &["users:1:1: the file is in UTF-16; save it in UTF-8"]),
        (
            b"\xef\xbb\xbfusername\n\xc3\xa9,J\xe9r\n",
            &["users:2:4: the byte 0xE9 is not UTF-8; save the file in UTF-8"],
        ),
        (
            b"username\na\0b\n",
            &[
                "users:2:1: the name contains the control character U+0000; remove it",
                "users:2:2: the character U+0000 cannot be part of a field; remove it",
            ],
        ),
        (
            b"username,name\nada,Ada \"A\" L\nbob,\"B\"x\n,x\n",
            &[
                "users:2:9: a field that contains a quote must be in quotes, and the quote inside doubled",
                "users:3:8: expected a comma or the end of the line after the closing quote; a quote inside quotes is doubled",
                "users:4:1: the username is missing",
            ],
        ),
        (
            b"username,name\nada,\"Ada\nbob,Bob\n",
            &["users:2:5: the quote that begins here never ends; what follows was not checked"],
        ),
    ];
    for (bytes, expected) in table {
        assert_eq!(mistakes(bytes, None, &[]), expected, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn all_mistakes_are_counted_and_the_first_are_listed() {
    let text = "username\n".to_owned() + &"all users\n".repeat(5000);
    let errors = read_with(text.as_bytes(), None, &[]).unwrap_err();
    assert_eq!((errors.mistakes(), errors.iter().count()), (5000, crate::STORED));
    let shown = errors.with_file_names("people.csv", "groups.csv").to_string();
    assert!(
        shown.starts_with("people.csv:2:1: username: `All Users` is reserved")
            && shown.ends_with("and 4000 more")
    );
}

#[test]
fn managers_that_the_list_does_not_have_are_a_warning() {
    let reading = read_with(b"username,manager\nada,eve\nbob,ada\n", None, &[]).unwrap();
    assert_eq!(reading.users[0].object.manager, None);
    assert_eq!(reading.users[1].object.manager.as_deref(), Some("ada"));
    assert!(reading.warnings[0].contains("`eve`"), "{:?}", reading.warnings);
}

/// A text that a field can have.
fn text() -> impl Strategy<Value = String> {
    "[a-z\",;'é\u{1f600}-]{0,12}".prop_filter("white space alone is nothing", |text| text.trim() == text)
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        rows in proptest::collection::vec((text(), text(), text(), any::<bool>()), 1..20),
        crlf: bool,
        always_quoted: bool,
    ) {
        let terminator = if crlf { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') };
        let style = if always_quoted { ::csv::QuoteStyle::Always } else { ::csv::QuoteStyle::Necessary };
        let mut writer =
            ::csv::WriterBuilder::new().terminator(terminator).quote_style(style).from_writer(Vec::new());
        writer.write_record(["title", "username", "name", "status"]).unwrap();
        let username = |index: usize, text: &str| format!("{index}{text}");
        for (index, (name, title, suffix, is_active)) in rows.iter().enumerate() {
            let status = if *is_active { "active" } else { "disabled" };
            writer.write_record([title, &username(index, suffix), name, status]).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let reading = read_with(&bytes, None, &[]).unwrap();
        prop_assert_eq!(reading.users.len(), rows.len());
        for (index, (name, title, suffix, is_active)) in rows.iter().enumerate() {
            let user = &reading.users[index].object;
            let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
            prop_assert_eq!(&user.username, &username(index, suffix));
            prop_assert_eq!((&user.name, &user.title), (&some(name), &some(title)));
            prop_assert_eq!(user.status == domesday_model::UserStatus::Active, *is_active);
        }
    }

    #[test]
    fn no_bytes_make_reading_panic(users in proptest::collection::vec(any::<u8>(), 0..60), memberships in "[a-z,\"\n]{0,40}") {
        let _ = read_with(&users, Some(&memberships), &[]);
        let _ = read_with(&[b"username,groups\n", &users[..]].concat(), Some("username,group\na,b\n"), &[]);
    }
}
