//! Sizes and lengths of time as people read them.

/// A size in bytes, in binary units with one decimal.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    // What would be rounded to 1024 is one of the next unit.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A length of time in microseconds: seconds with one decimal, from a minute on the two largest units.
pub(super) fn duration(micros: i64) -> String {
    let micros = micros.max(0);
    let seconds = micros / 1_000_000;
    let pair = |large: i64, large_unit: &str, small: i64, small_unit: &str| {
        if small == 0 {
            format!("{large} {large_unit}")
        } else {
            format!("{large} {large_unit} {small} {small_unit}")
        }
    };
    match seconds {
        0 if micros < 50_000 => format!("{:.2} s", micros as f64 / 1e6),
        ..60 => format!("{:.1} s", micros as f64 / 1e6),
        60..3_600 => pair(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => pair(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_unit_that_fits() {
        let shown = [0, 1023, 1024, 73_933, 1_048_575, 1_048_576, 3 << 40].map(size);
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "72.2 KiB", "1.0 MiB", "1.0 MiB", "3.0 TiB"]);
    }

    #[test]
    fn lengths_of_time_have_two_units_at_most() {
        let shown = [10_000, 6_300_000, 60_000_000, 189_000_000, 3_660_000_000, 90_000_000_000].map(duration);
        assert_eq!(shown, ["0.01 s", "6.3 s", "1 min", "3 min 9 s", "1 h 1 min", "1 d 1 h"]);
    }
}
