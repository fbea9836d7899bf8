//! Similar names, for "did you mean" hints.

/// Returns the names most similar to an unknown one, most similar first, at most `most`: those that differ by a typo or
/// by case, then those that contain it or that it contains.
///
/// ```
/// use domesday_model::nearest_names;
///
/// assert_eq!(nearest_names("analyst", ["Audit", "Analysts"], 2), ["Analysts"]);
/// assert_eq!(nearest_names("ledger", ["Orders", "FIN Ledger 2026"], 2), ["FIN Ledger 2026"]);
/// ```
pub fn nearest_names<'n>(name: &str, names: impl IntoIterator<Item = &'n str>, most: usize) -> Vec<&'n str> {
    nearest_within(name, names, most, &mut { usize::MAX })
}

/// The longest name, in bytes, that is compared for typos.
const LONGEST: usize = 256;

/// [`nearest_names`] within a budget of compared pairs of characters. Returns nothing when the budget is exhausted.
pub(crate) fn nearest_within<'n>(
    name: &str,
    names: impl IntoIterator<Item = &'n str>,
    most: usize,
    budget: &mut usize,
) -> Vec<&'n str> {
    if name.len() > LONGEST {
        return Vec::new();
    }
    let wanted = name.to_lowercase();
    let letters: Vec<char> = wanted.chars().collect();
    let tolerated = 1 + letters.len() / 4;
    let mut found: Vec<(usize, &str)> = Vec::new();
    for known in names.into_iter().filter(|known| known.len() <= LONGEST) {
        let lower = known.to_lowercase();
        let length = lower.chars().count();
        let is_comparable = letters.len().abs_diff(length) <= tolerated.min(8);
        let cost = if is_comparable { letters.len() * length } else { letters.len() + length };
        let Some(left) = budget.checked_sub(cost + 1) else {
            *budget = 0;
            return Vec::new();
        };
        *budget = left;
        let distance = if is_comparable { edit_distance(&letters, &lower) } else { usize::MAX };
        let holds = || {
            let (short, long) =
                if wanted.len() < lower.len() { (&wanted, &lower) } else { (&lower, &wanted) };
            short.chars().count() >= 3 && long.contains(short.as_str())
        };
        if distance <= tolerated {
            found.push((distance, known));
        } else if holds() {
            found.push((usize::MAX, known));
        }
    }
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(most).map(|(_, known)| known).collect()
}

/// Returns the Levenshtein distance in characters.
fn edit_distance(left: &[char], right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.chars().enumerate() {
            let next = (diagonal + usize::from(*l != r)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[row.len() - 1]
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
        assert_eq!(edit_distance(&"kitten".chars().collect::<Vec<_>>(), "sitting"), 3);
    }

    #[test]
    fn a_spent_budget_gives_no_names_and_costs_nothing_more() {
        let names = ["ledger", "Ledger 2026"];
        let mut budget = 1000;
        assert_eq!(nearest_within("legder", names, 1, &mut budget), ["ledger"]);
        assert!(budget < 1000);
        budget = 40;
        assert!(nearest_within("legder", names, 1, &mut budget).is_empty());
        assert_eq!(budget, 0);
        let long = "l".repeat(LONGEST + 1);
        assert!(nearest_names(&long, [long.as_str()], 1).is_empty());
    }
}
