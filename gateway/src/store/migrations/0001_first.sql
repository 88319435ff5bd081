-- The store of version 0.1. Written once, for both engines, in PostgreSQL's words; for SQLite,
-- store/migrations.rs puts INTEGER for BIGINT, BLOB for BYTEA and UUID, and STRICT where marked.
--
-- Times are microseconds since 1970 UTC. A column may be NULL only where the code reads an Option.

-- One number for each thing that is counted. Every writing transaction raises 'epoch' first, which
-- makes writers follow one another on PostgreSQL as they do on SQLite.
CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
) /* STRICT */;
INSERT INTO counters (name, value) VALUES ('epoch', 0), ('audit', 0), ('intervention', 0), ('session', 0);

-- Which program made this format, so that an older one can name the version that is needed.
CREATE TABLE program (
    format BIGINT NOT NULL PRIMARY KEY,
    version TEXT NOT NULL
) /* STRICT */;

CREATE TABLE document_versions (
    version BIGINT NOT NULL PRIMARY KEY,
    applied_at BIGINT NOT NULL,
    applied_by TEXT NOT NULL
) /* STRICT */;
CREATE TABLE document_texts (
    version BIGINT NOT NULL,
    file TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (version, file)
) /* STRICT */;

-- seq follows the order of commits. Nothing here is ever changed: 0002 makes the engine refuse it.
CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    id UUID NOT NULL UNIQUE,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    person TEXT,
    station TEXT,
    source TEXT,
    terminal TEXT,
    client TEXT,
    target TEXT,
    intervention UUID,
    session UUID,
    verdict TEXT,
    reason TEXT,
    detail TEXT NOT NULL
) /* STRICT */;
CREATE INDEX audit_by_client ON audit (client, seq);
CREATE INDEX audit_by_person ON audit (person, seq);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_session ON audit (session, seq);
CREATE INDEX audit_by_intervention ON audit (intervention, seq);

-- A row is a confirmed enrolment: nothing is kept before a first code was given.
CREATE TABLE enrolments (
    person TEXT NOT NULL PRIMARY KEY,
    secret BYTEA NOT NULL,
    confirmed_at BIGINT NOT NULL,
    confirmed_by TEXT NOT NULL,
    last_step BIGINT NOT NULL,
    disabled_at BIGINT
) /* STRICT */;

-- One row a failure and subject: 'person:alice' or 'source:192.0.2.1'.
CREATE TABLE failures (
    id UUID NOT NULL PRIMARY KEY,
    subject TEXT NOT NULL,
    at BIGINT NOT NULL
) /* STRICT */;
CREATE INDEX failures_by_subject ON failures (subject, at);

-- A proven second factor. No station, or no client: the empty text, which no id is.
CREATE TABLE remembered (
    person TEXT NOT NULL,
    station TEXT NOT NULL,
    source TEXT NOT NULL,
    client TEXT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (person, station, source, client)
) /* STRICT */;

-- The body is the value of the policy crate; the other columns exist to find it.
CREATE TABLE interventions (
    id UUID NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    revision BIGINT NOT NULL,
    client TEXT NOT NULL,
    person TEXT NOT NULL,
    provider TEXT NOT NULL,
    state TEXT NOT NULL,
    requested_at BIGINT NOT NULL,
    body TEXT NOT NULL
) /* STRICT */;
CREATE INDEX interventions_by_state ON interventions (state, number);
CREATE INDEX interventions_by_client ON interventions (client, number);
CREATE INDEX interventions_by_person ON interventions (person, number);

CREATE TABLE sessions (
    id UUID NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    node TEXT NOT NULL,
    person TEXT NOT NULL,
    station TEXT,
    source TEXT NOT NULL,
    client TEXT NOT NULL,
    target TEXT NOT NULL,
    account TEXT NOT NULL,
    intervention UUID NOT NULL,
    documents BIGINT NOT NULL,
    recording TEXT,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    end_reason TEXT,
    to_target BIGINT NOT NULL,
    to_technician BIGINT NOT NULL
) /* STRICT */;
CREATE INDEX sessions_by_client ON sessions (client, number);
CREATE INDEX sessions_by_end ON sessions (ended_at);
CREATE INDEX sessions_by_intervention ON sessions (intervention);

CREATE TABLE credentials (
    target TEXT NOT NULL,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    set_at BIGINT NOT NULL,
    set_by TEXT NOT NULL,
    PRIMARY KEY (target, account)
) /* STRICT */;

-- Keys of the gateway itself, such as its SSH user certificate authority.
CREATE TABLE gateway_keys (
    name TEXT NOT NULL PRIMARY KEY,
    public TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    made_at BIGINT NOT NULL
) /* STRICT */;

CREATE TABLE host_key_alerts (
    id UUID NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    client TEXT NOT NULL,
    target TEXT NOT NULL,
    expected TEXT NOT NULL,
    got TEXT NOT NULL
) /* STRICT */;
CREATE INDEX host_key_alerts_by_client ON host_key_alerts (client, at);
