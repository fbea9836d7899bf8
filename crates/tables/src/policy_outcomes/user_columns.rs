//! The three columns that identify the user.
//!
//! global_user_id, user_id and username identify the same user, so their dictionaries have the same order and a row has
//! the same dictionary index in all three: one page of indices serves three columns.

use domesday_model::{Snapshot, UserIx};
use parquet::errors::Result as ParquetResult;
use uuid::Uuid;

use crate::columnar::rle_hybrid::bit_width;
use crate::columnar::{Dictionary, MinMax, Page, PageEncoder};
use crate::schema::FieldKind;

/// The dictionaries of the three columns. They contain the active users; no other has outcomes.
pub(super) struct UserColumns {
    /// Dictionary index by user; meaningless for disabled users.
    positions: Vec<u32>,
    /// Bits of a dictionary index.
    pub(super) width: u32,
    pub(super) columns: [UserColumn; 3],
}

/// One of the three columns.
pub(super) struct UserColumn {
    pub(super) values: Dictionary,
    /// The dictionary page, the same in every row group.
    pub(super) page: Page,
    /// Rank in the order of values by dictionary index, and the reverse; `None` where both are the same.
    rank: Option<(Vec<u32>, Vec<u32>)>,
}

impl UserColumns {
    pub(super) fn new(snapshot: &Snapshot) -> ParquetResult<Self> {
        let mut positions = vec![0; snapshot.users.len()];
        let mut global_ids = Dictionary::new(FieldKind::String);
        let mut ids = Dictionary::new(FieldKind::Integer);
        let mut names = Dictionary::new(FieldKind::String);
        let mut buffer = Uuid::encode_buffer();
        for (index, user) in snapshot.users.iter().enumerate() {
            if snapshot.is_active(UserIx::at(index)) {
                global_ids.push(user.global_id.hyphenated().encode_lower(&mut buffer).as_bytes());
                ids.push(&user.id.0.to_le_bytes());
                positions[index] = names.push(user.username.as_bytes());
            }
        }
        let width = bit_width((names.len() as u32).saturating_sub(1));
        let ((global_ids, ids), names) =
            rayon::join(|| (UserColumn::new(global_ids), UserColumn::new(ids)), || UserColumn::new(names));
        Ok(Self { positions, width, columns: [global_ids?, ids?, names?] })
    }

    pub(super) fn position(&self, user: UserIx) -> u32 {
        self.positions[user.get()]
    }

    /// Returns the least and the greatest value at some indices, in each column.
    pub(super) fn min_max(&self, positions: &[u32]) -> [MinMax; 3] {
        self.columns.each_ref().map(|column| column.min_max(positions))
    }
}

impl UserColumn {
    fn new(values: Dictionary) -> ParquetResult<Self> {
        let count = values.len() as u32;
        let is_sorted = (1..count).all(|position| values.compare(position - 1, position).is_le());
        let rank = (!is_sorted).then(|| {
            let mut by_rank: Vec<u32> = (0..count).collect();
            by_rank.sort_unstable_by(|left, right| values.compare(*left, *right));
            let mut rank = vec![0; values.len()];
            by_rank.iter().zip(0..).for_each(|(position, at)| rank[*position as usize] = at);
            (rank, by_rank)
        });
        let page = PageEncoder::new()?.dictionary_page(&values)?;
        Ok(Self { values, page, rank })
    }

    fn min_max(&self, positions: &[u32]) -> MinMax {
        let (Some(first), Some(last)) = (positions.first(), positions.last()) else {
            return MinMax::default();
        };
        match &self.rank {
            // Rows come by user id, so sorted positions are the rule.
            None if positions.is_sorted() => MinMax::new(*first, *last),
            None => {
                let (min, max) = bounds(positions.iter().copied());
                MinMax::new(min, max)
            }
            Some((rank, by_rank)) => {
                let (min, max) = bounds(positions.iter().map(|position| rank[*position as usize]));
                MinMax::new(by_rank[min as usize], by_rank[max as usize])
            }
        }
    }
}

fn bounds(numbers: impl Iterator<Item = u32>) -> (u32, u32) {
    numbers.fold((u32::MAX, 0), |(min, max), number| (min.min(number), max.max(number)))
}
