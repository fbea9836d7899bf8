//! What tests share that make random databases on one cluster and ask PostgreSQL itself who can.

use std::sync::{Mutex, MutexGuard, PoisonError};

use domesday_model::Scope;
use postgres::Client;

/// A deterministic source of random numbers (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((bits ^ (bits >> 31)) as u128 * end as u128) >> 64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// Roles belong to the whole cluster, so that two worlds at once would see each other's.
static TURN: Mutex<()> = Mutex::new(());

/// Waits until no other test changes the roles of the server.
pub(crate) fn take_turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the major version of a server.
pub(crate) fn server_version(client: &mut Client) -> u32 {
    let sql = "SELECT current_setting('server_version_num')::int / 10000";
    let version: i32 = client.query_one(sql, &[]).unwrap().get(0);
    u32::try_from(version).unwrap()
}

/// Fills a question to PostgreSQL about the roles `s`, relations `c` and columns `a`: WHOLE and COLUMN become its functions
/// for a scope, and SETROLE its word for `SET ROLE`, which memberships have of their own since version 16.
pub(crate) fn ask_postgresql(question: &str, scope: Scope, version: u32) -> String {
    let (whole, column) = match scope {
        Scope::Read => (
            "has_table_privilege(s.oid, c.oid, 'SELECT')",
            "has_column_privilege(s.oid, c.oid, a.attnum, 'SELECT')",
        ),
        Scope::Write => (
            "has_table_privilege(s.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')",
            "has_column_privilege(s.oid, c.oid, a.attnum, 'INSERT, UPDATE')",
        ),
    };
    question.replace("WHOLE", whole).replace("COLUMN", column).replace("SETROLE", set_role(version))
}

/// Returns what `pg_has_role` calls the right to `SET ROLE`.
pub(crate) fn set_role(version: u32) -> &'static str {
    if version >= 16 { "SET" } else { "MEMBER" }
}
