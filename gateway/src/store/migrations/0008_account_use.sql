-- When an account was used, so that one nobody uses is disabled (A8).
ALTER TABLE enrolments ADD COLUMN logged_on_at BIGINT;
ALTER TABLE enrolments ADD COLUMN enabled_at BIGINT;
-- Whoever worked before this format did not lie unused.
UPDATE enrolments SET logged_on_at =
    (SELECT MAX(audit.at) FROM audit WHERE audit.kind = 'log-on' AND audit.person = enrolments.person);

-- Bound to the key too. What was remembered lasted minutes.
DROP TABLE remembered;
CREATE TABLE remembered (
    person TEXT NOT NULL,
    person_key TEXT NOT NULL,
    station TEXT NOT NULL,
    source TEXT NOT NULL,
    client TEXT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (person, person_key, station, source, client)
) /* STRICT */;
