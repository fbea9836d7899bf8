-- The first edition: the catalog, and what a run must know of the one before.

CREATE TABLE tenant (
    only_one    INTEGER PRIMARY KEY CHECK (only_one = 1),
    id          TEXT NOT NULL,
    name        TEXT NOT NULL,
    time_zone   TEXT NOT NULL,
    created_at  INTEGER NOT NULL
) STRICT;

-- One row per object of the catalog; instants are microseconds since 1970 UTC.
CREATE TABLE object (
    kind        TEXT NOT NULL,     -- the catalog's top-level key
    id          INTEGER NOT NULL,
    name        TEXT NOT NULL,
    document    TEXT NOT NULL,     -- as declared, in the catalog format
    origin      TEXT NOT NULL,     -- the file inside the catalog, or 'api'
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    since       TEXT NOT NULL,     -- instants of parts younger than the object
    PRIMARY KEY (kind, id),
    UNIQUE (kind, name)
) STRICT, WITHOUT ROWID;

-- Columns stand in their data source's document; here are the ids they keep.
CREATE TABLE data_column (
    data_source_id  INTEGER NOT NULL,
    name            TEXT NOT NULL,
    id              INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (data_source_id, name)
) STRICT, WITHOUT ROWID;

-- The last id given in each id space: an id never returns, whatever is deleted.
CREATE TABLE id_space (
    name  TEXT PRIMARY KEY,
    last  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every text an agreement ever had: what somebody accepted can be proven later.
CREATE TABLE agreement_text (
    name     TEXT NOT NULL,
    version  INTEGER NOT NULL,
    text     TEXT NOT NULL,
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;

-- What a run must know of the one before, per destination.
CREATE TABLE delivery (
    destination               TEXT PRIMARY KEY,
    snapshot_id               TEXT NOT NULL,
    manifest_sha256           TEXT NOT NULL,
    previous_manifest_sha256  TEXT
) STRICT, WITHOUT ROWID;
