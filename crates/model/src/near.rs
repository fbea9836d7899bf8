//! Names that somebody may have meant: what "did you mean" says.

/// The names nearest to one that nothing has, nearest first, at most `most`: those that differ by a slip or by
/// case, then those that hold it or that it holds.
///
/// ```
/// use domesday_model::nearest_names;
///
/// assert_eq!(nearest_names("analyst", ["Audit", "Analysts"], 2), ["Analysts"]);
/// assert_eq!(nearest_names("ledger", ["Orders", "FIN Ledger 2026"], 2), ["FIN Ledger 2026"]);
/// ```
pub fn nearest_names<'n>(name: &str, names: impl IntoIterator<Item = &'n str>, most: usize) -> Vec<&'n str> {
    let wanted = name.to_lowercase();
    let tolerated = 1 + name.chars().count() / 4;
    let mut found: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|known| {
            let lower = known.to_lowercase();
            let distance = edit_distance(&wanted, &lower);
            let holds = || {
                let (short, long) =
                    if wanted.len() < lower.len() { (&wanted, &lower) } else { (&lower, &wanted) };
                short.chars().count() >= 3 && long.contains(short.as_str())
            };
            if distance <= tolerated {
                Some((distance, known))
            } else {
                holds().then_some((usize::MAX, known))
            }
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(most).map(|(_, known)| known).collect()
}

/// Levenshtein distance in characters; any large number when they are far apart.
fn edit_distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    if left.len().abs_diff(right.len()) > 8 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let next = (diagonal + usize::from(l != r)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_come_before_parts_and_strangers_stay_out() {
        let names = ["ada", "bob", "adam", "Ada Byron", "ledger"];
        let table: [(&str, &[&str]); 6] = [
            ("ADA", &["ada", "adam", "Ada Byron"]),
            ("bbo", &[]),
            ("bo", &["bob"]),
            ("byron", &["Ada Byron"]),
            ("legder", &["ledger"]),
            ("", &[]),
        ];
        for (name, expected) in table {
            assert_eq!(nearest_names(name, names, 3), expected, "{name}");
        }
        assert_eq!(nearest_names("ada", names, 1), ["ada"]);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }
}
