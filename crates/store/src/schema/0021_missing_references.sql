-- An object that is written or deleted forgets what it refers to in vain.

CREATE INDEX IF NOT EXISTS missing_reference_of ON missing_reference (kind, object_id);
