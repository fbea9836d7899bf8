-- Runs: what one that is under way is doing, when one that failed is tried again, and the wish that it be cancelled.

ALTER TABLE run ADD COLUMN retry_at INTEGER;
ALTER TABLE run ADD COLUMN progress TEXT;
ALTER TABLE run ADD COLUMN cancel_requested_at INTEGER;
ALTER TABLE run ADD COLUMN cancel_requested_by TEXT;
