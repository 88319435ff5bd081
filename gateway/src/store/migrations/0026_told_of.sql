-- Which marks of an account are on record, and of how many bytes: flows with other budgets count on one account. 'told' of the account
-- keeps one bit, by which everybody is asked for what they do not use of it. A mark of before does not say of what it was told: it is
-- told once more.
CREATE TABLE extraction_told (
    account TEXT NOT NULL,
    mark BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (account, mark, amount)
) /* STRICT */;
UPDATE extraction SET told = 0;
