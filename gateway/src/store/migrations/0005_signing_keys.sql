-- Every key that signs or signed recordings and checkpoints: what an old one signed is still to be checked.
CREATE TABLE signing_keys (
    public TEXT NOT NULL,
    source TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    until_at BIGINT,
    PRIMARY KEY (public, from_at)
) /* STRICT */;
