-- One audit record: the entry of the journal is what was hashed, and `audit` only an index of it, by which it is found.
-- What else the columns held stands in the entries.
DROP TRIGGER audit_keeps_its_words ON audit;
ALTER TABLE audit DROP COLUMN id, DROP COLUMN station, DROP COLUMN source, DROP COLUMN terminal,
    DROP COLUMN verdict, DROP COLUMN reason, DROP COLUMN detail;

-- An index loses its words with its entry, and keeps its place, time, kind and client.
CREATE OR REPLACE FUNCTION audit_words_go_on_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq = OLD.seq AND NEW.at = OLD.at AND NEW.kind = OLD.kind AND NEW.client IS NOT DISTINCT FROM OLD.client
        AND NEW.person IS NULL AND NEW.target IS NULL AND NEW.intervention IS NULL AND NEW.session IS NULL
        AND EXISTS (SELECT 1 FROM journal WHERE journal.seq = OLD.seq AND journal.entry IS NULL)
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'the audit trail only grows';
END $$;
CREATE TRIGGER audit_keeps_its_words BEFORE UPDATE ON audit
FOR EACH ROW EXECUTE FUNCTION audit_words_go_on_record();

-- Where the chain of each client's entries stands; the empty text is the gateway's own trail.
CREATE TABLE trails (
    client TEXT NOT NULL PRIMARY KEY,
    nth BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    leaf BYTEA NOT NULL,
    counted_at BIGINT NOT NULL
);
CREATE FUNCTION trails_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.client = OLD.client AND (
        NEW.nth = OLD.nth + 1 AND NEW.seq > OLD.seq OR NEW.nth = OLD.nth AND NEW.seq = OLD.seq AND NEW.leaf = OLD.leaf
    ) THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'a trail only grows';
END $$;
CREATE FUNCTION trails_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a trail only grows'; END $$;
CREATE TRIGGER trails_go_on BEFORE UPDATE ON trails
FOR EACH ROW EXECUTE FUNCTION trails_only_grow();
CREATE TRIGGER trails_remain BEFORE DELETE OR TRUNCATE ON trails
FOR EACH STATEMENT EXECUTE FUNCTION trails_stay();
