-- The findings of drift that were known when a database was last compared with the policies.

CREATE TABLE drift_state (
    connection   TEXT PRIMARY KEY,
    counts       TEXT NOT NULL,      -- findings by kind, as JSON
    known        BLOB NOT NULL,      -- a hash of 64 bits for each finding, ascending, big-endian
    is_complete  INTEGER NOT NULL    -- 0: only the smallest hashes are stored
) STRICT, WITHOUT ROWID;
