-- The attempts at a run that have ended, and the last verification of an export.

ALTER TABLE run ADD COLUMN attempt_history TEXT;  -- JSON, a list; null of runs that ended before this version

ALTER TABLE export ADD COLUMN verification TEXT;  -- JSON; null until one is stored
