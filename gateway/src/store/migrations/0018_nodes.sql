-- The gateways that share this store: how people reach each, and when it was heard of last, by the store's own clock.
CREATE TABLE nodes (
    name TEXT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL,
    renewed_at BIGINT NOT NULL
) /* STRICT */;
-- What an operator ordered for sessions of other nodes: one row a node that is to carry it out. 'seq' is the entry of the log
-- that has the salted digest of the body; without it nobody obeys. 'given_at' is of the store's own clock. An answer is NULL
-- until there is one.
CREATE TABLE orders (
    id UUID NOT NULL,
    node TEXT NOT NULL,
    given_at BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    salt TEXT NOT NULL,
    body TEXT NOT NULL,
    answer TEXT,
    PRIMARY KEY (id, node)
) /* STRICT */;
CREATE INDEX orders_by_node ON orders (node);
