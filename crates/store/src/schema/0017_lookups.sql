-- Where nothing is known of how many rows a value has, SQLite prefers the primary key by its first column, the kind, to an
-- index that begins with the kind too. So these begin with what tells objects apart.

DROP INDEX object_by_alias;
CREATE INDEX object_by_alias ON object (alias);
DROP INDEX layer_by_name;
CREATE INDEX layer_by_name ON layer (name);
