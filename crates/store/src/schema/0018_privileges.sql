-- The privileges of the database that a connection reads, as its last complete sync found them.

CREATE TABLE observed_database (
    connection   TEXT PRIMARY KEY,
    host         TEXT NOT NULL,      -- as data sources have it
    observed_at  INTEGER NOT NULL,   -- when they were read, in microseconds since 1970 UTC
    sha256       BLOB NOT NULL,      -- of the host and of everything but when they were read
    document     TEXT NOT NULL       -- roles, memberships, owners and access lists, as JSON
) STRICT, WITHOUT ROWID;
