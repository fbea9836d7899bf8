-- Leases: a number that grows with every acquisition, by which what a former holder writes late is told and refused.

ALTER TABLE lease ADD COLUMN token INTEGER NOT NULL DEFAULT 0;
