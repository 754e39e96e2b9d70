-- The shop of the MySQL and MariaDB demo: about 450,000 rows, and the faults that the traffic brings out.
-- One statement ends with a semicolon at the end of its line.

CREATE TABLE digits (d TINYINT UNSIGNED PRIMARY KEY) ENGINE=InnoDB;
INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
CREATE VIEW numbers AS SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS n
FROM digits AS a CROSS JOIN digits AS b CROSS JOIN digits AS c CROSS JOIN digits AS e CROSS JOIN digits AS f;

CREATE TABLE customers (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    email VARCHAR(80) NOT NULL,
    UNIQUE KEY customers_email (email)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO customers (email) SELECT CONCAT('customer', n, '@example.com') FROM numbers WHERE n < 40000 ORDER BY n;

CREATE TABLE products (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(80) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO products (name) SELECT CONCAT('product ', n) FROM numbers WHERE n < 2000 ORDER BY n;

CREATE TABLE inventory (
    product_id INT UNSIGNED NOT NULL PRIMARY KEY,
    stock INT NOT NULL,
    reserved INT NOT NULL DEFAULT 0
) ENGINE=InnoDB;
INSERT INTO inventory (product_id, stock) SELECT id, 100000 FROM products;

-- Fault: the storefront looks for the orders of a customer, and there is no index for it.
CREATE TABLE orders (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    customer_id INT UNSIGNED NOT NULL,
    status VARCHAR(12) NOT NULL,
    total DECIMAL(12, 2) NOT NULL,
    created_at DATETIME NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO orders (customer_id, status, total, created_at)
SELECT 1 + (n * 7919) % 40000, 'paid', 10 + n % 500, '2026-01-01' + INTERVAL n MINUTE FROM numbers ORDER BY n;
INSERT INTO orders (customer_id, status, total, created_at)
SELECT 1 + (n * 7907) % 40000, 'paid', 10 + n % 300, '2026-04-01' + INTERVAL n MINUTE FROM numbers ORDER BY n;

-- Fault: the same index twice.
CREATE TABLE order_items (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    order_id BIGINT UNSIGNED NOT NULL,
    product_id INT UNSIGNED NOT NULL,
    quantity INT NOT NULL,
    KEY order_items_product (product_id),
    KEY order_items_by_product (product_id)
) ENGINE=InnoDB;
INSERT INTO order_items (order_id, product_id, quantity)
SELECT id, 1 + (id * 31) % 2000, 1 + id % 3 FROM orders WHERE id <= 100000;

-- Fault: a key of four bytes that has used up nearly all its numbers.
CREATE TABLE page_views (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    path VARCHAR(80) NOT NULL,
    seen_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 AUTO_INCREMENT=2139000000;
INSERT INTO page_views (path) SELECT CONCAT('/products/', n % 2000) FROM numbers WHERE n < 20000 ORDER BY n;

-- Fault: no primary key.
CREATE TABLE audit_log (
    happened_at DATETIME NOT NULL,
    what VARCHAR(80) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO audit_log SELECT '2026-01-01' + INTERVAL n SECOND, 'login' FROM numbers WHERE n < 50000;

-- Fault: an engine that locks the whole table and does not survive a crash.
CREATE TABLE carts (
    id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    customer_id INT UNSIGNED NOT NULL,
    content VARCHAR(200) NOT NULL,
    touched_at DATETIME NOT NULL
) ENGINE=MyISAM DEFAULT CHARSET=utf8mb4;
INSERT INTO carts (customer_id, content, touched_at)
SELECT 1 + n, CONCAT('product ', n % 2000), '2026-05-01' FROM numbers WHERE n < 30000;

ANALYZE TABLE customers, products, inventory, orders, order_items, page_views, audit_log;
