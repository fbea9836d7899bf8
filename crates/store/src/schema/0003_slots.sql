-- Deliveries: the slot in use, and a delivery whose manifest may or may not have arrived.

ALTER TABLE delivery ADD COLUMN slot TEXT;           -- in the swap layout
ALTER TABLE delivery ADD COLUMN manifest_mark TEXT;  -- by which the destination's listing tells the manifest

-- Written before a manifest is put and removed once the delivery is recorded.
CREATE TABLE announced_delivery (
    destination               TEXT PRIMARY KEY,
    snapshot_id               TEXT NOT NULL,
    manifest_sha256           TEXT NOT NULL,
    previous_manifest_sha256  TEXT,
    slot                      TEXT
) STRICT, WITHOUT ROWID;
