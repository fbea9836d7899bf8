//! Values of directories as Domesday's: instants, ids and flags.

use domesday_model::Instant;
use uuid::Uuid;

/// Seconds from 1601-01-01 to 1970-01-01.
const FILETIME_EPOCH: i64 = 11_644_473_600;

/// The bit of `userAccountControl` that disables an account (`ADS_UF_ACCOUNTDISABLE`).
const ACCOUNT_DISABLED: i64 = 0x2;

/// The time of `pwdAccountLockedTime` that means locked for good, by an administrator. Any other is the lock that wrong
/// passwords cause, which ends by itself.
const LOCKED_FOR_GOOD: &str = "000001010000Z";

/// Attributes whose value `TRUE` disables an account: those of 389 Directory Server, eDirectory and AD LDS.
const DISABLING_FLAGS: [&str; 3] = ["nsaccountlock", "logindisabled", "msds-useraccountdisabled"];

/// Whether an account is disabled, by the value of an attribute (its name in lower case). `None` for a value that is not
/// understood.
pub(super) fn is_disabled(attribute: &str, value: &str) -> Option<bool> {
    match attribute {
        "useraccountcontrol" => value.trim().parse::<i64>().ok().map(|flags| flags & ACCOUNT_DISABLED != 0),
        "pwdaccountlockedtime" => Some(value.trim() == LOCKED_FOR_GOOD),
        _ => {
            let value = value.trim().to_ascii_lowercase();
            let flag = match value.as_str() {
                "true" => true,
                "false" => false,
                "disabled" | "inactive" => return Some(true),
                "active" | "enabled" => return Some(false),
                _ => return None,
            };
            // A flag of another name may mean either.
            DISABLING_FLAGS.contains(&attribute).then_some(flag)
        }
    }
}

/// Returns when an account ends, by the value of an attribute (its name in lower case): `Ok(None)` for never, an error for
/// a value that is not understood.
pub(super) fn leaving_date(attribute: &str, value: &str) -> Result<Option<Instant>, ()> {
    let value = value.trim();
    match attribute {
        "accountexpires" => account_expires(value),
        // Days since the epoch; -1 or empty is never (RFC 2307).
        "shadowexpire" => match value.parse::<i64>().map_err(|_| ())? {
            days if days < 0 => Ok(None),
            days => instant_from_seconds(days.checked_mul(86_400).ok_or(())?).map(Some),
        },
        _ => value.parse().or_else(|_| generalized_time(value)).map(Some),
    }
}

/// Returns the instant of `accountExpires`: a FILETIME, with 0 and the largest number for never.
fn account_expires(value: &str) -> Result<Option<Instant>, ()> {
    match value.parse::<i64>().map_err(|_| ())? {
        0 | i64::MAX => Ok(None),
        filetime if filetime < 0 => Err(()),
        filetime => {
            let micros = filetime / 10 - FILETIME_EPOCH * 1_000_000;
            let instant = Instant::from_micros(micros);
            // What is beyond the years that tables know is as good as never.
            Ok(Some(instant).filter(|instant| instant.to_string().parse::<Instant>().is_ok()))
        }
    }
}

fn instant_from_seconds(seconds: i64) -> Result<Instant, ()> {
    let instant = Instant::from_micros(seconds.checked_mul(1_000_000).ok_or(())?);
    instant.to_string().parse().map_err(|_| ())
}

/// Parses a generalized time (RFC 4517, section 3.3.13), without fractions of hours and minutes, which no directory
/// writes.
fn generalized_time(value: &str) -> Result<Instant, ()> {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (number, mut rest) = value.split_at(digits);
    let part = |range: std::ops::Range<usize>| number.get(range).unwrap_or("00");
    if !matches!(digits, 10 | 12 | 14) {
        return Err(());
    }
    let mut fraction = String::new();
    if let Some(after) = rest.strip_prefix(['.', ',']) {
        let length = after.bytes().take_while(u8::is_ascii_digit).count();
        if digits != 14 || length == 0 {
            return Err(());
        }
        fraction = format!(".{}", &after[..length]);
        rest = &after[length..];
    }
    let offset = match rest.as_bytes() {
        [b'Z' | b'z'] => "Z".to_owned(),
        [b'+' | b'-', hours @ ..] if hours.iter().all(u8::is_ascii_digit) => match hours.len() {
            2 => format!("{rest}:00"),
            4 => format!("{}:{}", &rest[..3], &rest[3..]),
            _ => return Err(()),
        },
        _ => return Err(()),
    };
    let text = format!(
        "{}-{}-{}T{}:{}:{}{fraction}{offset}",
        part(0..4),
        part(4..6),
        part(6..8),
        part(8..10),
        part(10..12),
        part(12..14)
    );
    text.parse().map_err(|_| ())
}

/// Returns the id of an entry, by the value of an attribute (its name in lower case): the text of an `objectGUID`, whose
/// first three fields are little-endian, and any other as it is.
pub(super) fn key(attribute: &str, value: &[u8]) -> Option<String> {
    if attribute == "objectguid" {
        return Some(Uuid::from_bytes_le(value.try_into().ok()?).to_string());
    }
    let text = std::str::from_utf8(value).ok()?.trim();
    (!text.is_empty() && text.len() <= 255).then(|| text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaving(attribute: &str, value: &str) -> Result<Option<String>, ()> {
        leaving_date(attribute, value).map(|instant| instant.map(|instant| instant.to_string()))
    }

    #[test]
    fn account_expiry_is_a_filetime() {
        let table = [
            ("0", Ok(None)),
            ("9223372036854775807", Ok(None)),
            ("116444736000000000", Ok(Some("1970-01-01T00:00:00Z".to_owned()))),
            ("133801632000000000", Ok(Some("2025-01-01T00:00:00Z".to_owned()))),
            ("133801632001234567", Ok(Some("2025-01-01T00:00:00.123456Z".to_owned()))),
            // The year 11837.
            ("3230000000000000000", Ok(None)),
            ("-1", Err(())),
            ("never", Err(())),
        ];
        for (value, expected) in table {
            assert_eq!(leaving("accountexpires", value), expected, "{value}");
        }
    }

    #[test]
    fn times_of_other_attributes_are_generalized_or_rfc_3339() {
        let table = [
            ("20261231235959Z", Some("2026-12-31T23:59:59Z")),
            ("202612312359Z", Some("2026-12-31T23:59:00Z")),
            ("2026123123Z", Some("2026-12-31T23:00:00Z")),
            ("20261231235959.25+0100", Some("2026-12-31T22:59:59.25Z")),
            ("20261231235959-05", Some("2027-01-01T04:59:59Z")),
            ("2026-12-31T23:59:59Z", Some("2026-12-31T23:59:59Z")),
            ("20261331235959Z", None),
            ("20261231235959", None),
            ("20261231", None),
            ("2026123123.5Z", None),
            ("20261231235959+é1", None),
            ("", None),
        ];
        for (value, expected) in table {
            assert_eq!(leaving("endtime", value).ok().flatten().as_deref(), expected, "{value}");
        }
        assert_eq!(leaving("shadowexpire", "-1"), Ok(None));
        assert_eq!(leaving("shadowexpire", "20819"), Ok(Some("2027-01-01T00:00:00Z".to_owned())));
    }

    #[test]
    fn flags_disable_an_account() {
        let table = [
            ("useraccountcontrol", "512", Some(false)),
            ("useraccountcontrol", "514", Some(true)),
            ("useraccountcontrol", "66050", Some(true)),
            ("useraccountcontrol", "x", None),
            ("pwdaccountlockedtime", "000001010000Z", Some(true)),
            ("pwdaccountlockedtime", "20261231235959Z", Some(false)),
            ("nsaccountlock", "TRUE", Some(true)),
            ("nsaccountlock", "false", Some(false)),
            ("employeestatus", "Active", Some(false)),
            ("employeestatus", "inactive", Some(true)),
            ("employeestatus", "TRUE", None),
            ("employeestatus", "on leave", None),
        ];
        for (attribute, value, expected) in table {
            assert_eq!(is_disabled(attribute, value), expected, "{attribute} {value}");
        }
    }

    #[test]
    fn an_object_guid_is_mixed_endian() {
        let bytes =
            [0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];
        let text = "00112233-4455-6677-8899-aabbccddeeff";
        assert_eq!(key("objectguid", &bytes).as_deref(), Some(text));
        assert_eq!(key("objectguid", &bytes[..15]), None);
        assert_eq!(key("entryuuid", text.to_uppercase().as_bytes()).as_deref(), Some(text));
        assert_eq!(key("entryuuid", b"\xff"), None);
    }
}
