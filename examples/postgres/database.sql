-- A shop with the classic mistakes. Run it as a superuser, in a new database called shop.
-- It creates roles; the passwords are for trying things out.

CREATE ROLE shop_owner;
CREATE ROLE sales_team;
CREATE ROLE support_team;
CREATE ROLE ada LOGIN PASSWORD 'ada';
CREATE ROLE lena LOGIN PASSWORD 'lena';
CREATE ROLE omar LOGIN PASSWORD 'omar';
CREATE ROLE priya LOGIN PASSWORD 'priya';
CREATE ROLE etl LOGIN PASSWORD 'etl';
CREATE ROLE tmp_migration LOGIN PASSWORD 'tmp';
-- What Domesday reads with: to connect is enough.
CREATE ROLE domesday_reader LOGIN PASSWORD 'reader';

CREATE SCHEMA sales AUTHORIZATION shop_owner;
CREATE SCHEMA support AUTHORIZATION shop_owner;
CREATE SCHEMA reporting AUTHORIZATION shop_owner;

SET ROLE shop_owner;

CREATE TABLE sales.customer (
    id integer PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    country text
);
COMMENT ON TABLE sales.customer IS 'Everybody who ever bought something';
CREATE TABLE sales.orders (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES sales.customer,
    amount numeric(12, 2) NOT NULL,
    ordered_at timestamptz NOT NULL
);
CREATE TABLE support.ticket (
    id integer PRIMARY KEY,
    customer_id integer,
    subject text,
    body text,
    contact_email text
);
CREATE TABLE reporting.revenue (
    month date PRIMARY KEY,
    amount numeric(14, 2) NOT NULL
);

-- The team of sales reads its tables whole: the e-mail addresses, too.
GRANT USAGE ON SCHEMA sales TO sales_team;
GRANT SELECT ON sales.customer, sales.orders TO sales_team;
-- Support reads tickets column by column, without the address. `priority` came later, and nobody granted it.
GRANT USAGE ON SCHEMA support TO support_team;
GRANT SELECT (id, customer_id, subject, body) ON support.ticket TO support_team;
ALTER TABLE support.ticket ADD COLUMN priority text;
-- A dashboard had to run on a Friday evening.
GRANT USAGE ON SCHEMA reporting TO PUBLIC;
GRANT SELECT ON reporting.revenue TO PUBLIC;
-- The nightly job writes orders, as it should.
GRANT USAGE ON SCHEMA sales TO etl;
GRANT SELECT, INSERT ON sales.orders TO etl;
-- A migration of two years ago.
GRANT USAGE ON SCHEMA sales, support TO tmp_migration;
GRANT SELECT ON ALL TABLES IN SCHEMA sales, support TO tmp_migration;

RESET ROLE;

GRANT sales_team TO ada, omar, lena;
GRANT support_team TO ada;
