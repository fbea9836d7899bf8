-- By what right something is done: keys belong to users by id, answers to keys, and some policies to a domain.

ALTER TABLE api_key ADD COLUMN user_id INTEGER;                   -- NULL: the operator; 0: a user who no longer exists
ALTER TABLE api_key ADD COLUMN roles INTEGER NOT NULL DEFAULT 0;  -- 1: with what follows from the user's roles
ALTER TABLE api_key ADD COLUMN made_by INTEGER;                   -- another user who may know its secret

UPDATE api_key
SET user_id = COALESCE((SELECT object.id FROM object WHERE object.kind = 'users' AND object.name = api_key.owner), 0)
WHERE owner <> 'administrator';

-- 1: written last under a permission inside a domain, which may then change it.
ALTER TABLE object ADD COLUMN delegated INTEGER NOT NULL DEFAULT 0;

-- Remembered for a day at most; some held a secret.
DELETE FROM idempotency;
