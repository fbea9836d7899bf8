-- What requests are looked up by: who has a part in them, and what waits. These rows follow from the documents.

CREATE TABLE request_state (
    name      TEXT PRIMARY KEY,    -- the request's id
    status    TEXT NOT NULL,
    username  TEXT NOT NULL,       -- for whom it is
    made_by   TEXT NOT NULL,
    asset     TEXT NOT NULL,       -- the data product or data source, as JSON
    subject   TEXT NOT NULL        -- all of what is asked for, as JSON: equal when the same thing is asked for
) STRICT, WITHOUT ROWID;

CREATE INDEX request_state_of_status ON request_state (status);
CREATE INDEX request_state_of_user ON request_state (username);
CREATE INDEX request_state_of_maker ON request_state (made_by);

CREATE TABLE request_part (
    name      TEXT NOT NULL,       -- the request's id
    username  TEXT NOT NULL,
    is_party  INTEGER NOT NULL     -- 1: made it, or is the one it is for; 0: decided it
) STRICT;

CREATE INDEX request_part_of_request ON request_part (name);
CREATE INDEX request_part_of_user ON request_part (username);
