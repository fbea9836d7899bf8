-- What each origin says of users, groups and data sources: the row in `object` is the merge of an object's layers.

CREATE TABLE layer (
    kind          TEXT NOT NULL,
    object_id     INTEGER NOT NULL,
    origin        TEXT NOT NULL,     -- 'files', 'api', or the name of a connection
    name          TEXT NOT NULL,     -- what the origin calls the object
    object_key    TEXT,              -- what a connection identifies it by when it is renamed
    label         TEXT NOT NULL,     -- the file inside the catalog, or where an edit came from
    document      TEXT NOT NULL,     -- what it says, in the catalog format
    given         TEXT NOT NULL,     -- who gave its parts, and when
    absent_since  INTEGER,           -- when the connection first no longer listed the object; null while it does
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (kind, object_id, origin)
) STRICT, WITHOUT ROWID;

CREATE INDEX layer_by_name ON layer (origin, kind, name);
CREATE UNIQUE INDEX layer_by_key ON layer (origin, kind, object_key);

-- Who gave the parts of an object, since when no connection lists it any more, and what it is recognized by beside its
-- name: a user by the name in small letters, a data source by where it is.
ALTER TABLE object ADD COLUMN givers TEXT NOT NULL DEFAULT '{}';
ALTER TABLE object ADD COLUMN absent_since INTEGER;
ALTER TABLE object ADD COLUMN alias TEXT;
CREATE INDEX object_by_alias ON object (kind, alias);

-- What a layer says of objects that do not exist, until they do.
CREATE TABLE missing_reference (
    to_kind    TEXT NOT NULL,
    to_name    TEXT NOT NULL,
    kind       TEXT NOT NULL,
    object_id  INTEGER NOT NULL,
    PRIMARY KEY (to_kind, to_name, kind, object_id)
) STRICT, WITHOUT ROWID;

-- The password of a connection, sealed by the service.
CREATE TABLE connection_secret (
    connection   TEXT PRIMARY KEY,
    sealed       BLOB NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A record of each sync; instants are microseconds since 1970 UTC.
CREATE TABLE sync (
    id           TEXT PRIMARY KEY,
    connection   TEXT NOT NULL,
    state        TEXT NOT NULL,      -- RUNNING, SUCCEEDED, FAILED, REFUSED
    trigger_name TEXT NOT NULL,      -- SCHEDULE, MANUAL, RUN, PUSH, IMPORT
    actor        TEXT NOT NULL,
    started_at   INTEGER NOT NULL,
    ended_at     INTEGER,
    report       TEXT NOT NULL       -- counts, reasons and the digest, as JSON
) STRICT, WITHOUT ROWID;

CREATE INDEX sync_of_connection ON sync (connection, started_at);

-- When users last used a session that has ended.
CREATE TABLE last_seen (
    user_id  INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL
) STRICT;
