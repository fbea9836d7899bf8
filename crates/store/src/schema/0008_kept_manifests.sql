-- Deliveries: under which key a manifest stays at the destination once the next one has taken its place, so that the
-- next one can name it. Null where the layout does not keep manifests, and for deliveries recorded before.

ALTER TABLE delivery ADD COLUMN kept_manifest_key TEXT;
ALTER TABLE delivery ADD COLUMN previous_manifest_key TEXT;
ALTER TABLE announced_delivery ADD COLUMN kept_manifest_key TEXT;
ALTER TABLE announced_delivery ADD COLUMN previous_manifest_key TEXT;
