//! Rankings as bars, which the template `console/charts/bars.html` prints.

use super::link::Link;
use super::times::grouped;

/// A line of a ranking.
pub(super) struct Bar {
    pub(super) link: Link,
    /// Its length as a percentage of the longest.
    pub(super) width: String,
    pub(super) value: String,
}

/// Returns the lines of a ranking, which is in descending order.
pub(super) fn bars(ranking: impl IntoIterator<Item = (Link, u64)>) -> Vec<Bar> {
    let ranking: Vec<_> = ranking.into_iter().collect();
    let largest = ranking.first().map_or(1, |(_, value)| (*value).max(1));
    let bar = |(link, value): (Link, u64)| Bar {
        link,
        width: format!("{:.1}%", value as f64 * 100.0 / largest as f64),
        value: grouped(value),
    };
    ranking.into_iter().map(bar).collect()
}
