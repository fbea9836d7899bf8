-- The service: who may call it, what it delivers where and when, and what was done by whom.

-- The ids of a data source's columns, in the order of its document: a JSON array. What stood in `data_column` is
-- moved here by the program, which knows that order.
ALTER TABLE object ADD COLUMN column_ids TEXT NOT NULL DEFAULT '[]';

-- Grows with every change of the catalog; who keeps an answer keys it on this.
CREATE TABLE revision (
    only_one  INTEGER PRIMARY KEY CHECK (only_one = 1),
    value     INTEGER NOT NULL
) STRICT;

INSERT INTO revision (only_one, value) VALUES (1, 1);

CREATE TABLE api_key (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    owner         TEXT NOT NULL,         -- a username, or 'administrator'
    hash          BLOB NOT NULL UNIQUE,  -- SHA-256 of the key; the key itself is nowhere
    permissions   TEXT NOT NULL,         -- a JSON array
    created_at    INTEGER NOT NULL,
    expires_at    INTEGER,
    last_used_at  INTEGER,
    revoked_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE export (
    id          TEXT PRIMARY KEY,
    document    TEXT NOT NULL,  -- the configuration without its secrets
    sealed      BLOB,           -- the secrets, encrypted by who knows the key
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id             TEXT PRIMARY KEY,
    number         INTEGER NOT NULL UNIQUE,  -- in the order in which they were created
    export_id      TEXT NOT NULL,            -- outlives its export: what was delivered stays known
    began_by       TEXT NOT NULL,            -- what triggered it
    actor          TEXT NOT NULL,
    state          TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    scheduled_for  INTEGER,
    snapshot_at    INTEGER,
    started_at     INTEGER,
    finished_at    INTEGER,
    attempts       INTEGER NOT NULL,
    report         TEXT,
    error          TEXT,
    UNIQUE (export_id, scheduled_for)        -- one run for each time of a schedule, whoever thinks of it
) STRICT, WITHOUT ROWID;

CREATE INDEX run_of_export ON run (export_id, number);

-- Who may do something that only one at a time may do, and until when.
CREATE TABLE lease (
    name        TEXT PRIMARY KEY,
    holder      TEXT NOT NULL,
    ends_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Append only; each entry's hash covers the one before.
CREATE TABLE audit (
    seq           INTEGER PRIMARY KEY,
    at            INTEGER NOT NULL,
    actor         TEXT NOT NULL,
    action        TEXT NOT NULL,
    target        TEXT NOT NULL,
    before_value  TEXT,  -- JSON, as hashed
    after_value   TEXT,
    from_address  TEXT,
    previous      BLOB NOT NULL,
    hash          BLOB NOT NULL
) STRICT;

-- The last entry, kept apart so that a log cut off at its end is noticed.
CREATE TABLE audit_head (
    only_one  INTEGER PRIMARY KEY CHECK (only_one = 1),
    seq       INTEGER NOT NULL,
    hash      BLOB NOT NULL
) STRICT;

-- What was answered to a creating call, for when it is sent again.
CREATE TABLE idempotency (
    owner         TEXT NOT NULL,  -- the caller: keys of two callers have nothing to do with each other
    key           TEXT NOT NULL,
    request_hash  BLOB NOT NULL,
    response      BLOB NOT NULL,
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
