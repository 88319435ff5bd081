-- One audit record: the entry of the journal is what was hashed, and `audit` only an index of it, by which it is found.
-- What else the columns held stands in the entries.
DROP TRIGGER audit_keeps_its_words;
DROP TRIGGER audit_keeps_its_records;
DROP TRIGGER journal_keeps_its_words;
CREATE TABLE audit_index (
    seq INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    person TEXT,
    client TEXT,
    target TEXT,
    intervention BLOB,
    session BLOB
) STRICT;
INSERT INTO audit_index (seq, at, kind, person, client, target, intervention, session)
    SELECT seq, at, kind, person, client, target, intervention, session FROM audit;
DROP TABLE audit;
ALTER TABLE audit_index RENAME TO audit;
CREATE INDEX audit_by_client ON audit (client, seq);
CREATE INDEX audit_by_person ON audit (person, seq);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_session ON audit (session, seq);
CREATE INDEX audit_by_intervention ON audit (intervention, seq);

-- An index loses its words with its entry, and keeps its place, time, kind and client.
CREATE TRIGGER audit_keeps_its_words BEFORE UPDATE ON audit
WHEN NOT COALESCE((
    NEW.seq = OLD.seq AND NEW.at = OLD.at AND NEW.kind = OLD.kind AND NEW.client IS OLD.client
    AND NEW.person IS NULL AND NEW.target IS NULL AND NEW.intervention IS NULL AND NEW.session IS NULL
    AND EXISTS (SELECT 1 FROM journal WHERE journal.seq = OLD.seq AND journal.entry IS NULL)
), FALSE)
BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END;
CREATE TRIGGER audit_keeps_its_records BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END;
CREATE TRIGGER journal_keeps_its_words BEFORE UPDATE ON journal
WHEN NOT COALESCE((
    NEW.seq = OLD.seq AND NEW.leaf = OLD.leaf
    AND OLD.entry IS NOT NULL AND NEW.entry IS NULL AND OLD.destroyed_by IS NULL
    AND EXISTS (
        SELECT 1 FROM destructions JOIN audit ON audit.seq = OLD.seq
        WHERE destructions.seq = NEW.destroyed_by AND destructions.client = audit.client AND OLD.seq <= destructions.up_to
    )
), FALSE)
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;

-- Where the chain of each client's entries stands; the empty text is the gateway's own trail.
CREATE TABLE trails (
    client TEXT NOT NULL PRIMARY KEY,
    nth INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    leaf BLOB NOT NULL,
    counted_at INTEGER NOT NULL
) STRICT;
CREATE TRIGGER trails_go_on BEFORE UPDATE ON trails
WHEN NOT (NEW.client = OLD.client AND (
    NEW.nth = OLD.nth + 1 AND NEW.seq > OLD.seq OR NEW.nth = OLD.nth AND NEW.seq = OLD.seq AND NEW.leaf = OLD.leaf
))
BEGIN SELECT RAISE(ABORT, 'a trail only grows'); END;
CREATE TRIGGER trails_remain BEFORE DELETE ON trails
BEGIN SELECT RAISE(ABORT, 'a trail only grows'); END;
