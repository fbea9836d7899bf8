-- Sessions of the console: who is signed in with a browser. A session that has ended has no row.

CREATE TABLE session (
    id            TEXT PRIMARY KEY,
    hash          BLOB NOT NULL UNIQUE,  -- SHA-256 of the session's token; the token itself is nowhere
    api_key       TEXT NOT NULL,         -- the key that the session has its rights from
    user_id       INTEGER,               -- the user of that key; null for the operator
    method        TEXT NOT NULL,         -- how it began: KEY, LINK
    address       TEXT NOT NULL,         -- the client's, when it began
    browser       TEXT NOT NULL,         -- the User-Agent header, when it began
    created_at    INTEGER NOT NULL,
    last_used_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX session_of_user ON session (user_id);

-- Links that sign in the operator, until somebody has signed in.
CREATE TABLE sign_in_link (
    hash        BLOB PRIMARY KEY,        -- SHA-256 of the link's token
    expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When somebody signed in for the first time: no row before.
CREATE TABLE first_sign_in (
    only_one  INTEGER PRIMARY KEY CHECK (only_one = 1),
    at        INTEGER NOT NULL
) STRICT;
