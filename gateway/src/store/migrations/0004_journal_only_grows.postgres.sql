-- The journal only grows. Whoever owns the database can drop these triggers: they stop mistakes and injected
-- statements; what stops an administrator is a checkpoint on another machine.
CREATE FUNCTION journal_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the journal only grows'; END $$;
CREATE FUNCTION journal_words_go_on_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq = OLD.seq AND NEW.leaf = OLD.leaf
        AND OLD.entry IS NOT NULL AND NEW.entry IS NULL AND OLD.destroyed_by IS NULL
        AND EXISTS (
            SELECT 1 FROM destructions JOIN audit ON audit.seq = OLD.seq
            WHERE destructions.seq = NEW.destroyed_by AND destructions.client = audit.client AND OLD.seq <= destructions.up_to
        )
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'the journal only grows';
END $$;
CREATE TRIGGER journal_keeps_its_words BEFORE UPDATE ON journal
FOR EACH ROW EXECUTE FUNCTION journal_words_go_on_record();
CREATE TRIGGER journal_keeps_its_entries BEFORE DELETE OR TRUNCATE ON journal
FOR EACH STATEMENT EXECUTE FUNCTION journal_only_grows();
CREATE TRIGGER journal_nodes_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_nodes
FOR EACH STATEMENT EXECUTE FUNCTION journal_only_grows();

CREATE FUNCTION checkpoints_only_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'checkpoints are only added, and cosigned'; END $$;
CREATE FUNCTION checkpoints_only_cosigned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size = OLD.size AND NEW.at = OLD.at AND substr(NEW.note, 1, length(OLD.note)) = OLD.note
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'checkpoints are only added, and cosigned';
END $$;
CREATE TRIGGER checkpoints_keep_their_words BEFORE UPDATE ON checkpoints
FOR EACH ROW EXECUTE FUNCTION checkpoints_only_cosigned();
CREATE TRIGGER checkpoints_remain BEFORE DELETE OR TRUNCATE ON checkpoints
FOR EACH STATEMENT EXECUTE FUNCTION checkpoints_only_added();

CREATE FUNCTION destructions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'what was destroyed stays on record'; END $$;
CREATE TRIGGER destructions_remain BEFORE UPDATE OR DELETE OR TRUNCATE ON destructions
FOR EACH STATEMENT EXECUTE FUNCTION destructions_stay();

-- A record loses its words with its entry, and keeps its place, time, kind and client.
CREATE FUNCTION audit_words_go_on_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq = OLD.seq AND NEW.id = OLD.id AND NEW.at = OLD.at AND NEW.kind = OLD.kind AND NEW.client = OLD.client
        AND NEW.person IS NULL AND NEW.station IS NULL AND NEW.source IS NULL AND NEW.terminal IS NULL
        AND NEW.target IS NULL AND NEW.intervention IS NULL AND NEW.session IS NULL AND NEW.verdict IS NULL
        AND NEW.reason IS NULL AND NEW.detail = '{}'
        AND EXISTS (SELECT 1 FROM journal WHERE journal.seq = OLD.seq AND journal.entry IS NULL)
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'the audit trail only grows';
END $$;
DROP TRIGGER audit_keeps_its_records ON audit;
CREATE TRIGGER audit_keeps_its_records BEFORE DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
CREATE TRIGGER audit_keeps_its_words BEFORE UPDATE ON audit
FOR EACH ROW EXECUTE FUNCTION audit_words_go_on_record();
