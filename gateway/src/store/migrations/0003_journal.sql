-- The journal (R3): every audit record as the exact bytes that are hashed, in a Merkle tree (RFC 6962) of which
-- signed checkpoints leave the machine. Entry and record are written by one transaction.

-- seq is that of the audit record. No words: they were destroyed, on record, by the entry destroyed_by.
CREATE TABLE journal (
    seq BIGINT NOT NULL PRIMARY KEY,
    leaf BYTEA NOT NULL,
    entry TEXT,
    destroyed_by BIGINT
) /* STRICT */;
CREATE INDEX journal_by_destruction ON journal (destroyed_by);

-- The complete nodes above the leaves: (level, idx) covers the entries idx * 2^level to (idx + 1) * 2^level - 1.
CREATE TABLE journal_nodes (
    level BIGINT NOT NULL,
    idx BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (level, idx)
) /* STRICT */;

-- Signed notes; cosignatures are added to the end of a note.
CREATE TABLE checkpoints (
    size BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    note TEXT NOT NULL
) /* STRICT */;

-- What permits to take words away: seq is that of the entry that says so.
CREATE TABLE destructions (
    seq BIGINT NOT NULL PRIMARY KEY,
    client TEXT NOT NULL,
    up_to BIGINT NOT NULL,
    at BIGINT NOT NULL
) /* STRICT */;

-- How far copies have gone: the next entry and the next size of a checkpoint to send.
CREATE TABLE copies (
    destination TEXT NOT NULL PRIMARY KEY,
    next_entry BIGINT NOT NULL,
    next_checkpoint BIGINT NOT NULL,
    at BIGINT NOT NULL
) /* STRICT */;

-- Facts about the store itself that are made once, such as the name of its log.
CREATE TABLE facts (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) /* STRICT */;

-- What became of a session's recording.
ALTER TABLE sessions ADD COLUMN recording_state TEXT;
ALTER TABLE sessions ADD COLUMN manifest_sha256 TEXT;
ALTER TABLE sessions ADD COLUMN form TEXT;
ALTER TABLE sessions ADD COLUMN sealed_at BIGINT;
