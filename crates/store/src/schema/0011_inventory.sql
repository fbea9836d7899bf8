-- The revision at which the inventory (tenant, tags, groups, users, domains, data sources) last changed, and the one at
-- which the other kinds did. One of the two is the revision, unless a process of an earlier version has written since.

ALTER TABLE revision ADD COLUMN inventory INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revision ADD COLUMN rules INTEGER NOT NULL DEFAULT 0;
