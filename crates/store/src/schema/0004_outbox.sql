-- What is to be told to a receiver outside, kept until it took it.

CREATE TABLE message (
    id             TEXT PRIMARY KEY,         -- as the receiver sees it, the same with every attempt
    number         INTEGER NOT NULL UNIQUE,  -- in the order in which they were recorded
    run_id         TEXT NOT NULL,
    body           TEXT NOT NULL,
    state          TEXT NOT NULL,
    attempts       INTEGER NOT NULL,         -- begun; one that was cut off counts
    created_at     INTEGER NOT NULL,
    due_at         INTEGER NOT NULL,         -- of the next attempt, while it is pending
    claimed_until  INTEGER,                  -- who makes an attempt has it alone until then
    ended_at       INTEGER,                  -- when it was delivered or given up
    error          TEXT                      -- why the last attempt failed
) STRICT, WITHOUT ROWID;

CREATE INDEX message_of_state ON message (state, due_at);
