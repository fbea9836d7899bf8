//! Bounds of a connection: how much may be gone, and how old its facts may be.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which share of its users or data sources one sync may make absent. At most ten may be gone in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxGone {
    percent: u8,
}

/// How many users or data sources a sync may make absent whatever their share is.
const FEW: usize = 10;

impl MaxGone {
    /// Whether a sync may make `gone` of `present` users or data sources absent.
    #[must_use]
    pub fn allows(self, gone: usize, present: usize) -> bool {
        gone <= FEW || gone.saturating_mul(100) <= present.saturating_mul(usize::from(self.percent))
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for MaxGone {
    fn default() -> Self {
        Self { percent: 10 }
    }
}

impl fmt::Display for MaxGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.percent)
    }
}

impl FromStr for MaxGone {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let percent = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<u8>().ok());
        match percent {
            Some(percent @ 0..=100) => Ok(Self { percent }),
            _ => Err("a percentage from `0%` to `100%`"),
        }
    }
}

/// How old the last complete sync of a connection may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxAge {
    minutes: u32,
}

/// The longest age: a year.
const MAX_MINUTES: u32 = 366 * 24 * 60;

impl MaxAge {
    /// Returns the age in seconds.
    #[must_use]
    pub fn as_seconds(self) -> i64 {
        i64::from(self.minutes) * 60
    }
}

impl Default for MaxAge {
    fn default() -> Self {
        Self { minutes: 24 * 60 }
    }
}

impl fmt::Display for MaxAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minutes {
            minutes if minutes % 60 != 0 => write!(f, "{minutes}m"),
            minutes => write!(f, "{}h", minutes / 60),
        }
    }
}

impl FromStr for MaxAge {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "minutes, hours or days up to a year, such as `30m`, `24h` or `7d`";
        let text = text.trim();
        let (at, unit) = text.char_indices().next_back().ok_or(wrong)?;
        let factor = match unit {
            'm' => 1,
            'h' => 60,
            'd' => 24 * 60,
            _ => return Err(wrong),
        };
        let number: u32 = text[..at].trim().parse().map_err(|_| wrong)?;
        match number.checked_mul(factor) {
            Some(minutes @ 1..=MAX_MINUTES) => Ok(Self { minutes }),
            _ => Err(wrong),
        }
    }
}

macro_rules! as_text {
    ($type:ident) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(|expected| {
                    let found = serde::de::Unexpected::Str(&text);
                    serde::de::Error::invalid_value(found, &expected)
                })
            }
        }
    };
}

as_text!(MaxGone);
as_text!(MaxAge);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_may_always_be_gone_and_then_the_share_counts() {
        let max: MaxGone = "10%".parse().unwrap();
        assert!(max.allows(10, 10) && max.allows(10, 0));
        assert!(!max.allows(11, 109));
        assert!(max.allows(11, 110));
        assert!(!"0%".parse::<MaxGone>().unwrap().allows(11, 1_000_000));
    }

    #[test]
    fn texts_are_read_as_they_are_written() {
        for text in ["30m", "24h", "90m", "1h"] {
            assert_eq!(text.parse::<MaxAge>().unwrap().to_string(), text);
        }
        assert_eq!("7d".parse::<MaxAge>().unwrap().as_seconds(), 604_800);
        for wrong in ["", "h", "0h", "1.5h", "24", "400d", "-1h", "5ä", "4294967295d"] {
            assert!(wrong.parse::<MaxAge>().is_err(), "{wrong}");
        }
        for wrong in ["10", "101%", "-1%", "%", "ten%"] {
            assert!(wrong.parse::<MaxGone>().is_err(), "{wrong}");
        }
    }
}
