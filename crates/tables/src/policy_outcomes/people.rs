//! The users of a snapshot as the dictionaries of three columns.
//!
//! global_user_id, user_id and username say the same in three ways, so their dictionaries stand in one order,
//! and the positions of a row are the same in all three: one page of positions serves three columns.

use domesday_model::{Snapshot, UserIx};
use parquet::errors::Result as ParquetResult;
use uuid::Uuid;

use super::chunk::{Page, PageMaker};
use super::hybrid::width_of;
use super::values::{Extremes, Values};
use crate::schema::FieldKind;

/// The active users; no other has outcomes.
pub(super) struct People {
    /// A user's position in the dictionaries, by index; meaningless for those disabled.
    positions: Vec<u32>,
    /// Bits of a position.
    pub(super) width: u32,
    pub(super) columns: [PeopleColumn; 3],
}

/// One of the three columns.
pub(super) struct PeopleColumn {
    pub(super) values: Values,
    /// The dictionary page, the same in every row group.
    pub(super) page: Page,
    /// Where a position stands in the order of values, and the reverse; `None` where both are the same.
    rank: Option<(Vec<u32>, Vec<u32>)>,
}

impl People {
    pub(super) fn of(snapshot: &Snapshot) -> ParquetResult<Self> {
        let mut positions = vec![0; snapshot.users.len()];
        let mut global_ids = Values::new(FieldKind::String);
        let mut ids = Values::new(FieldKind::Integer);
        let mut names = Values::new(FieldKind::String);
        let mut buffer = Uuid::encode_buffer();
        for (index, user) in snapshot.users.iter().enumerate() {
            if snapshot.is_active(UserIx::at(index)) {
                global_ids.push(user.global_id.hyphenated().encode_lower(&mut buffer).as_bytes());
                ids.push(&user.id.0.to_le_bytes());
                positions[index] = names.push(user.username.as_bytes());
            }
        }
        let width = width_of((names.len() as u32).saturating_sub(1));
        let ((global_ids, ids), names) =
            rayon::join(|| (PeopleColumn::of(global_ids), PeopleColumn::of(ids)), || PeopleColumn::of(names));
        Ok(Self { positions, width, columns: [global_ids?, ids?, names?] })
    }

    pub(super) fn position(&self, user: UserIx) -> u32 {
        self.positions[user.get()]
    }

    /// The extremes of some positions in each column.
    pub(super) fn extremes(&self, positions: &[u32]) -> [Extremes; 3] {
        self.columns.each_ref().map(|column| column.extremes(positions))
    }
}

impl PeopleColumn {
    fn of(values: Values) -> ParquetResult<Self> {
        let count = values.len() as u32;
        let is_sorted = (1..count).all(|position| values.compare(position - 1, position).is_le());
        let rank = (!is_sorted).then(|| {
            let mut by_rank: Vec<u32> = (0..count).collect();
            by_rank.sort_unstable_by(|left, right| values.compare(*left, *right));
            let mut rank = vec![0; values.len()];
            by_rank.iter().zip(0..).for_each(|(position, at)| rank[*position as usize] = at);
            (rank, by_rank)
        });
        let page = PageMaker::new()?.dictionary(&values)?;
        Ok(Self { values, page, rank })
    }

    fn extremes(&self, positions: &[u32]) -> Extremes {
        let (Some(first), Some(last)) = (positions.first(), positions.last()) else {
            return Extremes::default();
        };
        match &self.rank {
            // Rows come by user id, so sorted positions are the rule.
            None if positions.is_sorted() => Extremes::of(*first, *last),
            None => {
                let (min, max) = bounds(positions.iter().copied());
                Extremes::of(min, max)
            }
            Some((rank, by_rank)) => {
                let (min, max) = bounds(positions.iter().map(|position| rank[*position as usize]));
                Extremes::of(by_rank[min as usize], by_rank[max as usize])
            }
        }
    }
}

fn bounds(numbers: impl Iterator<Item = u32>) -> (u32, u32) {
    numbers.fold((u32::MAX, 0), |(min, max), number| (min.min(number), max.max(number)))
}
