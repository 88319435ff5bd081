-- What was spent of each budget, in payload bytes: one row an account. What is reserved counts as spent. 'extra' is what operators
-- added to the budget. 'told' has a bit for each crossing that is on record already.
CREATE TABLE extraction (
    account TEXT NOT NULL PRIMARY KEY,
    spent BIGINT NOT NULL,
    extra BIGINT NOT NULL,
    told BIGINT NOT NULL
) /* STRICT */;
