-- Exports: what distinguishes a secret from others. Computed when the secret is sealed; null for secrets that were
-- sealed before, until the service starts, which has the key.

ALTER TABLE export ADD COLUMN secret_fingerprint TEXT;
