-- Which node sends copies to a destination, and until when no other does.
CREATE TABLE copy_leases (
    destination TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until_at BIGINT NOT NULL
) /* STRICT */;
