-- For each entry of the log, sealed under the store's key: its hash, and its words where it takes something from somebody. So
-- words that are away lift no block, and a place that takes nothing stops nobody. There is none of entries from before.
CREATE TABLE entry_copies (
    seq BIGINT NOT NULL PRIMARY KEY,
    sealed BYTEA NOT NULL
) /* STRICT */;
