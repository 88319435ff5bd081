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
