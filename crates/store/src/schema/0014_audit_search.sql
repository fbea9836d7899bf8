-- Indexes for the searches of the console: the history of an object, what somebody did, what was done in a time.

CREATE INDEX audit_of_target ON audit (target, seq);

CREATE INDEX audit_of_actor ON audit (actor, seq);

CREATE INDEX audit_by_action ON audit (action, seq);

CREATE INDEX audit_by_time ON audit (at, seq);
