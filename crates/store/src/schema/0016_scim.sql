-- What identity providers push by SCIM: the resources as they sent them, who belongs to which group, and the tokens that
-- let them in. Everything belongs to a connection by the id of its object, which no later connection of that name has.

CREATE TABLE scim_resource (
    number       INTEGER PRIMARY KEY,    -- in order of creation, never used again
    connection   INTEGER NOT NULL,
    kind         TEXT NOT NULL,          -- User, Group
    id           TEXT NOT NULL,          -- the SCIM id: of a user the global id
    name         TEXT NOT NULL,          -- userName or displayName, in lower case
    label        TEXT NOT NULL,          -- the same as it was sent
    external_id  TEXT,
    manager      TEXT,                   -- what names the manager: an id, or a userName in lower case
    layer_key    TEXT NOT NULL,          -- by what the connection's layer knows the object
    document     TEXT NOT NULL,
    version      INTEGER NOT NULL,       -- counts the changes of what clients write of it
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX scim_resource_of_id ON scim_resource (connection, kind, id);
CREATE UNIQUE INDEX scim_resource_of_name ON scim_resource (connection, kind, name);
CREATE UNIQUE INDEX scim_resource_in_order ON scim_resource (connection, kind, number);
CREATE INDEX scim_resource_of_external_id ON scim_resource (connection, kind, external_id);
CREATE INDEX scim_resource_of_manager ON scim_resource (connection, manager);

CREATE TABLE scim_member (
    group_number   INTEGER NOT NULL,
    member_number  INTEGER NOT NULL,
    display        TEXT,                 -- the member's name as the provider sent it
    PRIMARY KEY (group_number, member_number)
) STRICT, WITHOUT ROWID;

CREATE INDEX scim_member_of ON scim_member (member_number, group_number);

-- Groups that were deleted: one of the same name that comes back is the same group.
CREATE TABLE scim_former_group (
    connection  INTEGER NOT NULL,
    name        TEXT NOT NULL,           -- displayName in lower case
    id          TEXT NOT NULL,
    PRIMARY KEY (connection, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE scim_token (
    id            TEXT PRIMARY KEY,
    connection    INTEGER NOT NULL,
    name          TEXT NOT NULL,
    hash          BLOB NOT NULL UNIQUE,  -- SHA-256 of the token; the token itself is nowhere
    created_at    INTEGER NOT NULL,
    created_by    TEXT NOT NULL,         -- the actor
    last_used_at  INTEGER,
    revoked_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX scim_token_of_connection ON scim_token (connection, created_at);
