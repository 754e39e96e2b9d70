-- The shop: half a million rows in a few seconds, with the faults that lie in the schema.
-- The faults that need running sessions are in workload.py.

CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text NOT NULL,
    country char(2) NOT NULL
);
INSERT INTO customers (email, name, country)
SELECT format('customer%s@shop.example', n), format('Customer %s', n), (ARRAY['DE', 'FR', 'JP', 'CN', 'US'])[1 + n % 5]
FROM generate_series(1, 40000) AS n;

CREATE TABLE products (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title text NOT NULL,
    price numeric(10, 2) NOT NULL
);
INSERT INTO products (title, price)
SELECT format('Product %s', n), 5 + n % 200
FROM generate_series(1, 2000) AS n;

CREATE TABLE inventory (
    product_id bigint PRIMARY KEY,
    stock integer NOT NULL,
    reserved integer NOT NULL DEFAULT 0
);
INSERT INTO inventory (product_id, stock)
SELECT id, 100000 FROM products;

-- Fault: customer_id is what the storefront asks for, and it has no index.
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL,
    status text NOT NULL,
    total numeric(10, 2) NOT NULL,
    created_at timestamptz NOT NULL,
    note text NOT NULL DEFAULT ''
);
INSERT INTO orders (customer_id, status, total, created_at, note)
SELECT
    1 + (n * 7919) % 40000,
    CASE WHEN n % 100 = 0 THEN 'open' ELSE 'done' END,
    10 + n % 500,
    now() - n * interval '1 minute',
    repeat('please leave it at the door ', 2)
FROM generate_series(1, 250000) AS n;

-- Fault: two indexes on the same column under two names.
CREATE TABLE order_items (
    order_id bigint NOT NULL,
    line smallint NOT NULL,
    product_id bigint NOT NULL,
    quantity integer NOT NULL,
    PRIMARY KEY (order_id, line)
);
INSERT INTO order_items (order_id, line, product_id, quantity)
SELECT id, 1, 1 + (id * 31) % 2000, 1 + id % 3 FROM orders;
CREATE INDEX order_items_product_id_idx ON order_items (product_id);
CREATE INDEX order_items_by_product ON order_items (product_id);

-- Fault: a four-byte key that has used up nearly all its numbers.
CREATE TABLE page_views (
    id integer GENERATED ALWAYS AS IDENTITY (START WITH 2139000000) PRIMARY KEY,
    path text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO page_views (path)
SELECT format('/products/%s', n % 2000) FROM generate_series(1, 20000) AS n;

-- Fault: nobody cleans this table, and every row was rewritten several times.
CREATE TABLE carts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint NOT NULL,
    content jsonb NOT NULL,
    touched_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_enabled = off);
INSERT INTO carts (customer_id, content)
SELECT n, jsonb_build_object('product', n % 2000, 'quantity', 1 + n % 4) FROM generate_series(1, 30000) AS n;

-- Fault: the planner still believes in the first thousand rows, all of them delivered.
CREATE TABLE shipments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL,
    state text NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_analyze_scale_factor = 100);
CREATE INDEX shipments_state_idx ON shipments (state);
INSERT INTO shipments (order_id, state)
SELECT n, 'delivered' FROM generate_series(1, 1000) AS n;

ANALYZE shipments;

INSERT INTO shipments (order_id, state)
SELECT n, 'underway' FROM generate_series(1001, 120000) AS n;
UPDATE carts SET touched_at = now();
UPDATE carts SET touched_at = now();
UPDATE carts SET touched_at = now();
UPDATE carts SET touched_at = now();

-- Added at last: one pass over each table instead of a look for every row.
ALTER TABLE inventory ADD FOREIGN KEY (product_id) REFERENCES products;
ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers;
ALTER TABLE order_items
    ADD FOREIGN KEY (order_id) REFERENCES orders,
    ADD FOREIGN KEY (product_id) REFERENCES products;

CREATE ROLE shop LOGIN;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop;
ALTER ROLE shop SET max_parallel_workers_per_gather = 0;

-- All that Housecall gets: statistics, settings and how far sequences have come; no row of any table.
CREATE ROLE housecall LOGIN;
GRANT pg_monitor TO housecall;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO housecall;
