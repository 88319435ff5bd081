-- Entries that concern no client end too: in `destructions` the empty name stands for none, which is no client's.
CREATE OR REPLACE FUNCTION journal_words_go_on_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq = OLD.seq AND NEW.leaf = OLD.leaf
        AND OLD.entry IS NOT NULL AND NEW.entry IS NULL AND OLD.destroyed_by IS NULL
        AND EXISTS (
            SELECT 1 FROM destructions JOIN audit ON audit.seq = OLD.seq
            WHERE destructions.seq = NEW.destroyed_by AND destructions.client = COALESCE(audit.client, '')
            AND OLD.seq <= destructions.up_to
        )
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'the journal only grows';
END $$;
CREATE OR REPLACE FUNCTION audit_words_go_on_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.seq = OLD.seq AND NEW.id = OLD.id AND NEW.at = OLD.at AND NEW.kind = OLD.kind
        AND NEW.client IS NOT DISTINCT FROM OLD.client
        AND NEW.person IS NULL AND NEW.station IS NULL AND NEW.source IS NULL AND NEW.terminal IS NULL
        AND NEW.target IS NULL AND NEW.intervention IS NULL AND NEW.session IS NULL AND NEW.verdict IS NULL
        AND NEW.reason IS NULL AND NEW.detail = '{}'
        AND EXISTS (SELECT 1 FROM journal WHERE journal.seq = OLD.seq AND journal.entry IS NULL)
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'the audit trail only grows';
END $$;
