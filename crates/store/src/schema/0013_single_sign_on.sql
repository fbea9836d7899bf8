-- A session that began by single sign-on has its rights from its user, not from an API key.

ALTER TABLE session RENAME TO session_before;

CREATE TABLE session (
    id            TEXT PRIMARY KEY,
    hash          BLOB NOT NULL UNIQUE,  -- SHA-256 of the session's token; the token itself is nowhere
    api_key       TEXT,                  -- the key that the session has its rights from; null for those of the user
    user_id       INTEGER,               -- the user; null for the operator
    method        TEXT NOT NULL,         -- how it began: KEY, LINK, OIDC
    address       TEXT NOT NULL,         -- the client's, when it began
    browser       TEXT NOT NULL,         -- the User-Agent header, when it began
    created_at    INTEGER NOT NULL,
    last_used_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO session (id, hash, api_key, user_id, method, address, browser, created_at, last_used_at)
    SELECT id, hash, api_key, user_id, method, address, browser, created_at, last_used_at FROM session_before;

DROP TABLE session_before;

CREATE INDEX session_of_user ON session (user_id);

-- States of single sign-on that were used: each signs in at most once.
CREATE TABLE used_sign_in_state (
    hash        BLOB PRIMARY KEY,        -- SHA-256 of the state
    expires_at  INTEGER NOT NULL         -- when the state expires by itself
) STRICT, WITHOUT ROWID;
